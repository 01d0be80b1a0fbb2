// SPDX-License-Identifier: Apache-2.0
// How long a step a Runge-Kutta method bears on a decaying solution.
#pragma once

#include "odeum/tableau.hpp"

namespace odeum::solve {

/// The largest x for which the method's stability function has |R(-x')| <= 1 on all of [0, x]:
/// steps with |h| times the spectral radius beyond it blow a decaying solution up (Hairer, Wanner,
/// Solving ODEs II, IV.2). 0 where the method is implicit: then it has no such limit, or none that
/// explicit stages show.
double real_stability_interval(const Tableau& tableau);

}  // namespace odeum::solve
