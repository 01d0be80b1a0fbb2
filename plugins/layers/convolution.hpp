// SPDX-License-Identifier: Apache-2.0
// Convolutions as layers of image networks, x [rows, channels, height, width], for blocks and
// fields. Weights and biases start uniform within 1 / sqrt(fan in), as PyTorch's do.
//
// With a time, t is one more channel, constant over the image, in front of x's. Under zero padding
// a constant channel is not constant at the border: what its kernels give there is computed once
// and scaled by t, which is the same to rounding and needs no channel to be made.
#pragma once

#include <cstdint>
#include <string>

#include "odeum/field.hpp"

namespace odeum::layers {

enum class Bias : std::uint8_t { learned, none };

struct Convolution {
  std::string name;  ///< parameters name.weight, name.time, name.bias
  std::int64_t out = 1;
  Window window;
  Bias bias = Bias::learned;
};

/// A square kernel with the same padding on all sides [pixels].
Window square_window(std::int64_t kernel, std::int64_t stride, std::int64_t padding);

/// Extents of a window's results: [channels, height, width] to [out, ...]; empty where the window
/// does not fit into the padded image.
Shape window_shape(const Shape& image, const Window& window, std::int64_t out);

/// [rows, out, ...]. Throws std::invalid_argument where x is no batch of images.
Tensor convolve(Scope& scope, const Convolution& layer, Tensor x);
/// t [1] or [rows, 1].
Tensor convolve(Scope& scope, const Convolution& layer, Tensor t, Tensor x);

/// The transposed convolution with a kernel of 3, stride 2 and padding 1, which doubles height and
/// width (PyTorch's ConvTranspose2d with output_padding 1). The window is not looked at.
Tensor deconvolve(Scope& scope, const Convolution& layer, Tensor t, Tensor x);

/// Throws std::invalid_argument, naming `who`, where x is not [rows, channels, height, width].
void require_images(const std::string& who, Tensor x);

}  // namespace odeum::layers
