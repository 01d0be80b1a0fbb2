// SPDX-License-Identifier: Apache-2.0
// Vectors on the host, summed up from the first entry to the last: the same bits every time.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

namespace odeum::optimizers {

using Vector = std::vector<double>;

inline double dot(std::span<const double> a, std::span<const double> b) {
  double sum = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

/// y + factor x.
inline Vector along(std::span<const double> y, double factor, std::span<const double> x) {
  Vector sum(y.begin(), y.end());
  for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += factor * x[i];
  return sum;
}

inline double largest(std::span<const double> x) {
  double most = 0.0;
  for (const double v : x) most = std::max(most, std::abs(v));
  return most;
}

inline double absolute_sum(std::span<const double> x) {
  double sum = 0.0;
  for (const double v : x) sum += std::abs(v);
  return sum;
}

}  // namespace odeum::optimizers
