// SPDX-License-Identifier: Apache-2.0
// Euclidean norms by sample, with a derivative where they vanish.
#pragma once

#include "odeum/tensor.hpp"

namespace odeum::regularizers {

/// Under this a squared norm counts as zero: its root has no derivative there.
inline constexpr double kVanishing = 1e-30;

/// The square root where x > kVanishing, else 0 with derivative 0.
inline Tensor root_or_zero(Tensor x) {
  const Tensor positive = less(full(x, {1}, kVanishing), x);
  return select(positive, sqrt(max(x, kVanishing)), zeros_like(x));
}

}  // namespace odeum::regularizers
