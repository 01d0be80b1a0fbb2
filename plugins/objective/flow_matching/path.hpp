// SPDX-License-Identifier: Apache-2.0
// Conditional paths: where a sample x of the data is on its way to a sample e of the base, and how
// fast it goes. Here u runs from 0 at the data to 1 at the base; papers of the field count the
// other way, t = 1 - u.
#pragma once

#include <numbers>
#include <vector>

#include "odeum/tensor.hpp"

namespace odeum::objectives {

struct PathPoint {
  Tensor state;
  Tensor rate;  ///< by u
};

/// A number of each row, [rows], as a factor of `like`, [rows, ...].
inline Tensor row_factor(Tensor of_rows, Tensor like) {
  std::vector<std::int64_t> extents(static_cast<std::size_t>(like.rank()), 1);
  extents.front() = kRows;
  return reshape(of_rows, Shape(std::move(extents)));
}

/// Straight: (1 - u) x + (sigma_min + (1 - sigma_min) u) e (Lipman et al. 2023, equations 20 to
/// 23).
inline PathPoint optimal_transport_path(Tensor x, Tensor e, Tensor u, double sigma_min) {
  const Tensor at = row_factor(u, x);
  const double spread = 1.0 - sigma_min;
  return {(1.0 - at) * x + (sigma_min + spread * at) * e, spread * e - x};
}

/// A quarter turn, which keeps the variance of x and e where both have one:
/// cos(pi u / 2) x + sin(pi u / 2) e (Albergo, Vanden-Eijnden 2023; Tong et al. 2024, table 1).
inline PathPoint variance_preserving_path(Tensor x, Tensor e, Tensor u) {
  const double quarter = 0.5 * std::numbers::pi;
  const Tensor angle = quarter * row_factor(u, x);
  return {cos(angle) * x + sin(angle) * e, quarter * (cos(angle) * e - sin(angle) * x)};
}

}  // namespace odeum::objectives
