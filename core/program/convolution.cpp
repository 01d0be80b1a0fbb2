// SPDX-License-Identifier: Apache-2.0
// Two-dimensional cross-correlation: three operations, each the transpose of the others in its
// operands. With y = conv(x, w), the number <dy, conv(x, w)> is linear in dy, x and w;
// conv_input_gradient(dy, w) is its derivative in x, conv_weight_gradient(x, dy) the one in w.
#include "program/convolution.hpp"

#include <array>
#include <numeric>
#include <utility>

#include "program/primitive.hpp"

namespace odeum {
namespace program {

std::int64_t window_positions(const char* operation, const Window& window, std::size_t side,
                              std::int64_t extent) {
  if (window.kernel[side] < 1 || window.stride[side] < 1 || window.dilation[side] < 1 ||
      window.pad_before[side] < 0 || window.pad_after[side] < 0) {
    refuse(operation, "kernel, stride and dilation are at least 1, padding is not negative");
  }
  const std::int64_t reach = window.dilation[side] * (window.kernel[side] - 1) + 1;
  const std::int64_t padded = extent + window.pad_before[side] + window.pad_after[side];
  if (padded < reach) {
    refuse(operation, "a window of reach " + std::to_string(reach) + " does not fit into " +
                          std::to_string(padded) + " padded entries");
  }
  return (padded - reach) / window.stride[side] + 1;
}

namespace {

/// Shapes of y, x and w by the node's operation.
struct Roles {
  const Shape* x = nullptr;
  const Shape* w = nullptr;
  const Shape* y = nullptr;
};

[[noreturn]] void misfit(Op op, const Node& a, const Node& b) {
  refuse(primitive(op).name, std::string(name(a.dtype)) + " " + a.shape.text() + " and " +
                                 name(b.dtype) + " " + b.shape.text() +
                                 " do not fit; x is [..., c_in, height, width], w "
                                 "[c_out, c_in, kh, kw] with the window's kernel");
}

bool is_plane(const Shape& shape) {
  return shape.rank() >= 3 && !(shape.rank() == 3 && shape.has_rows());
}

bool fits(const Window& window, const Roles& r) {
  if (!is_plane(*r.x) || !is_plane(*r.y) || r.w->rank() != 4 || r.w->has_rows()) return false;
  if (r.x->rank() != r.y->rank()) return false;
  const int rank = r.x->rank();
  for (int axis = 0; axis < rank - 3; ++axis) {
    if ((*r.x)[axis] != (*r.y)[axis]) return false;
  }
  for (std::size_t side = 0; side < 2; ++side) {
    const int axis = static_cast<int>(side);
    if ((*r.w)[2 + axis] != window.kernel[side]) return false;
    if (window_positions("conv", window, side, (*r.x)[rank - 2 + axis]) !=
        (*r.y)[rank - 2 + axis]) {
      return false;
    }
  }
  return (*r.w)[0] == (*r.y)[rank - 3] && (*r.w)[1] == (*r.x)[rank - 3];
}

const Node& operand_node(const Graph& graph, const Node& node, std::size_t k) {
  return graph[node.operands[k]];
}

void infer_conv(const Graph& graph, Node& node) {
  const Node& x = operand_node(graph, node, 0);
  const Node& w = operand_node(graph, node, 1);
  const Window& window = attribute<Window>(node);
  if (x.dtype != w.dtype || !is_float(x.dtype) || !is_plane(x.shape) || w.shape.rank() != 4) {
    misfit(node.op, x, w);
  }
  std::vector<std::int64_t> extents = x.shape.extents();
  const std::size_t rank = extents.size();
  for (std::size_t side = 0; side < 2; ++side) {
    extents[rank - 2 + side] = window_positions("conv", window, side, extents[rank - 2 + side]);
  }
  extents[rank - 3] = w.shape[0];
  node.shape = Shape(std::move(extents));
  node.dtype = x.dtype;
  if (!fits(window, {&x.shape, &w.shape, &node.shape})) misfit(node.op, x, w);
}

void infer_input_gradient(const Graph& graph, Node& node) {
  const Node& dy = operand_node(graph, node, 0);
  const Node& w = operand_node(graph, node, 1);
  if (dy.dtype != w.dtype || !is_float(dy.dtype) ||
      !fits(attribute<Window>(node), {&node.shape, &w.shape, &dy.shape})) {
    misfit(node.op, dy, w);
  }
  node.dtype = dy.dtype;
}

void infer_weight_gradient(const Graph& graph, Node& node) {
  const Node& x = operand_node(graph, node, 0);
  const Node& dy = operand_node(graph, node, 1);
  const Window& window = attribute<Window>(node);
  if (x.dtype != dy.dtype || !is_float(x.dtype) || !is_plane(x.shape) || !is_plane(dy.shape)) {
    misfit(node.op, x, dy);
  }
  node.shape = Shape{dy.shape[dy.shape.rank() - 3], x.shape[x.shape.rank() - 3], window.kernel[0],
                     window.kernel[1]};
  node.dtype = x.dtype;
  if (!fits(window, {&x.shape, &node.shape, &dy.shape})) misfit(node.op, x, dy);
}

/// Calls visit(x offset, w offset, y offset) for every product of the convolution.
template <class Visit>
void for_each_product(const Window& window, const Extents& x, const Extents& w, const Extents& y,
                      Visit&& visit) {
  const std::size_t rank = x.size();
  const std::int64_t height = x[rank - 2];
  const std::int64_t width = x[rank - 1];
  const std::int64_t planes =
      std::accumulate(x.begin(), x.end() - 3, std::int64_t{1}, std::multiplies<>());
  const Extents loop{planes, w[0], w[1], y[rank - 2], y[rank - 1], w[2], w[3]};
  Extents index(7, 0);
  const std::int64_t total = count(loop);
  for (std::int64_t done = 0; done < total; ++done) {
    const auto [n, o, c, i, j, ki, kj] =
        std::tuple(index[0], index[1], index[2], index[3], index[4], index[5], index[6]);
    const std::int64_t row = i * window.stride[0] - window.pad_before[0] + ki * window.dilation[0];
    const std::int64_t column =
        j * window.stride[1] - window.pad_before[1] + kj * window.dilation[1];
    if (row >= 0 && row < height && column >= 0 && column < width) {
      visit(static_cast<std::size_t>(((n * w[1] + c) * height + row) * width + column),
            static_cast<std::size_t>(((o * w[1] + c) * w[2] + ki) * w[3] + kj),
            static_cast<std::size_t>(((n * w[0] + o) * y[rank - 2] + i) * y[rank - 1] + j));
    }
    for (std::size_t axis = 7; axis-- > 0;) {
      if (++index[axis] < loop[axis]) break;
      index[axis] = 0;
    }
  }
}

void evaluate_conv(const Evaluation& e) {
  const Array& x = e.operand(0);
  const Array& w = e.operand(1);
  for_each_product(attribute<Window>(e.node), x.extents, w.extents, e.result.extents,
                   [&](std::size_t at_x, std::size_t at_w, std::size_t at_y) {
                     e.result.values[at_y] += x.values[at_x] * w.values[at_w];
                   });
}

void evaluate_input_gradient(const Evaluation& e) {
  const Array& dy = e.operand(0);
  const Array& w = e.operand(1);
  for_each_product(attribute<Window>(e.node), e.result.extents, w.extents, dy.extents,
                   [&](std::size_t at_x, std::size_t at_w, std::size_t at_y) {
                     e.result.values[at_x] += dy.values[at_y] * w.values[at_w];
                   });
}

void evaluate_weight_gradient(const Evaluation& e) {
  const Array& x = e.operand(0);
  const Array& dy = e.operand(1);
  for_each_product(attribute<Window>(e.node), x.extents, e.result.extents, dy.extents,
                   [&](std::size_t at_x, std::size_t at_w, std::size_t at_y) {
                     e.result.values[at_w] += x.values[at_x] * dy.values[at_y];
                   });
}

Tensor input_gradient(Tensor dy, Tensor w, const Window& window, const Shape& x) {
  return emit(Op::conv_input_gradient, {dy, w}, window, x, dy.dtype());
}

Tensor weight_gradient(Tensor x, Tensor dy, const Window& window) {
  return emit(Op::conv_weight_gradient, {x, dy}, window);
}

Tensor transpose_conv(const Backward& b) {
  const auto window = attribute<Window>(b.node());
  if (b.position == 0) return input_gradient(b.cotangent, b.operand(1), window, b.operand_shape());
  return weight_gradient(b.operand(0), b.cotangent, window);
}

Tensor transpose_input_gradient(const Backward& b) {
  const auto window = attribute<Window>(b.node());
  if (b.position == 0) return conv(b.cotangent, b.operand(1), window);
  return weight_gradient(b.cotangent, b.operand(0), window);
}

Tensor transpose_weight_gradient(const Backward& b) {
  const auto window = attribute<Window>(b.node());
  if (b.position == 0) return input_gradient(b.operand(1), b.cotangent, window, b.operand_shape());
  return conv(b.operand(0), b.cotangent, window);
}

// --- Batching ------------------------------------------------------------------------------
// The operand whose leading axes are free takes the new axis there. Else the new axis becomes part
// of the channels that the other operand does not have; and where both are mapped, each slice is
// a convolution of its own.

/// Moves the new axis of a plane [.., n, .., c, h, w] into its channels: [.., n * c, h, w].
Tensor into_channels(Tensor x) {
  const int from = map_axis(x.shape());
  const int channels = x.rank() - 3;
  std::vector<int> axes;
  for (int axis = 0; axis < x.rank(); ++axis) {
    if (axis == channels) axes.push_back(from);
    if (axis != from) axes.push_back(axis);
  }
  const Tensor moved = permute(x, std::move(axes));
  std::vector<std::int64_t> extents = moved.shape().extents();
  extents[static_cast<std::size_t>(channels)] *= extents[static_cast<std::size_t>(channels - 1)];
  extents.erase(extents.begin() + channels - 1);
  return reshape(moved, Shape(std::move(extents)));
}

/// The inverse for a result [.., n * c, h, w].
Tensor out_of_channels(Tensor y, std::int64_t n) {
  const int channels = y.rank() - 3;
  std::vector<std::int64_t> extents = y.shape().extents();
  extents[static_cast<std::size_t>(channels)] /= n;
  extents.insert(extents.begin() + channels, n);
  const Tensor parted = reshape(y, Shape(std::move(extents)));
  const int to = map_axis(parted.shape());
  std::vector<int> axes;
  for (int axis = 0; axis < parted.rank(); ++axis) {
    if (axis == to) axes.push_back(channels);
    if (axis != channels) axes.push_back(axis);
  }
  return permute(parted, std::move(axes));
}

Tensor unrolled(const Batching& b) {
  std::vector<Tensor> results;
  const int to = map_axis(b.node.shape);
  for (std::int64_t i = 0; i < b.n; ++i) {
    std::vector<Tensor> operands;
    for (int k = 0; k < 2; ++k) {
      const Tensor x = b.full(k);
      const int axis = map_axis(x.shape());
      std::vector<std::int64_t> extents = x.shape().extents();
      extents.erase(extents.begin() + axis);
      operands.push_back(reshape(slice(x, axis, i, i + 1), Shape(std::move(extents))));
    }
    const Tensor one = emit(b.node.op, operands, b.node.attributes, b.node.shape, b.node.dtype);
    results.push_back(reshape(one, with_map_axis(one.shape(), 1)));
  }
  return concat(std::move(results), to);
}

Shape with_channels(const Shape& shape, std::int64_t factor) {
  std::vector<std::int64_t> extents = shape.extents();
  extents[extents.size() - 3] *= factor;
  return Shape(std::move(extents));
}

Tensor vmap_conv(const Batching& b) {
  if (b[0].mapped && b[1].mapped) return unrolled(b);
  if (b[0].mapped) return b.emit({b[0].value, b[1].value});
  const Tensor w = b[1].value;  // [n, o, c, kh, kw]: output channels n * o
  const Tensor wide = reshape(w, Shape{b.n * w.extent(1), w.extent(2), w.extent(3), w.extent(4)});
  return out_of_channels(conv(b[0].value, wide, attribute<Window>(b.node)), b.n);
}

Tensor vmap_input_gradient(const Batching& b) {
  if (b[0].mapped && b[1].mapped) return unrolled(b);
  if (b[0].mapped) return b.emit({b[0].value, b[1].value});
  // [n, o, c, kh, kw] to [o, n * c, kh, kw]: input channels n * c
  const Tensor w = into_channels(b[1].value);
  const Tensor wide =
      input_gradient(b[0].value, w, attribute<Window>(b.node), with_channels(b.node.shape, b.n));
  return out_of_channels(wide, b.n);
}

Tensor vmap_weight_gradient(const Batching& b) {
  if (b[0].mapped && b[1].mapped) return unrolled(b);
  const auto window = attribute<Window>(b.node);
  if (b[0].mapped) {  // [o, n * c, kh, kw]
    return out_of_channels(weight_gradient(into_channels(b[0].value), b[1].value, window), b.n);
  }
  const Tensor wide = weight_gradient(b[0].value, into_channels(b[1].value), window);
  return reshape(wide, with_map_axis(b.node.shape, b.n));  // [n * o, c, kh, kw]
}

constexpr std::array<Primitive, 3> kEntries{{
    {.op = Op::conv,
     .name = "conv",
     .infer = infer_conv,
     .linearity = Linearity::each,
     .evaluate = evaluate_conv,
     .jvp = jvp_of_multilinear,
     .transpose = transpose_conv,
     .vmap = vmap_conv},
    {.op = Op::conv_input_gradient,
     .name = "conv_input_gradient",
     .infer = infer_input_gradient,
     .linearity = Linearity::each,
     .evaluate = evaluate_input_gradient,
     .jvp = jvp_of_multilinear,
     .transpose = transpose_input_gradient,
     .vmap = vmap_input_gradient},
    {.op = Op::conv_weight_gradient,
     .name = "conv_weight_gradient",
     .infer = infer_weight_gradient,
     .linearity = Linearity::each,
     .evaluate = evaluate_weight_gradient,
     .jvp = jvp_of_multilinear,
     .transpose = transpose_weight_gradient,
     .vmap = vmap_weight_gradient},
}};

}  // namespace

std::span<const Primitive> convolution_primitives() { return kEntries; }

}  // namespace program

inline namespace v1 {

Tensor conv(Tensor x, Tensor w, const Window& window) {
  return program::emit(Op::conv, {x, w}, window);
}

Tensor average_pool(Tensor x, const Window& window) {
  if (!x || x.rank() < 2 || (x.rank() == 2 && x.shape().has_rows())) {
    program::refuse("average_pool", "x is [..., height, width]");
  }
  std::vector<std::int64_t> extents = x.shape().extents();
  extents.insert(extents.end() - 2, 1);
  const Shape kernel{1, 1, window.kernel[0], window.kernel[1]};
  const double weight = 1.0 / static_cast<double>(window.kernel[0] * window.kernel[1]);
  const Tensor y = conv(reshape(x, Shape(extents)), full(x, kernel, weight), window);
  extents = y.shape().extents();
  extents.erase(extents.end() - 3);
  return reshape(y, Shape(std::move(extents)));
}

}  // namespace v1
}  // namespace odeum
