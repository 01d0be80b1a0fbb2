// SPDX-License-Identifier: Apache-2.0
// Small dense linear systems, batched over leading axes.
#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <utility>

#include "program/primitive.hpp"

namespace odeum {
namespace program {
namespace {

void infer_lu_solve(const Graph& graph, Node& node) {
  const Node& a = graph[node.operands[0]];
  const Node& b = graph[node.operands[1]];
  const int rank = a.shape.rank();
  bool fits = rank >= 2 && b.shape.rank() == rank && a.dtype == b.dtype && is_float(a.dtype);
  if (fits) {
    fits = a.shape[rank - 1] == a.shape[rank - 2] && a.shape[rank - 2] == b.shape[rank - 2] &&
           a.shape[rank - 1] != kRows && !(rank == 2 && a.shape.has_rows());
  }
  for (int axis = 0; fits && axis < rank - 2; ++axis) fits = a.shape[axis] == b.shape[axis];
  if (!fits) {
    refuse("lu_solve", std::string(name(a.dtype)) + " " + a.shape.text() + " and " + name(b.dtype) +
                           " " + b.shape.text() + "; A is [..., n, n] and b [..., n, k]");
  }
  node.shape = b.shape;
  node.dtype = b.dtype;
}

/// Solves A x = b in place of b by elimination with partial pivoting; `a` is destroyed.
void solve_in_place(std::vector<double>& a, double* b, std::size_t n, std::size_t k) {
  for (std::size_t column = 0; column < n; ++column) {
    std::size_t pivot = column;
    for (std::size_t row = column + 1; row < n; ++row) {
      if (std::abs(a[row * n + column]) > std::abs(a[pivot * n + column])) pivot = row;
    }
    if (pivot != column) {
      for (std::size_t j = 0; j < n; ++j) std::swap(a[pivot * n + j], a[column * n + j]);
      for (std::size_t j = 0; j < k; ++j) std::swap(b[pivot * k + j], b[column * k + j]);
    }
    for (std::size_t row = column + 1; row < n; ++row) {
      const double factor = a[row * n + column] / a[column * n + column];
      for (std::size_t j = column; j < n; ++j) a[row * n + j] -= factor * a[column * n + j];
      for (std::size_t j = 0; j < k; ++j) b[row * k + j] -= factor * b[column * k + j];
    }
  }
  for (std::size_t row = n; row-- > 0;) {
    for (std::size_t j = 0; j < k; ++j) {
      for (std::size_t i = row + 1; i < n; ++i) b[row * k + j] -= a[row * n + i] * b[i * k + j];
      b[row * k + j] /= a[row * n + row];
    }
  }
}

void evaluate_lu_solve(const Evaluation& e) {
  const Array& a = e.operand(0);
  e.result.values = e.operand(1).values;
  const auto n = static_cast<std::size_t>(a.extents.back());
  const auto k = static_cast<std::size_t>(e.result.extents.back());
  const std::size_t systems = n == 0 ? 0 : a.values.size() / (n * n);
  std::vector<double> matrix(n * n);
  for (std::size_t s = 0; s < systems; ++s) {
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t j = 0; j < n; ++j) {
        const bool transposed = attribute<Solve>(e.node).transposed;
        matrix[i * n + j] = a.values[s * n * n + (transposed ? j * n + i : i * n + j)];
      }
    }
    solve_in_place(matrix, e.result.values.data() + s * n * k, n, k);
  }
}

std::string leading_labels(const Shape& shape) {
  std::string labels;
  for (int axis = 0; axis + 2 < shape.rank(); ++axis) labels += static_cast<char>('a' + axis);
  return labels;
}

Tensor jvp_lu_solve(const Forward& f) {
  // dx = A^-1 (db - dA x)
  Tensor right = f.tangent(1);
  const Solve solve = attribute<Solve>(f.node());
  if (f.tangent(0)) {
    const std::string batch = leading_labels(f.node().shape);
    const std::string matrix = batch + (solve.transposed ? "JI" : "IJ");
    const Tensor change =
        emit(Op::dot, {f.tangent(0), f.value()}, Contraction{matrix, batch + "JK", batch + "IK"});
    right = right ? right - change : -change;
  }
  return emit(Op::lu_solve, {f.operand(0), right}, solve);
}

Tensor transpose_lu_solve(const Backward& b) {
  const Solve solve = attribute<Solve>(b.node());
  return emit(Op::lu_solve, {b.operand(0), b.cotangent}, Solve{!solve.transposed});
}

Tensor vmap_lu_solve(const Batching& b) {
  if (b[0].mapped) return vmap_elementwise(b);
  // One matrix, more right-hand sides: [.., N, .., n, k] to [.., n, N k] and back.
  const Tensor x = b[1].value;
  const int from = map_axis(x.shape());
  const int last = x.rank() - 1;
  std::vector<int> there;
  for (int axis = 0; axis <= last; ++axis) {
    if (axis == last) there.push_back(from);
    if (axis != from) there.push_back(axis);
  }
  const Tensor moved = permute(x, there);
  std::vector<std::int64_t> extents = b.node.shape.extents();
  extents.back() *= b.n;
  const Tensor solved = emit(Op::lu_solve, {b[0].value, reshape(moved, Shape(std::move(extents)))},
                             b.node.attributes);
  std::vector<int> back(there.size());
  for (std::size_t i = 0; i < there.size(); ++i) {
    back[static_cast<std::size_t>(there[i])] = static_cast<int>(i);
  }
  return permute(reshape(solved, moved.shape()), std::move(back));
}

constexpr std::array<Primitive, 1> kEntries{{
    {.op = Op::lu_solve,
     .name = "lu_solve",
     .infer = infer_lu_solve,
     .linearity = Linearity::second,
     .evaluate = evaluate_lu_solve,
     .jvp = jvp_lu_solve,
     .transpose = transpose_lu_solve,
     .vmap = vmap_lu_solve},
}};

}  // namespace

std::span<const Primitive> solve_primitives() { return kEntries; }

}  // namespace program

inline namespace v1 {

Tensor lu_solve(Tensor a, Tensor b) { return program::emit(Op::lu_solve, {a, b}, Solve{}); }

}  // namespace v1
}  // namespace odeum
