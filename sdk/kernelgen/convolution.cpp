// SPDX-License-Identifier: Apache-2.0
// The three roles of a convolution as implicit products: windows are read where they lie.
#include "kernelgen/product.hpp"

namespace odeum::kernelgen {
namespace {

/// The product's view of y [.., o, i, j], x [.., c, h, w] and w [o, c, p, q].
struct Geometry {
  const Lowering& lowering;
  Window window;
  ValueId first, second;       ///< operands
  std::int64_t height, width;  ///< of x
  std::int64_t out_height, out_width;

  std::string read(KernelText& text, ValueId value, const Indices& at) const {
    Elements elements(lowering, text, {});
    return elements.load(value, at);
  }
  /// An entry of x under the window at (i, j), offset (p, q); 0 in the padding.
  std::string under_window(KernelText& text, Indices lead, const std::string& channel,
                           const Indices& position, const Indices& offset) const {
    std::string at[2];
    for (std::size_t side = 0; side < 2; ++side) {
      at[side] = text.index(
          joined({position[side], " * ", text_of(window.stride[side]), " + ", offset[side], " * ",
                  text_of(window.dilation[side]), " - ", text_of(window.pad_before[side])}));
    }
    lead.insert(lead.end(), {channel, at[0], at[1]});
    return "(" + at[0] + " >= 0 && " + at[0] + " < " + text_of(height) + " && " + at[1] +
           " >= 0 && " + at[1] + " < " + text_of(width) + " ? " + read(text, first, lead) + " : 0)";
  }
  /// The entry of dy whose window puts offset (p, q) on (h, w); 0 where there is none.
  std::string with_window_over(KernelText& text, Indices lead, const std::string& channel,
                               const Indices& place, const Indices& offset) const {
    const std::int64_t extents[2] = {out_height, out_width};
    std::string at[2], condition;
    for (std::size_t side = 0; side < 2; ++side) {
      const std::string stride = text_of(window.stride[side]);
      const std::string scaled =
          text.index(joined({place[side], " + ", text_of(window.pad_before[side]), " - ",
                             offset[side], " * ", text_of(window.dilation[side])}));
      at[side] = text.index(joined({scaled, " / ", stride}));
      condition += joined({side == 0 ? "" : " && ", scaled, " >= 0 && ", scaled, " % ", stride,
                           " == 0 && ", at[side], " < ", text_of(extents[side])});
    }
    lead.insert(lead.end(), {channel, at[0], at[1]});
    return "(" + condition + " ? " + read(text, first, lead) + " : 0)";
  }
};

Indices front(const Indices& indices, std::size_t count) {
  return {indices.begin(), indices.begin() + static_cast<std::ptrdiff_t>(count)};
}
Indices back(const Indices& indices, std::size_t from) {
  return {indices.begin() + static_cast<std::ptrdiff_t>(from), indices.end()};
}

void add_axes(ProductAxes& axes, const Shape& shape, const std::vector<int>& which,
              const Layout* result) {
  for (const int axis : which) {
    axes.add(shape[axis], result == nullptr ? 0 : result->strides[static_cast<std::size_t>(axis)]);
  }
}

}  // namespace

void write_convolution(Lowering& lowering, ValueId id) {
  const Graph& graph = lowering.graph();
  const Node& node = graph[id];
  const ValueId first = node.operands[0], second = node.operands[1];
  const Shape& x = node.op == Op::conv_input_gradient ? node.shape : graph[first].shape;
  const Shape& y = node.op == Op::conv                  ? node.shape
                   : node.op == Op::conv_input_gradient ? graph[first].shape
                                                        : graph[second].shape;
  const int rank = x.rank();
  const auto lead = static_cast<std::size_t>(rank - 3);
  const Geometry g{lowering,    std::get<Window>(node.attributes),
                   first,       second,
                   x[rank - 2], x[rank - 1],
                   y[rank - 2], y[rank - 1]};
  std::vector<int> leading_and_plane;
  leading_and_plane.reserve(static_cast<std::size_t>(rank));
  for (int axis = 0; axis < rank - 3; ++axis) leading_and_plane.push_back(axis);
  leading_and_plane.push_back(rank - 2);
  leading_and_plane.push_back(rank - 1);
  const Layout result = contiguous(id, node.shape);
  Product p;
  if (node.op == Op::conv) {
    const Shape& w = graph[second].shape;
    add_axes(p.m, y, leading_and_plane, &result);
    add_axes(p.n, y, {rank - 3}, &result);
    add_axes(p.k, w, {1, 2, 3}, nullptr);
    p.a = [g, lead](KernelText& text, const Indices&, const Indices& m, const Indices& k) {
      return g.under_window(text, front(m, lead), k[0], back(m, lead), {k[1], k[2]});
    };
    p.b = [g](KernelText& text, const Indices&, const Indices& n, const Indices& k) {
      return g.read(text, g.second, {n[0], k[0], k[1], k[2]});
    };
    p.b_along_k = true;
  } else if (node.op == Op::conv_input_gradient) {
    const Shape& w = graph[second].shape;
    add_axes(p.m, x, leading_and_plane, &result);
    add_axes(p.n, x, {rank - 3}, &result);
    add_axes(p.k, w, {0, 2, 3}, nullptr);
    p.a = [g, lead](KernelText& text, const Indices&, const Indices& m, const Indices& k) {
      return g.with_window_over(text, front(m, lead), k[0], back(m, lead), {k[1], k[2]});
    };
    p.b = [g](KernelText& text, const Indices&, const Indices& n, const Indices& k) {
      return g.read(text, g.second, {k[0], n[0], k[1], k[2]});
    };
  } else {
    // A is dy [o, (.., i, j)], B is x under the windows [(.., i, j), (c, p, q)].
    add_axes(p.m, node.shape, {0}, &result);
    add_axes(p.n, node.shape, {1, 2, 3}, &result);
    add_axes(p.k, y, leading_and_plane, nullptr);
    p.a = [g, lead](KernelText& text, const Indices&, const Indices& m, const Indices& k) {
      Indices at = front(k, lead);
      at.insert(at.end(), {m[0], k[lead], k[lead + 1]});
      return g.read(text, g.second, at);
    };
    p.b = [g, lead](KernelText& text, const Indices&, const Indices& n, const Indices& k) {
      return g.under_window(text, front(k, lead), n[0], back(k, lead), {n[1], n[2]});
    };
    p.a_along_k = p.b_along_k = true;
  }
  write_product(lowering, id, p);
}

}  // namespace odeum::kernelgen
