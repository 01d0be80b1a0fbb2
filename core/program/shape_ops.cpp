// SPDX-License-Identifier: Apache-2.0
// Operations that move elements and compute nothing.
#include <algorithm>
#include <array>
#include <utility>

#include "program/primitive.hpp"

namespace odeum {
namespace program {
namespace {

const Node& operand_of(const Graph& graph, const Node& node) { return graph[node.operands[0]]; }

void check_not_rows(const char* operation, const Shape& shape, int axis) {
  if (axis == 0 && shape.has_rows()) {
    refuse(operation, "shape " + shape.text() + " cannot be cut or joined along its rows");
  }
}

// --- Shape rules ---------------------------------------------------------------------------

void infer_reshape(const Graph& graph, Node& node) {
  const Node& x = operand_of(graph, node);
  if (x.shape.has_rows() != node.shape.has_rows() ||
      x.shape.elements_per_row() != node.shape.elements_per_row()) {
    refuse("reshape", x.shape.text() + " to " + node.shape.text() +
                          (x.shape.has_rows() ? "; the rows stay the leading extent and the "
                                                "elements of a row as many"
                                              : "; the elements stay as many"));
  }
  node.dtype = x.dtype;
}

void infer_permute(const Graph& graph, Node& node) {
  const Node& x = operand_of(graph, node);
  const auto& axes = attribute<Axes>(node).axes;
  std::vector<int> sorted = axes;
  std::sort(sorted.begin(), sorted.end());
  bool permutation = static_cast<int>(axes.size()) == x.shape.rank();
  for (std::size_t i = 0; permutation && i < sorted.size(); ++i) {
    permutation = sorted[i] == static_cast<int>(i);
  }
  if (!permutation) {
    refuse("permute", "the axes are no permutation of those of shape " + x.shape.text());
  }
  if (x.shape.has_rows() && axes[0] != 0) {
    refuse("permute", "the rows of shape " + x.shape.text() + " stay in front");
  }
  std::vector<std::int64_t> extents;
  extents.reserve(axes.size());
  for (const int axis : axes) extents.push_back(x.shape[axis]);
  node.shape = Shape(std::move(extents));
  node.dtype = x.dtype;
}

void infer_broadcast(const Graph& graph, Node& node) {
  const Node& x = operand_of(graph, node);
  bool fits = x.shape.rank() == node.shape.rank();
  for (int axis = 0; fits && axis < node.shape.rank(); ++axis) {
    fits = x.shape[axis] == 1 || x.shape[axis] == node.shape[axis];
  }
  if (!fits) refuse("broadcast", x.shape.text() + " to " + node.shape.text());
  node.dtype = x.dtype;
}

void infer_slice(const Graph& graph, Node& node) {
  const Node& x = operand_of(graph, node);
  auto& bounds = std::get<Bounds>(node.attributes);
  bounds.axis = normal_axis("slice", x.shape, bounds.axis);
  check_not_rows("slice", x.shape, bounds.axis);
  if (bounds.begin < 0 || bounds.begin > bounds.end || bounds.end > x.shape[bounds.axis]) {
    refuse("slice", "[" + std::to_string(bounds.begin) + ", " + std::to_string(bounds.end) +
                        ") along axis " + std::to_string(bounds.axis) + " of shape " +
                        x.shape.text());
  }
  std::vector<std::int64_t> extents = x.shape.extents();
  extents[static_cast<std::size_t>(bounds.axis)] = bounds.end - bounds.begin;
  node.shape = Shape(std::move(extents));
  node.dtype = x.dtype;
}

void infer_pad(const Graph& graph, Node& node) {
  const Node& x = operand_of(graph, node);
  auto& padding = std::get<Padding>(node.attributes);
  padding.axis = normal_axis("pad", x.shape, padding.axis);
  check_not_rows("pad", x.shape, padding.axis);
  if (padding.before < 0 || padding.after < 0) refuse("pad", "a negative number of zeros");
  std::vector<std::int64_t> extents = x.shape.extents();
  extents[static_cast<std::size_t>(padding.axis)] += padding.before + padding.after;
  node.shape = Shape(std::move(extents));
  node.dtype = x.dtype;
}

void infer_concat(const Graph& graph, Node& node) {
  const Node& first = operand_of(graph, node);
  auto& axis = std::get<Axis>(node.attributes).axis;
  axis = normal_axis("concat", first.shape, axis);
  check_not_rows("concat", first.shape, axis);
  std::vector<std::int64_t> extents = first.shape.extents();
  std::int64_t total = 0;
  for (const ValueId id : node.operands) {
    const Node& part = graph[id];
    std::vector<std::int64_t> others = part.shape.extents();
    const bool fits = part.shape.rank() == first.shape.rank() && part.dtype == first.dtype;
    if (fits) {
      total += others[static_cast<std::size_t>(axis)];
      others[static_cast<std::size_t>(axis)] = extents[static_cast<std::size_t>(axis)];
    }
    if (!fits || others != extents) {
      refuse("concat", std::string(name(first.dtype)) + " " + first.shape.text() + " and " +
                           name(part.dtype) + " " + part.shape.text() + " along axis " +
                           std::to_string(axis));
    }
  }
  extents[static_cast<std::size_t>(axis)] = total;
  node.shape = Shape(std::move(extents));
  node.dtype = first.dtype;
}

// --- Evaluation ----------------------------------------------------------------------------

/// Copies along `extents`, from one place and strides to another.
void copy_strided(const Extents& extents, const Array& from, const Extents& from_strides,
                  std::int64_t from_base, Array& to, const Extents& to_strides,
                  std::int64_t to_base) {
  with_elements(to, from, [&](auto& y, const auto& x) {
    for_each_offset<2>(extents, {from_strides, to_strides}, [&](const auto& offset) {
      y[static_cast<std::size_t>(to_base + offset[1])] =
          x[static_cast<std::size_t>(from_base + offset[0])];
    });
  });
}

void evaluate_reshape(const Evaluation& e) {
  with_elements(e.result, e.operand(0), [](auto& y, const auto& x) { y = x; });
}

void evaluate_permute(const Evaluation& e) {
  const Extents own = strides(e.operand(0).extents);
  Extents from;
  for (const int axis : attribute<Axes>(e.node).axes) {
    from.push_back(own[static_cast<std::size_t>(axis)]);
  }
  copy_strided(e.result.extents, e.operand(0), from, 0, e.result, strides(e.result.extents), 0);
}

void evaluate_broadcast(const Evaluation& e) {
  const Array& x = e.operand(0);
  Extents from = strides(x.extents);
  for (std::size_t axis = 0; axis < from.size(); ++axis) {
    // Rows are broadcast from 1 even when there is one row, or none.
    if (x.extents[axis] == 1) from[axis] = 0;
  }
  copy_strided(e.result.extents, x, from, 0, e.result, strides(e.result.extents), 0);
}

void evaluate_slice(const Evaluation& e) {
  const auto& bounds = attribute<Bounds>(e.node);
  const Extents from = strides(e.operand(0).extents);
  copy_strided(e.result.extents, e.operand(0), from,
               bounds.begin * from[static_cast<std::size_t>(bounds.axis)], e.result,
               strides(e.result.extents), 0);
}

void evaluate_pad(const Evaluation& e) {
  const auto& padding = attribute<Padding>(e.node);
  const Array& x = e.operand(0);
  const Extents to = strides(e.result.extents);
  copy_strided(x.extents, x, strides(x.extents), 0, e.result, to,
               padding.before * to[static_cast<std::size_t>(padding.axis)]);
}

void evaluate_concat(const Evaluation& e) {
  const auto axis = static_cast<std::size_t>(attribute<Axis>(e.node).axis);
  const Extents to = strides(e.result.extents);
  std::int64_t begin = 0;
  for (const Array* part : e.operands) {
    copy_strided(part->extents, *part, strides(part->extents), 0, e.result, to, begin * to[axis]);
    begin += part->extents[axis];
  }
}

// --- Derivatives ---------------------------------------------------------------------------

Tensor transpose_permute(const Backward& b) {
  const auto& axes = attribute<Axes>(b.node()).axes;
  std::vector<int> inverse(axes.size());
  for (std::size_t i = 0; i < axes.size(); ++i) {
    inverse[static_cast<std::size_t>(axes[i])] = static_cast<int>(i);
  }
  return permute(b.cotangent, std::move(inverse));
}

Tensor transpose_broadcast(const Backward& b) {
  const Shape& from = b.operand_shape();
  std::vector<int> axes;
  for (int axis = 0; axis < from.rank(); ++axis) {
    if (from[axis] != b.node().shape[axis]) axes.push_back(axis);
  }
  return reshape(sum(b.cotangent, std::move(axes)), from);
}

Tensor transpose_slice(const Backward& b) {
  const auto bounds = attribute<Bounds>(b.node());
  return pad(b.cotangent, bounds.axis, bounds.begin, b.operand_shape()[bounds.axis] - bounds.end);
}

Tensor transpose_pad(const Backward& b) {
  const auto padding = attribute<Padding>(b.node());
  return slice(b.cotangent, padding.axis, padding.before,
               padding.before + b.operand_shape()[padding.axis]);
}

Tensor jvp_concat(const Forward& f) {
  std::vector<Tensor> parts;
  for (std::size_t k = 0; k < f.tangents.size(); ++k) {
    parts.push_back(f.tangents[k] ? f.tangents[k] : zeros_like(f.operand(static_cast<int>(k))));
  }
  return concat(std::move(parts), attribute<Axis>(f.node()).axis);
}

Tensor transpose_concat(const Backward& b) {
  const int axis = attribute<Axis>(b.node()).axis;
  std::int64_t begin = 0;
  for (int k = 0; k < b.position; ++k) begin += b.operand(k).shape()[axis];
  return slice(b.cotangent, axis, begin, begin + b.operand_shape()[axis]);
}

// --- Batching ------------------------------------------------------------------------------

Tensor vmap_reshape(const Batching& b) { return b.emit({b.full(0)}); }

Tensor vmap_permute(const Batching& b) {
  const int rows = map_axis(b.node.shape);
  std::vector<int> axes;
  if (rows == 1) axes.push_back(0);
  axes.push_back(rows);
  const auto& own = attribute<Axes>(b.node).axes;
  for (std::size_t i = static_cast<std::size_t>(rows); i < own.size(); ++i) {
    axes.push_back(own[i] + 1);
  }
  return b.emit({b.full(0)}, Axes{std::move(axes)});
}

Tensor vmap_broadcast(const Batching& b) {
  Tensor x = b.full(0);
  if (b.node.shape.has_rows() && !x.shape().has_rows()) {
    // [n, 1, ...]: the axis that becomes rows goes in front of the new one.
    std::vector<std::int64_t> extents = x.shape().extents();
    std::swap(extents[0], extents[1]);
    x = reshape(x, Shape(std::move(extents)));
  }
  return b.emit({x});
}

Tensor vmap_slice(const Batching& b) {
  auto bounds = attribute<Bounds>(b.node);
  ++bounds.axis;
  return b.emit({b.full(0)}, bounds);
}

Tensor vmap_pad(const Batching& b) {
  auto padding = attribute<Padding>(b.node);
  ++padding.axis;
  return b.emit({b.full(0)}, padding);
}

Tensor vmap_concat(const Batching& b) {
  std::vector<Tensor> parts;
  for (std::size_t k = 0; k < b.operands.size(); ++k) parts.push_back(b.full(static_cast<int>(k)));
  return b.emit(std::move(parts), Axis{attribute<Axis>(b.node).axis + 1});
}

constexpr std::array<Primitive, 6> kEntries{{
    {.op = Op::reshape,
     .name = "reshape",
     .infer = infer_reshape,
     .linearity = Linearity::first,
     .evaluate = evaluate_reshape,
     .jvp = jvp_of_linear,
     .transpose = [](const Backward& b) { return reshape(b.cotangent, b.operand_shape()); },
     .vmap = vmap_reshape},
    {.op = Op::permute,
     .name = "permute",
     .infer = infer_permute,
     .linearity = Linearity::first,
     .evaluate = evaluate_permute,
     .jvp = jvp_of_linear,
     .transpose = transpose_permute,
     .vmap = vmap_permute},
    {.op = Op::broadcast,
     .name = "broadcast",
     .infer = infer_broadcast,
     .linearity = Linearity::first,
     .evaluate = evaluate_broadcast,
     .jvp = jvp_of_linear,
     .transpose = transpose_broadcast,
     .vmap = vmap_broadcast},
    {.op = Op::slice,
     .name = "slice",
     .infer = infer_slice,
     .linearity = Linearity::first,
     .evaluate = evaluate_slice,
     .jvp = jvp_of_linear,
     .transpose = transpose_slice,
     .vmap = vmap_slice},
    {.op = Op::pad,
     .name = "pad",
     .infer = infer_pad,
     .linearity = Linearity::first,
     .evaluate = evaluate_pad,
     .jvp = jvp_of_linear,
     .transpose = transpose_pad,
     .vmap = vmap_pad},
    {.op = Op::concat,
     .name = "concat",
     .infer = infer_concat,
     .linearity = Linearity::together,
     .evaluate = evaluate_concat,
     .jvp = jvp_concat,
     .transpose = transpose_concat,
     .vmap = vmap_concat},
}};

}  // namespace

std::span<const Primitive> shape_primitives() { return kEntries; }

}  // namespace program

inline namespace v1 {

Tensor reshape(Tensor x, Shape shape) {
  return program::emit(Op::reshape, {x}, {}, std::move(shape), DType::f32);
}

Tensor permute(Tensor x, std::vector<int> axes) {
  if (x) {
    for (int& axis : axes) axis = program::normal_axis("permute", x.shape(), axis);
  }
  return program::emit(Op::permute, {x}, Axes{std::move(axes)});
}

Tensor broadcast(Tensor x, Shape shape) {
  if (x && x.rank() < shape.rank() && !x.shape().has_rows()) {
    std::vector<std::int64_t> extents(static_cast<std::size_t>(shape.rank() - x.rank()), 1);
    extents.insert(extents.end(), x.shape().extents().begin(), x.shape().extents().end());
    x = reshape(x, Shape(std::move(extents)));
  }
  return program::emit(Op::broadcast, {x}, {}, std::move(shape), DType::f32);
}

Tensor slice(Tensor x, int axis, std::int64_t begin, std::int64_t end) {
  return program::emit(Op::slice, {x}, Bounds{axis, begin, end});
}

Tensor pad(Tensor x, int axis, std::int64_t before, std::int64_t after) {
  return program::emit(Op::pad, {x}, Padding{axis, before, after});
}

Tensor concat(std::vector<Tensor> parts, int axis) {
  return program::emit(Op::concat, parts, Axis{axis}, Shape(), DType::f32);
}

std::vector<Tensor> split(Tensor x, const std::vector<std::int64_t>& sizes, int axis) {
  std::vector<Tensor> parts;
  std::int64_t begin = 0;
  for (const std::int64_t size : sizes) {
    parts.push_back(slice(x, axis, begin, begin + size));
    begin += size;
  }
  if (x && begin != x.extent(axis)) {
    program::refuse("split", "sizes add up to " + std::to_string(begin) + " along axis " +
                                 std::to_string(axis) + " of shape " + x.shape().text());
  }
  return parts;
}

}  // namespace v1
}  // namespace odeum
