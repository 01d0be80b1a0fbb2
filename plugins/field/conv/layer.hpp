// SPDX-License-Identifier: Apache-2.0
// One convolution, same size in and out, conditioned on time.
//
// How t enters (Grathwohl et al., FFJORD, ICLR 2019, and its code), x [rows, in, height, width]:
//   ignore        W x + b
//   concat        W [t; x] + b: t is one more channel, constant over the image
//   squash        (W x + b) sigmoid(v t + c)
//   concatsquash  (W x + b) sigmoid(v t + c) + w t
//   blend         (W0 x + b0)(1 - t) + (W1 x + b1) t
//   hyper         (W + W' t) x + b + b' t
// Under zero padding a constant channel is not constant at the border. `concat` adds t times what
// that channel's kernel gives there, which no channel needs to be made for: it is the same to
// rounding.
#pragma once

#include <cstdint>
#include <string>

#include "odeum/field.hpp"

namespace odeum::fields {

enum class ConvTime : std::uint8_t { ignore, concat, squash, concatsquash, blend, hyper };

/// By the names above.
ConvTime conv_time(const std::string& name);

/// How a layer's parameters start: uniform within 1 / sqrt(fan in) (of `hyper`: rates 0, the rest
/// normal of deviation 0.01); or kernels at zero and biases as before.
enum class ConvStart : std::uint8_t { random, zero_kernel };

struct ConvLayer {
  std::string name;
  std::int64_t out = 1;
  std::int64_t kernel = 3;  ///< odd
  ConvTime time_use = ConvTime::concat;
  ConvStart start = ConvStart::random;

  /// t [1] or [rows, 1]; x [rows, in, height, width]. [rows, out, height, width].
  Tensor operator()(Scope& scope, Tensor t, Tensor x) const;
};

/// What a channel of ones gives under kernels [out, kernel, kernel] with zero padding that keeps
/// the size: [out, height, width].
Tensor ones_response(Tensor kernels, std::int64_t height, std::int64_t width);

}  // namespace odeum::fields
