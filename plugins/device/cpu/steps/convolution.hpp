// SPDX-License-Identifier: Apache-2.0
// The steps of convolutions. Images stay in [channels, height, width]: a run takes few images at
// a time, so that the copy which a kernel makes of a part of an image, in the order in which it
// reads, comes from and stays in a cache and costs a few hundredths of the products. Activations in
// blocks of channels would save no more than that.
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
  int filters = -1;            ///< slot with the filters' frequencies, for Winograd's algorithm
  double scale = 1.0;          ///< weight gradient over rows: w is an accumulator, times this and
  std::vector<int> scalars;    ///< ... the first elements of these slots

  /// Row weights are multiplied by this before they are added.
  template <class T>
  T alpha(const Context& context) const {
    double product = scale;
    for (const int slot : scalars) product *= static_cast<double>(*context.at<T>(slot));
    return static_cast<T>(product);
  }
};

/// Is Winograd's algorithm the faster one? A function of the shapes alone.
bool suits_winograd(const ConvolutionSpec& spec);
/// Elements of the frequencies of the filters; 0 where none are wanted in advance.
std::int64_t filter_elements(const ConvolutionSpec& spec, const Kernels& kernels);
/// Computes them into the slot `filters`, once a run.
std::unique_ptr<Step> make_filters(const ConvolutionSpec& spec, const Kernels& kernels);

std::unique_ptr<Step> make_convolution(const ConvolutionSpec& spec, const Kernels& kernels);

}  // namespace odeum::cpu
