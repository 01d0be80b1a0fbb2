// SPDX-License-Identifier: Apache-2.0
#include "kernelgen/library_convolution.hpp"

#include "kernelgen/library_product.hpp"

namespace odeum::kernelgen {
namespace {

bool dense(const Layout& x, const Shape& shape) {
  const Layout row_major = contiguous(x.root, shape);
  for (std::size_t axis = 0; axis < x.extents.size(); ++axis) {
    if (x.extents[axis] != 1 && x.strides[axis] != row_major.strides[axis]) return false;
  }
  return true;
}

/// Are the windows those of padding both ends alike? What lies beyond the last one does not matter.
bool pads_alike(const LibraryConvolution& c) {
  const std::int64_t in[2] = {c.height, c.width}, out[2] = {c.out_height, c.out_width};
  for (std::size_t side = 0; side < 2; ++side) {
    const std::int64_t reach = (c.window.kernel[side] - 1) * c.window.dilation[side] + 1;
    const std::int64_t room = in[side] + 2 * c.window.pad_before[side] - reach;
    if (room < 0 || room / c.window.stride[side] + 1 != out[side]) return false;
  }
  return true;
}

}  // namespace

std::optional<LibraryConvolution> library_convolution(const Graph& graph, ValueId id) {
  const Node& node = graph[id];
  const ValueId first = node.operands[0], second = node.operands[1];
  for (const ValueId operand : {first, second}) {
    if (graph.fill(graph.root(operand)) != nullptr ||
        !dense(graph.layout(operand), graph[operand].shape))
      return std::nullopt;
  }
  const Shape& x = node.op == Op::conv_input_gradient ? node.shape : graph[first].shape;
  const Shape& y = node.op == Op::conv                  ? node.shape
                   : node.op == Op::conv_input_gradient ? graph[first].shape
                                                        : graph[second].shape;
  const int rank = x.rank();
  LibraryConvolution c;
  c.role = node.op;
  c.type = node.dtype;
  c.window = std::get<Window>(node.attributes);
  for (int axis = 0; axis < rank - 3; ++axis) {
    if (x[axis] == kRows) {
      c.images.rows = true;
    } else {
      c.images.count *= x[axis];
    }
  }
  c.channels = x[rank - 3];
  c.height = x[rank - 2];
  c.width = x[rank - 1];
  c.out_channels = y[rank - 3];
  c.out_height = y[rank - 2];
  c.out_width = y[rank - 1];
  c.offset_first = graph.layout(first).offset;
  c.offset_second = graph.layout(second).offset;
  const bool rows_outside = c.channels != kRows && c.height != kRows && c.out_channels != kRows;
  if (!rows_outside || !pads_alike(c)) return std::nullopt;
  return c;
}

bool is_large(const LibraryConvolution& c, std::int64_t multiplications) {
  return c.images.at(kUsualRows) * c.out_channels * c.out_height * c.out_width * c.channels *
             c.window.kernel[0] * c.window.kernel[1] >=
         multiplications;
}

}  // namespace odeum::kernelgen
