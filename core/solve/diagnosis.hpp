// SPDX-License-Identifier: Apache-2.0
// Which sample, member and component stopped a solve: looked at only once it has failed.
#pragma once

#include <vector>

#include "odeum/solve.hpp"
#include "solve/step_programs.hpp"

namespace odeum::solve {

/// Reads values on the device; fills sample, samples, component and member of the report from the
/// entries that are not finite. Returns whether there were any.
bool blame_non_finite(Device& device, std::int64_t rows, std::span<const Member> members,
                      std::span<const View> values, SolveReport& report);

/// Fills sample, component and member from the largest entry of `ratios`: error over tolerance, one
/// view for each member in the error norm.
void blame_largest(Device& device, std::int64_t rows, std::span<const Member> members,
                   std::span<const View> ratios, SolveReport& report);

/// Fills sample and samples from the rows whose iteration has not converged, and `member`, the one
/// that is solved for.
void blame_unsolved(Device& device, std::int64_t rows, const Member& member,
                    const ValueSpec& convergence, View view, SolveReport& report);

}  // namespace odeum::solve
