// SPDX-License-Identifier: Apache-2.0
// The norms of solve/error_norm.hpp for each sample alone, as a step size of its own needs them:
// float64 [rows], a row depending on its own sample only.
#pragma once

#include "odeum/solve.hpp"

namespace odeum::solve {

/// How many entries of each row are infinite or not a number, over all members.
Tensor row_non_finite(const State& values);

/// The error norm of each row's step: the largest over members of the row's weighted RMS.
Tensor row_error_norm(const State& error, const State& y0, const State& y1,
                      std::span<const Member> members, const SolveOptions& options);

/// The norm that chooses a first step: `state` against the tolerance at `y`.
Tensor row_state_norm(const State& state, const State& y, std::span<const Member> members,
                      const SolveOptions& options);

}  // namespace odeum::solve
