// SPDX-License-Identifier: Apache-2.0
#include "group_norm.hpp"

#include <stdexcept>

#include "convolution.hpp"

namespace odeum::layers {

Tensor group_norm(Scope& scope, const std::string& name, std::int64_t groups, Tensor x) {
  constexpr double kEpsilon = 1e-5;  // PyTorch's
  require_images("group_norm", x);
  const std::int64_t channels = x.extent(1);
  if (channels % groups != 0) {
    throw std::invalid_argument("group_norm cannot divide " + std::to_string(channels) +
                                " channels into " + std::to_string(groups) + " equal groups");
  }
  const Shape images{kRows, channels, x.extent(2), x.extent(3)};
  const Tensor grouped = reshape(x, {kRows, groups, images.elements_per_row() / groups});
  const Tensor centred = grouped - reshape(mean(grouped, {2}), {kRows, groups, 1});
  const Tensor variance = reshape(mean(square(centred), {2}), {kRows, groups, 1});
  const Tensor normal = reshape(centred / sqrt(variance + kEpsilon), images);
  return normal * scope.parameter(name + ".weight", {channels, 1, 1}, Initializer::constant(1.0)) +
         scope.parameter(name + ".bias", {channels, 1, 1}, Initializer::constant(0.0));
}

}  // namespace odeum::layers
