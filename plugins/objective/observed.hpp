// SPDX-License-Identifier: Apache-2.0
// Means over what was observed of a series.
#pragma once

#include <cmath>
#include <numeric>
#include <vector>

#include "odeum/tensor.hpp"

namespace odeum::objectives {

/// Per row: the mean of values where `counts` is not 0, weighted by it; 0 where there are none.
inline Tensor weighted_mean(Tensor values, Tensor counts) {
  const Tensor total = sum_features(counts);
  const Tensor none = equal(total, zeros_like(total));
  return sum_features(values * counts) / (total + none);
}

/// The root of the mean of `squares`, each counted as often as `counts` says.
inline double root_mean(const std::vector<double>& squares, const std::vector<double>& counts) {
  const double total = std::accumulate(counts.begin(), counts.end(), 0.0);
  return std::sqrt(std::inner_product(squares.begin(), squares.end(), counts.begin(), 0.0) / total);
}

}  // namespace odeum::objectives
