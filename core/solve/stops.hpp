// SPDX-License-Identifier: Apache-2.0
// Where steps must end beside the times to save: step times, and jumps with their two sides.
#pragma once

#include <vector>

#include "odeum/config.hpp"
#include "odeum/solve.hpp"

namespace odeum::solve {

/// A step ends at `arrive` and the next one begins at `depart`: the same but at a jump, where they
/// are the nearest times before and behind it that states of the given type tell apart.
struct Stop {
  double arrive = 0.0;
  double depart = 0.0;
  bool jump = false;
};

/// Those that a solve from `from` to `to` meets, in that order. A jump at either end is one of
/// them: the solve begins behind it, or ends before it.
std::vector<Stop> stops_between(const SolveOptions& options, DType state, double from, double to);

/// Refuses step and jump times that a solve between `from` and `to` never meets, at their place in
/// `solver`.
void check_stops(const Config& solver, double from, double to);

}  // namespace odeum::solve
