// SPDX-License-Identifier: Apache-2.0
// Densities of flows whose base is the standard normal distribution.
#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>

#include "odeum/objective.hpp"
#include "odeum/tensor.hpp"

namespace odeum::objectives {

/// ln N(z; 0, I) of each row, [rows] float64.
inline Tensor log_normal(Tensor z) {
  const auto elements = static_cast<double>(z.shape().elements_per_row());
  const double log_constant = 0.5 * elements * std::log(2.0 * std::numbers::pi);
  return -0.5 * sum_features(square(cast(z, DType::f64))) - log_constant;
}

/// -(ln N(z; 0, I) + ln |det dz/dx|) of each row, [rows] float64, in nats.
inline Tensor negative_log_likelihood(const Model::Result& result) {
  return -(log_normal(result.value) + result.log_determinant);
}

/// Nats in one bit per dimension of samples with so many elements.
inline double nats_per_bit_per_dim(std::int64_t elements) {
  return static_cast<double>(elements) * std::numbers::ln2;
}

/// A draw of the base, for `Objective::base_sample`.
inline Tensor normal_base(Scope& scope, const Shape& shape) {
  return scope.noise("base", shape, Distribution::normal);
}

}  // namespace odeum::objectives
