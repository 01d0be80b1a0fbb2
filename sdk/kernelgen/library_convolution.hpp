// SPDX-License-Identifier: Apache-2.0
// Convolutions that a library takes, and their numbers.
#pragma once

#include <cstdint>
#include <optional>

#include "kernelgen/graph.hpp"
#include "kernelgen/size.hpp"

namespace odeum::kernelgen {

/// x [images, channels, height, width], w [out_channels, channels, kernel], y [images,
/// out_channels, out_height, out_width], all contiguous; the window pads both ends of a side by
/// `pad_before`.
struct LibraryConvolution {
  Op role = Op::conv;  ///< (x, w) to y; conv_input_gradient (dy, w) to dx; conv_weight_gradient (x,
                       ///< dy) to dw
  DType type = DType::f32;
  Size images;
  std::int64_t channels = 0, height = 0, width = 0;
  std::int64_t out_channels = 0, out_height = 0, out_width = 0;
  Window window;
  std::int64_t offset_first = 0, offset_second = 0;  ///< of the operands, entries
};

/// The convolution as a library's, if its memory and window allow that.
std::optional<LibraryConvolution> library_convolution(const Graph& graph, ValueId id);

/// Has it at least so many multiplications, with as many rows as are usual?
bool is_large(const LibraryConvolution& convolution, std::int64_t multiplications);

}  // namespace odeum::kernelgen
