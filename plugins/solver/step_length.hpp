// SPDX-License-Identifier: Apache-2.0
// Numbers of a step beside arrays of a state: in the array's type, and in a shape that multiplies
// it row by row where every sample has its own step.
#pragma once

#include "odeum/solver.hpp"

namespace odeum::solvers {

/// A float64 scalar, [1] or [rows], made ready to multiply `y`.
inline Tensor beside(Tensor scalar, Tensor y) {
  const Tensor number = cast(scalar, y.dtype());
  if (!number.shape().has_rows() || y.rank() < 2) return number;
  std::vector<std::int64_t> extents(static_cast<std::size_t>(y.rank()), 1);
  extents[0] = kRows;
  return reshape(number, Shape(extents));
}

/// The length that a member is integrated along: h, or |h| where its quadrature counts positive.
inline Tensor step_length(const Rates& rates, std::size_t member, Tensor h, Tensor y) {
  return beside(rates.along_absolute_time(member) ? abs(h) : h, y);
}

}  // namespace odeum::solvers
