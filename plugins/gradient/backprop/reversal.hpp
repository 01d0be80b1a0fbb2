// SPDX-License-Identifier: Apache-2.0
// What a forward solve keeps of an accepted step beside its beginning, and the program that uses it
// to carry cotangents from the step's end to its beginning.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "odeum/gradient.hpp"
#include "odeum/reversal.hpp"

namespace backprop {

using namespace odeum;

/// How much is kept of each step, the richest first.
enum class Keep : std::uint8_t { residuals, stages, steps };

struct Reversal {
  StepReversal step;
  /// What the forward solve's steps compute beside their results.
  decltype(IntegratorRequest::extra) extra;
  std::vector<ArraySpec> extras;
};
Reversal record_reversal(const SolveSetting& setting, Keep keep,
                         const std::vector<ArraySpec>& carry, const std::vector<bool>& wanted);

/// Whether a step uses its stages' rates as values alone, so that they can be kept apart and each
/// differentiated by itself; not where it iterates on them or differentiates them.
bool stages_are_apart(const Solver& solver, const SolveOptions& options, const Dynamics& dynamics);

}  // namespace backprop
