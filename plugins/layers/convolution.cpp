// SPDX-License-Identifier: Apache-2.0
#include "convolution.hpp"

#include <array>
#include <cmath>
#include <stdexcept>

#include "odeum/transforms.hpp"

namespace odeum::layers {
namespace {

constexpr std::int64_t kUpKernel = 3;

Initializer within(std::int64_t fan_in) {
  return Initializer::uniform(1.0 / std::sqrt(static_cast<double>(fan_in)));
}

/// t as it multiplies a value [channels, height, width] of every sample.
Tensor over_image(Tensor t) { return t.rank() == 2 ? reshape(t, {kRows, 1, 1, 1}) : t; }

Tensor with_bias(Scope& scope, const Convolution& layer, Tensor y, std::int64_t fan_in) {
  if (layer.bias == Bias::none) return y;
  return y + scope.parameter(layer.name + ".bias", {layer.out, 1, 1}, within(fan_in));
}

/// What a kernel [in, out, 3, 3] of stride 2 hands back from x to the image that it would have
/// been taken of.
Tensor transposed(Tensor x, Tensor kernel) {
  std::vector<std::int64_t> extents = x.shape().extents();
  const std::size_t rank = extents.size();
  extents[rank - 3] = kernel.extent(1);
  extents[rank - 2] *= 2;
  extents[rank - 1] *= 2;
  const std::array image{placeholder(full(x, Shape(extents), 0.0))};
  const std::array forward{conv(image.front(), kernel, square_window(kUpKernel, 2, 1))};
  const std::array cotangent{x};
  return vjp(forward, image, cotangent).front();
}

}  // namespace

Window square_window(std::int64_t kernel, std::int64_t stride, std::int64_t padding) {
  return {.kernel = {kernel, kernel},
          .stride = {stride, stride},
          .pad_before = {padding, padding},
          .pad_after = {padding, padding}};
}

Shape window_shape(const Shape& image, const Window& window, std::int64_t out) {
  std::array<std::int64_t, 2> extent{};
  for (int i = 0; i < 2; ++i) {
    const auto at = static_cast<std::size_t>(i);
    const std::int64_t room =
        image[i + 1] + window.pad_before[at] + window.pad_after[at] - window.kernel[at];
    if (room < 0) return {};
    extent[at] = room / window.stride[at] + 1;
  }
  return {out, extent[0], extent[1]};
}

void require_images(const std::string& who, Tensor x) {
  if (x.rank() == 4) return;
  throw std::invalid_argument(
      who + " takes images [channels, height, width], not samples of shape " + x.shape().text());
}

Tensor convolve(Scope& scope, const Convolution& layer, Tensor x) {
  require_images(layer.name, x);
  const std::int64_t in = x.extent(1);
  const auto [height, width] = layer.window.kernel;
  const std::int64_t fan_in = in * height * width;
  const Tensor weight =
      scope.parameter(layer.name + ".weight", {layer.out, in, height, width}, within(fan_in));
  return with_bias(scope, layer, conv(x, weight, layer.window), fan_in);
}

Tensor convolve(Scope& scope, const Convolution& layer, Tensor t, Tensor x) {
  require_images(layer.name, x);
  const std::int64_t in = x.extent(1);
  const auto [height, width] = layer.window.kernel;
  const std::int64_t fan_in = (in + 1) * height * width;
  const Tensor weight =
      scope.parameter(layer.name + ".weight", {layer.out, in, height, width}, within(fan_in));
  const Tensor time =
      scope.parameter(layer.name + ".time", {layer.out, 1, height, width}, within(fan_in));
  const Tensor response = conv(full(x, {1, x.extent(2), x.extent(3)}, 1.0), time, layer.window);
  const Tensor y = conv(x, weight, layer.window) + over_image(t) * response;
  return with_bias(scope, layer, y, fan_in);
}

Tensor deconvolve(Scope& scope, const Convolution& layer, Tensor t, Tensor x) {
  require_images(layer.name, x);
  const std::int64_t in = x.extent(1);
  // PyTorch counts the fan of a transposed convolution on its other side.
  const std::int64_t fan_in = layer.out * kUpKernel * kUpKernel;
  const Tensor weight = scope.parameter(layer.name + ".weight",
                                        {in, layer.out, kUpKernel, kUpKernel}, within(fan_in));
  const Tensor time =
      scope.parameter(layer.name + ".time", {1, layer.out, kUpKernel, kUpKernel}, within(fan_in));
  const Tensor response = transposed(full(x, {1, x.extent(2), x.extent(3)}, 1.0), time);
  return with_bias(scope, layer, transposed(x, weight) + over_image(t) * response, fan_in);
}

}  // namespace odeum::layers
