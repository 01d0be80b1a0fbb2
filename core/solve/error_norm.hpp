// SPDX-License-Identifier: Apache-2.0
// Weighted norms of states, as tensor code: entry by entry against atol + rtol |y|, root mean
// square over a member with its whole batch, the largest over members.
#pragma once

#include "odeum/solve.hpp"

namespace odeum::solve {

/// What one entry may be wrong by: atol + rtol * magnitude, shaped as `magnitude`. A vector atol
/// goes along the last axis of members that have as many entries there; others take its smallest.
Tensor tolerance(Tensor magnitude, const Member& member, const SolveOptions& options);

/// Each entry's error over its tolerance, the magnitude being the larger of both ends.
Tensor error_over_tolerance(Tensor error, Tensor y0, Tensor y1, const Member& member,
                            const SolveOptions& options);

/// Weighted RMS of `ratio` over all entries, float64 [1]; infinite where an entry is not finite.
Tensor root_mean_square(Tensor ratio, double weight);

/// How many entries of x are infinite or not a number, float64 [1].
Tensor count_non_finite(Tensor x);

/// The error norm of a step, float64 [1]: the largest RMS over members in the norm.
Tensor error_norm(const State& error, const State& y0, const State& y1,
                  std::span<const Member> members, const SolveOptions& options);

/// The norm that chooses a first step: `state` against the tolerance at `y`.
Tensor state_norm(const State& state, const State& y, std::span<const Member> members,
                  const SolveOptions& options);

}  // namespace odeum::solve
