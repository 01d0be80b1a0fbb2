// SPDX-License-Identifier: Apache-2.0
// One thread a line or a system: adding by index, and small linear systems.
#include "kernelgen/lowering.hpp"

namespace odeum::kernelgen {
namespace {

/// A matrix and right-hand sides of at most so many entries are solved in a thread's own memory.
constexpr std::int64_t kPrivate = 128;

/// Opens a block of one thread for each index of `shape`'s first axes; their indices.
std::vector<std::string> begin_lines(KernelText& text, const Shape& shape, int axes, Size& lines) {
  const std::vector<std::int64_t> extents(shape.extents().begin(), shape.extents().begin() + axes);
  lines = {1, shape.has_rows()};
  for (const std::int64_t extent : extents) lines.count *= extent == kRows ? 1 : extent;
  text.line("const idx i = group * " + text_of(kThreads) + " + LOCAL_ID;");
  text.open("if (i < " + text_of(lines.count) + (lines.rows ? " * (idx)rows" : "") + ")");
  return decompose(text, "i", extents);
}

std::vector<std::string> with(std::vector<std::string> indices,
                              std::initializer_list<std::string> more) {
  indices.insert(indices.end(), more);
  return indices;
}

}  // namespace

void write_scatter_add(Lowering& lowering, ValueId id) {
  const Graph& graph = lowering.graph();
  const Node& node = graph[id];
  const ValueId x = node.operands[0], index = node.operands[1];
  const std::int64_t size = node.shape.extents().back();
  const std::int64_t entries = graph[x].shape.extents().back();
  KernelText text;
  Size lines;
  const auto line = begin_lines(text, node.shape, node.shape.rank() - 1, lines);
  Elements elements(lowering, text, {});
  const std::string to = text.pointer(lowering.slot(id), node.dtype);
  const std::string start = text.index("i * " + text_of(size));
  text.line("for (idx j = 0; j < " + text_of(size) + "; ++j) " + to + "[" + start + " + j] = 0;");
  text.open("for (idx j = 0; j < " + text_of(entries) + "; ++j)");
  const std::string at = text.let("long", elements.load(index, with(line, {"j"})));
  text.line("if (" + at + " >= 0 && " + at + " < " + text_of(size) + ") " + to + "[" + start +
            " + (idx)" + at + "] += " + elements.load(x, with(line, {"j"})) + ";");
  text.close();
  text.close();
  lowering.launch(text, kThreads, {.m = lines, .tile_m = kThreads});
}

void write_lu_solve(Lowering& lowering, ValueId id) {
  const Graph& graph = lowering.graph();
  const Node& node = graph[id];
  const bool transposed = std::get<Solve>(node.attributes).transposed;
  const ValueId a = node.operands[0], b = node.operands[1];
  const std::int64_t n = graph[a].shape.extents().back(), k = node.shape.extents().back();
  KernelText text;
  Size systems;
  const auto system = begin_lines(text, node.shape, node.shape.rank() - 2, systems);
  Elements elements(lowering, text, {});
  const std::string N = text_of(n), K = text_of(k);
  // float32 is solved in float64 as well.
  if (n * (n + k) <= kPrivate) {
    text.line("double A[" + text_of(n * n + 1) + "], B[" + text_of(n * k + 1) + "];");
  } else {
    const int scratch = lowering.scratch(DType::f64, {n * (n + k) * systems.count, systems.rows});
    const std::string memory = text.pointer(scratch, DType::f64);
    text.line("GLOBAL double* A = " + memory + " + i * " + text_of(n * (n + k)) + ";");
    text.line("GLOBAL double* B = A + " + text_of(n * n) + ";");
  }
  text.open("for (idx r = 0; r < " + N + "; ++r)");
  text.line("for (idx c = 0; c < " + N + "; ++c) A[r * " + N + " + c] = (double)" +
            elements.load(a, transposed ? with(system, {"c", "r"}) : with(system, {"r", "c"})) +
            ";");
  text.line("for (idx c = 0; c < " + K + "; ++c) B[r * " + K + " + c] = (double)" +
            elements.load(b, with(system, {"r", "c"})) + ";");
  text.close();
  const auto exchange = [&](const char* matrix, const std::string& width) {
    const std::string m = matrix;
    text.line("for (idx j = 0; j < " + width + "; ++j) { const double t = " + m + "[p * " + width +
              " + j]; " + m + "[p * " + width + " + j] = " + m + "[pivot * " + width + " + j]; " +
              m + "[pivot * " + width + " + j] = t; }");
  };
  text.open("for (idx p = 0; p < " + N + "; ++p)");
  text.line("idx pivot = p;");
  text.line("for (idx r = p + 1; r < " + N + "; ++r) if (fabs(A[r * " + N +
            " + p]) > fabs(A[pivot * " + N + " + p])) pivot = r;");
  text.open("if (pivot != p)");
  exchange("A", N);
  exchange("B", K);
  text.close();
  text.open("for (idx r = p + 1; r < " + N + "; ++r)");
  text.line("const double factor = A[r * " + N + " + p] / A[p * " + N + " + p];");
  text.line("for (idx j = p + 1; j < " + N + "; ++j) A[r * " + N + " + j] -= factor * A[p * " + N +
            " + j];");
  text.line("for (idx j = 0; j < " + K + "; ++j) B[r * " + K + " + j] -= factor * B[p * " + K +
            " + j];");
  text.close();
  text.close();
  const std::string to = text.pointer(lowering.slot(id), node.dtype);
  text.open("for (idx r = " + N + " - 1; r >= 0; --r)");
  text.open("for (idx j = 0; j < " + K + "; ++j)");
  text.line("double total = B[r * " + K + " + j];");
  text.line("for (idx c = r + 1; c < " + N + "; ++c) total -= A[r * " + N + " + c] * B[c * " + K +
            " + j];");
  text.line("total /= A[r * " + N + " + r];");
  text.line("B[r * " + K + " + j] = total;");
  text.line(to + "[i * " + text_of(n * k) + " + r * " + K + " + j] = (" + c_type(node.dtype) +
            ")total;");
  text.close();
  text.close();
  text.close();
  lowering.launch(text, kThreads, {.m = systems, .tile_m = kThreads});
}

}  // namespace odeum::kernelgen
