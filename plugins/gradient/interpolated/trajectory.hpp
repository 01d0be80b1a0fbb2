// SPDX-License-Identifier: Apache-2.0
// The states inside an accepted step, from what the step leaves behind.
#pragma once

#include <vector>

#include "odeum/gradient.hpp"

namespace interpolated {

using namespace odeum;

struct Trajectory {
  /// What a forward solve's step keeps: those of its in- and outputs that the states' interpolation
  /// looks at.
  decltype(IntegratorRequest::extra) extra;
  /// The states (those of `wanted`) at a time, from a record: begin and length of the step (float64
  /// [1] each), then what was kept.
  std::function<State(Tensor t, std::span<const Tensor> record)> states;
  std::vector<InputSpec> record;
};

/// Of the solve's own dynamics and solver, for the members in `wanted`.
Trajectory make_trajectory(const SolveSetting& setting, const std::vector<std::size_t>& wanted);

}  // namespace interpolated
