// SPDX-License-Identifier: Apache-2.0
// Convolution by Winograd's F(4x4, 3x3), in float32. What comes out not finite is computed again by
// the direct sum, so that infinities, NaN and numbers near the largest mean what they mean there.
#pragma once

#include <cstddef>
#include <cstdint>

#include "steps/convolution.hpp"
#include "steps/unfolding.hpp"

namespace odeum::cpu {

class Winograd {
 public:
  Winograd(const ConvolutionSpec& spec, const Kernels& kernels);

  std::size_t scratch() const { return scratch_; }  ///< bytes
  void run(const Context& context, std::int64_t begin, std::int64_t end, std::byte* scratch) const;
  double products() const { return direct_.products() / 3.0; }

 private:
  /// Source and destination of the tiles' 6 x 6 and 4 x 4 pixels: x and y, or for the input
  /// gradient, a convolution with the filter turned round, y and x.
  struct Planes {
    std::int64_t channels = 0, height = 0, width = 0, blocks = 0;
    std::int64_t size() const { return channels * height * width; }
  };
  struct Strip {
    std::int64_t y = 0, x = 0, tiles_y = 0, tiles_x = 0;  ///< in tiles
    std::int64_t images = 1;                              ///< whose same part it is
    std::int64_t tiles() const { return tiles_y * tiles_x * images; }
  };
  struct Room {
    float* pixels = nullptr;
    float* sources = nullptr;   ///< frequencies
    float* results = nullptr;   ///< of 4 x 4 pixels
    float* matrices = nullptr;  ///< a weight gradient's 36 matrices, then the filters
  };

  Room room(std::byte* scratch) const;
  template <class Body>
  void each_strip(std::int64_t images, const Body& body) const;
  void source_frequencies(const Strip& strip, float* image, const Room& room) const;
  void cotangent_frequencies(const Strip& strip, float* image, const Room& room) const;
  bool finish_strip(const Strip& strip, float* image, const Room& room) const;
  bool convolve(const Context& context, std::int64_t images, float* from, float* to,
                const Room& room) const;
  bool weight_gradient(const Context& context, std::int64_t begin, std::int64_t end,
                       const Room& room) const;
  std::int64_t stride(const Strip& strip, const Planes& planes) const;

  ConvolutionSpec s_;
  const ProductKernels<float>& products_;
  const WinogradKernels<float>& kernels_;
  Unfolding<float> direct_;
  Planes from_, to_;
  std::int64_t pad_y_ = 0, pad_x_ = 0;
  std::int64_t tiles_y_ = 0, tiles_x_ = 0, strip_y_ = 1, strip_x_ = 1, together_ = 1;
  std::int64_t pixels_ = 0, sources_ = 0, results_ = 0, matrices_ = 0, matrix_stride_ = 0;
  std::size_t scratch_ = 0;
};

}  // namespace odeum::cpu
