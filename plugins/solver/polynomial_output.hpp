// SPDX-License-Identifier: Apache-2.0
// Dense output that is a polynomial in the fraction of the step.
#pragma once

#include <vector>

#include "odeum/solver.hpp"

namespace odeum::solvers {

/// y + x increments[0] + x^2 increments[1] + ...; increments, as in StepOutputs::dense, by power of
/// x, then by member. x is float64, [1] or [rows].
inline State polynomial_output(Tensor x, const State& y, const std::vector<Tensor>& increments) {
  State result;
  for (std::size_t m = 0; m < y.size(); ++m) {
    const Tensor at = matched(x, y[m]);
    std::size_t i = increments.size() - y.size() + m;
    Tensor polynomial = at * increments[i];
    while (i >= y.size()) {
      i -= y.size();
      polynomial = at * (increments[i] + polynomial);
    }
    result.push_back(y[m] + polynomial);
  }
  return result;
}

}  // namespace odeum::solvers
