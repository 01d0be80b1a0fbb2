// SPDX-License-Identifier: Apache-2.0
// Convolutions by unfolding: the windows of an image become the columns of a matrix, which one
// matrix product multiplies by the filters.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "odeum/tensor.hpp"
#include "steps/step.hpp"

namespace odeum::cpu {

enum class ConvolutionRole : std::uint8_t { forward, input_gradient, weight_gradient };

/// x [images, c_in, height, width], w [c_out, c_in, kh, kw], y [images, c_out, out_height,
/// out_width]. The first operand and the result by role: (x, w) to y; (y, w) to x; (x, y) to w.
struct ConvolutionSpec {
  ConvolutionRole role = ConvolutionRole::forward;
  DType type = DType::f32;
  bool rowful = false;  ///< images are rows * images
  std::int64_t images = 1;
  std::int64_t c_in = 1, height = 1, width = 1, c_out = 1, out_height = 1, out_width = 1;
  Window window;
  int x = -1, w = -1, y = -1;  ///< slots
  double scale = 1.0;          ///< weight gradient over rows: w is an accumulator, times this and
  std::vector<int> scalars;    ///< ... the first elements of these slots
};

std::unique_ptr<Step> make_convolution(ConvolutionSpec spec, const Kernels& kernels);

}  // namespace odeum::cpu
