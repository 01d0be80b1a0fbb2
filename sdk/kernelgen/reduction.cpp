// SPDX-License-Identifier: Apache-2.0
// Sums and maxima that are too long for one thread. The order of every sum is fixed by the rows
// alone: pieces, threads of a group within a piece, a tree over the threads, then the pieces in
// order.
#include <algorithm>

#include "kernelgen/lowering.hpp"

namespace odeum::kernelgen {
namespace {

/// Neighbouring outputs are neighbours in memory where there are so many of them: then each thread
/// takes an output, instead of a group taking one.
constexpr std::int64_t kStrip = 32;
/// Entries of a piece, and the most pieces.
constexpr std::int64_t kPiece = 1024, kStripPiece = 64, kMostPieces = 64;

struct Loop {
  Lowering& lowering;
  const Unit& unit;
  ValueId id;
  DType type;  ///< that it accumulates in
  bool maximum;

  const Graph& graph() const { return lowering.graph(); }
  const Shape& entries() const { return graph()[graph().operand(id, 0)].shape; }
  const std::vector<int>& axes() const { return std::get<Axes>(graph()[id].attributes).axes; }
};

std::string combine(const Loop& loop, const std::string& total, const std::string& entry) {
  if (!loop.maximum) return total + " += " + entry + ";";
  return "if (" + total + " < " + entry + " || " + entry + " != " + entry + ") " + total + " = " +
         entry + ";";
}

std::string start_value(const Loop& loop) {
  return loop.maximum ? std::string("LOWEST_") + c_type(loop.type) : "0";
}

/// Entry q of output o, in the accumulating type.
std::string entry(const Loop& loop, KernelText& text, const std::string& o, const std::string& q) {
  const Shape& shape = loop.entries();
  std::vector<std::int64_t> reduced;
  for (const int axis : loop.axes()) reduced.push_back(shape[axis]);
  const std::vector<std::string> inner = decompose(text, q, reduced);
  const std::vector<std::string> kept = decompose(text, o, loop.graph()[loop.id].shape.extents());
  std::vector<std::string> at;
  at.reserve(static_cast<std::size_t>(shape.rank()));
  std::size_t next_kept = 0, next_inner = 0;
  for (int axis = 0; axis < shape.rank(); ++axis) {
    at.push_back(std::binary_search(loop.axes().begin(), loop.axes().end(), axis)
                     ? inner[next_inner++]
                     : kept[next_kept++]);
  }
  const ValueId x = loop.graph().operand(loop.id, 0);
  const std::string cast = "(" + std::string(c_type(loop.type)) + ")";
  if (loop.unit.nodes.size() == 1) {
    Elements elements(loop.lowering, text, {});
    return text.let(c_type(loop.type), cast + elements.load(x, at));
  }
  const Layout flat = contiguous(x, shape);
  Place place{text.index(address(at, flat.strides, 0)), "0", ""};
  place.element = place.flat;
  if (shape.has_rows()) {
    place.row = at[0];
    at[0] = "0";
    place.element = text.index(address(at, flat.strides, 0));
  }
  Elements elements(loop.lowering, text, place);
  for (const ValueId node : loop.unit.nodes) {
    if (node != loop.id) elements.compute(node);
  }
  return text.let(c_type(loop.type), cast + elements.name(loop.graph().root(x)));
}

std::string total_of(const Size& size) {
  return text_of(size.count) + (size.rows ? " * (idx)rows" : "");
}

/// One group an output and piece.
void write_block(const Loop& loop, const Size& outputs, const Size& length, int to, DType to_type,
                 const Parts& parts) {
  KernelText text;
  const std::string type = c_type(loop.type);
  const std::string threads = text_of(kThreads);
  text.local_array(loop.type, "shared", kThreads);
  text.line("const idx outputs = " + total_of(outputs) + ";");
  text.line("const idx o = group % outputs, piece = group / outputs;");
  text.line("const idx entries = " + total_of(length) + ";");
  text.line(type + " total = " + start_value(loop) + ";");
  text.open("for (idx q = piece * " + threads + " + LOCAL_ID; q < entries; q += (idx)parts * " +
            threads + ")");
  text.line(combine(loop, "total", entry(loop, text, "o", "q")));
  text.close();
  text.line("shared[LOCAL_ID] = total;");
  text.line("BARRIER;");
  for (int step = kThreads / 2; step > 0; step /= 2) {
    text.open("if (LOCAL_ID < " + text_of(step) + ")");
    text.line("const " + type + " other = shared[LOCAL_ID + " + text_of(step) + "];");
    text.line(combine(loop, "total", "other"));
    text.line("shared[LOCAL_ID] = total;");
    text.close();
    text.line("BARRIER;");
  }
  text.line("if (LOCAL_ID == 0) " + text.pointer(to, to_type) + "[piece * outputs + o] = (" +
            c_type(to_type) + ")total;");
  loop.lowering.launch(text, kThreads, {.m = outputs, .parts = parts});
}

/// One thread an output and piece.
void write_strip(const Loop& loop, const Size& outputs, const Size& length, int to, DType to_type,
                 const Parts& parts) {
  KernelText text;
  const std::string type = c_type(loop.type);
  text.line("const idx outputs = " + total_of(outputs) + ";");
  text.line("const idx tiles = (outputs + " + text_of(kThreads - 1) + ") / " + text_of(kThreads) +
            ";");
  text.line("const idx piece = group / tiles;");
  text.line("const idx o = group % tiles * " + text_of(kThreads) + " + LOCAL_ID;");
  text.open("if (o < outputs)");
  text.line("const idx entries = " + total_of(length) + ";");
  text.line(type + " total = " + start_value(loop) + ";");
  text.open("for (idx q = piece; q < entries; q += (idx)parts)");
  text.line(combine(loop, "total", entry(loop, text, "o", "q")));
  text.close();
  text.line(text.pointer(to, to_type) + "[piece * outputs + o] = (" + c_type(to_type) + ")total;");
  text.close();
  loop.lowering.launch(text, kThreads, {.m = outputs, .tile_m = kThreads, .parts = parts});
}

}  // namespace

void write_reduction(Lowering& lowering, const Unit& unit) {
  const ValueId id = unit.nodes.back();
  const Graph& graph = lowering.graph();
  const Node& node = graph[id];
  const bool over_rows = reduces_rows(graph, id);
  const bool maximum = node.op == Op::reduce_max;
  // Sums of float32 over rows are accumulated in float64.
  const DType type = over_rows && !maximum && node.dtype == DType::f32 ? DType::f64 : node.dtype;
  const Loop loop{lowering, unit, id, type, maximum};
  const Size outputs{graph.elements(id), graph.rowful(id)};
  const Size length{reduced_entries(graph, id), over_rows};
  const bool strip = !outputs.rows && outputs.count >= kStrip;
  const auto write = strip ? write_strip : write_block;
  if (!over_rows && (outputs.rows || length.count <= 4 * kPiece)) {
    write(loop, outputs, length, lowering.slot(id), node.dtype, {});
    return;
  }
  const Parts parts{length, strip ? kStripPiece : kPiece, kMostPieces};
  const int pieces = lowering.scratch(type, {kMostPieces * outputs.count, false});
  write(loop, outputs, length, pieces, type, parts);
  write_combination(lowering, id, pieces, type, maximum, parts);
}

void write_combination(Lowering& lowering, ValueId id, int pieces, DType type, bool maximum,
                       const Parts& parts) {
  const Graph& graph = lowering.graph();
  const DType result = graph[id].dtype;
  const Size outputs{graph.elements(id), false};
  const DType wide = !maximum && type == DType::f32 ? DType::f64 : type;
  KernelText text;
  text.line("const idx i = group * " + text_of(kThreads) + " + LOCAL_ID;");
  text.open("if (i < " + text_of(outputs.count) + ")");
  const std::string from = text.pointer(pieces, type);
  text.line(std::string(c_type(wide)) + " total = " + from + "[i];");
  text.open("for (idx piece = 1; piece < (idx)parts; ++piece)");
  const std::string entry =
      text.let(c_type(wide), from + "[piece * " + text_of(outputs.count) + " + i]");
  const Loop loop{lowering, Unit{}, id, wide, maximum};
  text.line(combine(loop, "total", entry));
  text.close();
  text.line(text.pointer(lowering.slot(id), result) + "[i] = (" + c_type(result) + ")total;");
  text.close();
  Parts told = parts;
  lowering.launch(text, kThreads, {.m = outputs, .tile_m = kThreads, .parts = told});
}

}  // namespace odeum::kernelgen
