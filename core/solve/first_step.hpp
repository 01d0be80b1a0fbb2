// SPDX-License-Identifier: Apache-2.0
// The first step's length where nobody gives it: Hairer, Norsett, Wanner, Solving Ordinary
// Differential Equations I, II.4, algorithm 4.14.
#pragma once

#include <span>

#include "solve/step_programs.hpp"

namespace odeum::solve {

/// The norm that errors are held by: of the batch [1] (state_norm) or of each row [rows]
/// (row_state_norm).
using StateNorm = Tensor (*)(const State& state, const State& y, std::span<const Member> members,
                             const SolveOptions& options);

/// Signed as the span and at most the span; one for each entry of the norm. Two evaluations.
Tensor choose_first_step(Rates& rates, Tensor t, Tensor span, const State& y, const Method& method,
                         StateNorm norm);

}  // namespace odeum::solve
