// SPDX-License-Identifier: Apache-2.0
// The length of a step as a member of the state sees it.
#pragma once

#include "odeum/solver.hpp"

namespace odeum::solvers {

/// The length that a member is integrated along: h, or |h| where its quadrature counts positive.
inline Tensor step_length(const Rates& rates, std::size_t member, Tensor h, Tensor y) {
  return matched(rates.along_absolute_time(member) ? abs(h) : h, y);
}

}  // namespace odeum::solvers
