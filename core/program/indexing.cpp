// SPDX-License-Identifier: Apache-2.0
// Reading and adding by index along the last axis, and the places of windows' maxima.
#include <array>
#include <string>
#include <utility>

#include "program/convolution.hpp"
#include "program/primitive.hpp"

namespace odeum {
namespace program {
namespace {

void check_index(const Graph& graph, const Node& node) {
  const Shape& x = graph[node.operands[0]].shape;
  const Node& index = graph[node.operands[1]];
  const char* operation = primitive(node.op).name;
  if (index.dtype != DType::i64) {
    refuse(operation, std::string("the index is ") + name(index.dtype) + ", not int64");
  }
  const bool same_rank = x.rank() == index.shape.rank() && x.rank() > 0;
  bool fits = same_rank;
  for (int axis = 0; fits && axis + 1 < x.rank(); ++axis) fits = x[axis] == index.shape[axis];
  if (fits && node.op == Op::scatter_add) fits = x == index.shape;
  if (fits && x.rank() == 1) fits = !x.has_rows() && !index.shape.has_rows();
  if (!fits) {
    refuse(operation, "x " + x.text() + " with index " + index.shape.text() +
                          "; leading axes are equal and the last one is not rows");
  }
}

void infer_gather(const Graph& graph, Node& node) {
  check_index(graph, node);
  node.shape = graph[node.operands[1]].shape;
  node.dtype = graph[node.operands[0]].dtype;
}

void infer_scatter_add(const Graph& graph, Node& node) {
  check_index(graph, node);
  const Node& x = graph[node.operands[0]];
  std::vector<std::int64_t> extents = x.shape.extents();
  extents.back() = node.shape.rank() > 0 ? node.shape[node.shape.rank() - 1] : 0;
  if (Shape(extents) != node.shape) {
    refuse("scatter_add", "x " + x.shape.text() + " to " + node.shape.text());
  }
  node.dtype = x.dtype;
}

void infer_window_argmax(const Graph& graph, Node& node) {
  const Shape& x = graph[node.operands[0]].shape;
  const auto& window = attribute<Window>(node);
  if (x.rank() < 2 || (x.rank() == 2 && x.has_rows())) {
    refuse("window_argmax", "x " + x.text() + " is not [..., height, width]");
  }
  std::vector<std::int64_t> extents = x.extents();
  for (std::size_t side = 0; side < 2; ++side) {
    std::int64_t& extent = extents[extents.size() - 2 + side];
    extent = window_positions("window_argmax", window, side, extent);
  }
  node.shape = Shape(std::move(extents));
  node.dtype = DType::i64;
}

std::size_t checked(const Evaluation& e, std::int64_t index, std::int64_t size) {
  if (index < 0 || index >= size) {
    refuse(primitive(e.node.op).name,
           "index " + std::to_string(index) + " of " + std::to_string(size) + " entries");
  }
  return static_cast<std::size_t>(index);
}

void evaluate_gather(const Evaluation& e) {
  const std::int64_t size = e.operand(0).extents.back();
  const auto per_line = static_cast<std::size_t>(e.operand(1).extents.back());
  const auto& index = e.operand(1).integers;
  with_elements(e.result, e.operand(0), [&](auto& y, const auto& x) {
    for (std::size_t i = 0; i < y.size(); ++i) {
      y[i] = x[i / per_line * static_cast<std::size_t>(size) + checked(e, index[i], size)];
    }
  });
}

void evaluate_scatter_add(const Evaluation& e) {
  const std::int64_t size = e.result.extents.back();
  const auto per_line = static_cast<std::size_t>(e.operand(1).extents.back());
  const auto& index = e.operand(1).integers;
  with_elements(e.result, e.operand(0), [&](auto& y, const auto& x) {
    for (std::size_t i = 0; i < x.size(); ++i) {
      y[i / per_line * static_cast<std::size_t>(size) + checked(e, index[i], size)] += x[i];
    }
  });
}

/// Where the largest entry of the window at (top, left) lies; a NaN wins.
template <class T>
std::int64_t largest_in_window(const T* x, std::int64_t height, std::int64_t width,
                               const Window& window, std::int64_t top, std::int64_t left) {
  std::int64_t best = -1;
  for (std::int64_t i = 0; i < window.kernel[0]; ++i) {
    for (std::int64_t j = 0; j < window.kernel[1]; ++j) {
      const std::int64_t row = top + i * window.dilation[0];
      const std::int64_t column = left + j * window.dilation[1];
      if (row < 0 || row >= height || column < 0 || column >= width) continue;
      const std::int64_t at = row * width + column;
      const bool best_is_nan = best >= 0 && x[best] != x[best];
      if (best < 0 || (!best_is_nan && (x[best] < x[at] || x[at] != x[at]))) best = at;
    }
  }
  return best < 0 ? 0 : best;  // a window of padding alone points at the first entry
}

void evaluate_window_argmax(const Evaluation& e) {
  const Window& window = attribute<Window>(e.node);
  const Array& x = e.operand(0);
  const std::int64_t height = x.extents[x.extents.size() - 2];
  const std::int64_t width = x.extents.back();
  const std::int64_t out_width = e.result.extents.back();
  const std::int64_t per_plane = out_width * e.result.extents[e.result.extents.size() - 2];
  const auto find = [&](const auto& elements) {
    for (std::size_t i = 0; i < e.result.integers.size(); ++i) {
      const auto at = static_cast<std::int64_t>(i);
      const std::int64_t within = at % per_plane;
      const std::int64_t top = within / out_width * window.stride[0] - window.pad_before[0];
      const std::int64_t left = within % out_width * window.stride[1] - window.pad_before[1];
      e.result.integers[i] = largest_in_window(elements.data() + at / per_plane * height * width,
                                               height, width, window, top, left);
    }
  };
  x.dtype == DType::i64 ? find(x.integers) : find(x.values);
}

Tensor vmap_in_place(const Batching& b) { return b.emit({b.full(0)}); }

constexpr std::array<Primitive, 3> kEntries{{
    {.op = Op::gather,
     .name = "gather",
     .infer = infer_gather,
     .linearity = Linearity::first,
     .evaluate = evaluate_gather,
     .jvp = jvp_of_linear,
     .transpose =
         [](const Backward& b) {
           return scatter_add(b.cotangent, b.operand(1), b.operand(0).extent(-1));
         },
     .vmap = vmap_elementwise},
    {.op = Op::scatter_add,
     .name = "scatter_add",
     .infer = infer_scatter_add,
     .linearity = Linearity::first,
     .evaluate = evaluate_scatter_add,
     .jvp = jvp_of_linear,
     .transpose = [](const Backward& b) { return gather(b.cotangent, b.operand(1)); },
     .vmap = vmap_elementwise},
    {.op = Op::window_argmax,
     .name = "window_argmax",
     .infer = infer_window_argmax,
     .evaluate = evaluate_window_argmax,
     .vmap = vmap_in_place},
}};

/// [..., height, width] to [..., height * width].
Tensor flatten_plane(Tensor x) {
  std::vector<std::int64_t> extents = x.shape().extents();
  const std::int64_t width = extents.back();
  extents.pop_back();
  extents.back() *= width;
  return reshape(x, Shape(std::move(extents)));
}

}  // namespace

std::span<const Primitive> indexing_primitives() { return kEntries; }

}  // namespace program

inline namespace v1 {

Tensor gather(Tensor x, Tensor index) { return program::emit(Op::gather, {x, index}); }

Tensor scatter_add(Tensor x, Tensor index, std::int64_t size) {
  std::vector<std::int64_t> extents;
  if (x) extents = x.shape().extents();
  if (extents.empty()) program::refuse("scatter_add", "x needs an axis");
  extents.back() = size;
  return program::emit(Op::scatter_add, {x, index}, {}, Shape(std::move(extents)), DType::f32);
}

Tensor window_argmax(Tensor x, const Window& window) {
  return program::emit(Op::window_argmax, {x}, window);
}

Tensor max_pool(Tensor x, const Window& window) {
  const Tensor index = window_argmax(x, window);
  const Tensor chosen = gather(program::flatten_plane(x), program::flatten_plane(index));
  return reshape(chosen, index.shape());
}

}  // namespace v1
}  // namespace odeum
