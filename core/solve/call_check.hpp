// SPDX-License-Identifier: Apache-2.0
// What every solve must get from whoever starts it; anything else is a bug, reported with the
// values.
#pragma once

#include "odeum/solve.hpp"

namespace odeum::solve {

void check_call(const SolveCall& call, const Dynamics& dynamics, StepSize step_size);

}  // namespace odeum::solve
