// SPDX-License-Identifier: Apache-2.0
// Sums and maxima over axes, and the means made of them.
#include <algorithm>
#include <array>
#include <limits>
#include <numeric>
#include <utility>

#include "program/primitive.hpp"

namespace odeum {
namespace program {
namespace {

void infer_reduction(const Graph& graph, Node& node) {
  const Node& x = graph[node.operands[0]];
  const char* operation = primitive(node.op).name;
  node.attributes = Axes{normal_axes(operation, x.shape, attribute<Axes>(node).axes)};
  const auto& axes = attribute<Axes>(node).axes;
  std::vector<std::int64_t> extents;
  for (int axis = 0; axis < x.shape.rank(); ++axis) {
    const bool reduced = std::binary_search(axes.begin(), axes.end(), axis);
    if (!reduced) extents.push_back(x.shape[axis]);
    if (reduced && x.shape[axis] == 0 && node.op == Op::reduce_max) {
      refuse(operation,
             "shape " + x.shape.text() + " has no entries along axis " + std::to_string(axis));
    }
  }
  node.shape = Shape(std::move(extents));
  node.dtype = x.dtype;
}

/// The strides of the result along the operand's axes; 0 along those that disappear.
Extents result_strides(const Evaluation& e) {
  const auto& axes = attribute<Axes>(e.node).axes;
  const Extents own = strides(e.result.extents);
  Extents along(e.operand(0).extents.size(), 0);
  std::size_t kept = 0;
  for (std::size_t axis = 0; axis < along.size(); ++axis) {
    if (!std::binary_search(axes.begin(), axes.end(), static_cast<int>(axis))) {
      along[axis] = own[kept++];
    }
  }
  return along;
}

void evaluate_sum(const Evaluation& e) {
  with_elements(e.result, e.operand(0), [&e](auto& y, const auto& x) {
    std::size_t i = 0;
    for_each_offset<1>(e.operand(0).extents, {result_strides(e)}, [&](const auto& offset) {
      y[static_cast<std::size_t>(offset[0])] += x[i++];
    });
  });
}

void evaluate_max(const Evaluation& e) {
  with_elements(e.result, e.operand(0), [&e](auto& y, const auto& x) {
    using T = typename std::decay_t<decltype(y)>::value_type;
    using Limits = std::numeric_limits<T>;
    std::fill(y.begin(), y.end(), Limits::has_infinity ? -Limits::infinity() : Limits::lowest());
    std::size_t i = 0;
    for_each_offset<1>(e.operand(0).extents, {result_strides(e)}, [&](const auto& offset) {
      T& largest = y[static_cast<std::size_t>(offset[0])];
      const T value = x[i++];
      if (largest < value || value != value) largest = value;
    });
  });
}

/// Puts reduced axes back as extents of 1 and broadcasts.
Tensor spread(Tensor reduced, const Shape& shape, const std::vector<int>& axes) {
  std::vector<std::int64_t> extents = shape.extents();
  for (const int axis : axes) extents[static_cast<std::size_t>(axis)] = 1;
  return broadcast(reshape(reduced, Shape(std::move(extents))), shape);
}

Tensor transpose_sum(const Backward& b) {
  return spread(b.cotangent, b.operand_shape(), attribute<Axes>(b.node()).axes);
}

/// Position of each element of x among those that are reduced together, in float64 where float32
/// could not count them.
Tensor positions(Tensor x, const std::vector<int>& axes) {
  constexpr std::int64_t kExactInFloat32 = std::int64_t{1} << 24;
  std::int64_t stride = 1;
  Tensor position;
  const bool counts_rows = x.shape().has_rows() && !axes.empty() && axes.front() == 0;
  std::int64_t together = counts_rows ? kExactInFloat32 : 1;
  for (const int axis : axes) together *= std::max<std::int64_t>(x.shape()[axis], 1);
  const DType type = together < kExactInFloat32 ? x.dtype() : DType::f64;
  for (std::size_t i = axes.size(); i-- > 0;) {
    position = add_up(position, iota(x, x.shape(), axes[i], type) * static_cast<double>(stride));
    stride *= x.shape()[axes[i]];
  }
  return position;
}

Tensor jvp_reduce_max(const Forward& f) {
  const Tensor x = f.operand(0);
  const std::vector<int> axes = attribute<Axes>(f.node()).axes;
  if (axes.empty()) return f.tangent(0);
  const Tensor position = positions(x, axes);
  const Tensor largest = cast(equal(x, spread(f.value(), x.shape(), axes)), position.dtype());
  constexpr double kBeyond = 1e30;
  const Tensor candidates = select(largest, -position, full(position, x.shape(), -kBeyond));
  const Tensor first = spread(reduce_max(candidates, axes), x.shape(), axes);
  const Tensor chosen = cast(equal(candidates, first), x.dtype());
  return sum(select(chosen, f.tangent(0), zeros_like(x)), axes);
}

Tensor vmap_reduction(const Batching& b) {
  const Tensor x = b.full(0);
  std::vector<int> axes = attribute<Axes>(b.node).axes;
  for (int& axis : axes) axis += axis >= map_axis(x.shape()) ? 1 : 0;
  return b.emit({x}, Axes{std::move(axes)});
}

constexpr std::array<Primitive, 2> kEntries{{
    {.op = Op::sum,
     .name = "sum",
     .infer = infer_reduction,
     .linearity = Linearity::first,
     .evaluate = evaluate_sum,
     .jvp = jvp_of_linear,
     .transpose = transpose_sum,
     .vmap = vmap_reduction},
    {.op = Op::reduce_max,
     .name = "reduce_max",
     .infer = infer_reduction,
     .evaluate = evaluate_max,
     .jvp = jvp_reduce_max,
     .vmap = vmap_reduction},
}};

std::vector<int> feature_axes(const char* operation, Tensor x) {
  if (!x || !x.shape().has_rows()) refuse(operation, "the operand has no rows");
  std::vector<int> axes(static_cast<std::size_t>(x.rank() - 1));
  std::iota(axes.begin(), axes.end(), 1);
  return axes;
}

}  // namespace

std::span<const Primitive> reduction_primitives() { return kEntries; }

}  // namespace program

inline namespace v1 {

Tensor sum(Tensor x, std::vector<int> axes) {
  return program::emit(Op::sum, {x}, Axes{std::move(axes)});
}

Tensor reduce_max(Tensor x, std::vector<int> axes) {
  return program::emit(Op::reduce_max, {x}, Axes{std::move(axes)});
}

Tensor mean(Tensor x, std::vector<int> axes) {
  const Tensor total = sum(x, axes);
  double together = 1;
  bool rows = false;
  for (const int axis : program::normal_axes("mean", x.shape(), std::move(axes))) {
    const std::int64_t extent = x.shape()[axis];
    rows = rows || extent == kRows;
    if (extent != kRows) together *= static_cast<double>(extent);
  }
  const Tensor scaled = total / together;
  if (!rows) return scaled;
  return scaled / broadcast(reshape(row_count(x, x.dtype()), Shape{}), total.shape());
}

Tensor sum_features(Tensor x) { return sum(x, program::feature_axes("sum_features", x)); }
Tensor mean_features(Tensor x) { return mean(x, program::feature_axes("mean_features", x)); }

Tensor sum_rows(Tensor x) {
  if (!x || !x.shape().has_rows()) program::refuse("sum_rows", "the operand has no rows");
  const Tensor total = sum(x, {0});
  return total.rank() == 0 ? reshape(total, Shape{1}) : total;
}

Tensor mean_rows(Tensor x) {
  const Tensor total = sum_rows(x);
  return total / row_count(x, x.dtype());
}

Tensor logsumexp(Tensor x, int axis) {
  if (!x) program::refuse("logsumexp", "an operand is empty");
  axis = program::normal_axis("logsumexp", x.shape(), axis);
  // The largest entry shifts the exponents and leaves the value, so it counts as a constant.
  const Tensor largest = stop_gradient(reduce_max(x, {axis}));
  const Tensor shifted = x - program::spread(largest, x.shape(), {axis});
  return log(sum(exp(shifted), {axis})) + largest;
}

}  // namespace v1
}  // namespace odeum
