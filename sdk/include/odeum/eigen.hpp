// SPDX-License-Identifier: Apache-2.0
// For native fields that compute with Eigen: spans as Eigen's vectors and matrices, without copies.
// The one SDK header that needs more than the standard library; the core never includes it.
#pragma once

#include <Eigen/Core>
#include <cstdint>
#include <span>

namespace odeum::inline v1 {

inline Eigen::Map<const Eigen::VectorXd> vector(std::span<const double> values) {
  return {values.data(), static_cast<Eigen::Index>(values.size())};
}
inline Eigen::Map<Eigen::VectorXd> vector(std::span<double> values) {
  return {values.data(), static_cast<Eigen::Index>(values.size())};
}

using RowMajorMatrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// Row-major [rows, columns], as tensors lie in memory.
inline Eigen::Map<const RowMajorMatrix> matrix(std::span<const double> values,
                                               std::int64_t columns) {
  return {values.data(), static_cast<Eigen::Index>(values.size()) / columns, columns};
}

}  // namespace odeum::inline v1
