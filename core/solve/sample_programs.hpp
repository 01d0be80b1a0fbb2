// SPDX-License-Identifier: Apache-2.0
// The programs of a solve in which every sample has its own time and step, recorded from the same
// dynamics, solver and controller as those of solve/step_programs.hpp.
//
// What the loop and the programs tell each other travels packed, float64 [rows, entries], so that a
// round of steps is one upload, one run and one download. Whether a row's step counts is decided
// inside: state and carry come out new for accepted rows and as they were for all others.
#pragma once

#include <vector>

#include "solve/step_programs.hpp"

namespace odeum::solve {

/// (control [rows: t, span], members, constants) to (begin [rows: first step, non-finite rates],
/// carry), each row as StartProgram.
struct SampleStartProgram {
  enum Control { t, span, control_size };
  enum Begin { first_step, non_finite, begin_size };
  Program program;
  std::vector<ValueSpec> carry;
  std::int64_t evaluations = 0;
};
SampleStartProgram record_sample_start(const Method& method, FirstStep first);

/// (control [rows: t, h, active, clipped, memory], members, carry, constants) to (decision [rows:
/// accept, next h, error ratio, non-finite entries, convergence, memory], members, carry, dense,
/// extra). Rows with active = 0 keep what they have; those with clipped = 1 are accepted whatever
/// the error, if they are finite and have converged.
struct SampleAttemptProgram {
  enum Control { t, h, active, clipped, control_size };
  enum Decision { accept, next_h, error_ratio, non_finite, convergence, decision_size };
  Program program;
  std::vector<ValueSpec> dense;
  std::vector<ValueSpec> extra;
  std::int64_t evaluations = 0;
};
SampleAttemptProgram record_sample_attempt(const Method& method,
                                           const std::vector<ValueSpec>& carry,
                                           const IntegratorRequest& request);

/// (control [rows: x, t, h], members, carry, new members, new carry, dense) to members at t + x h.
Program record_sample_interpolation(const Method& method, const std::vector<ValueSpec>& carry,
                                    const std::vector<ValueSpec>& dense);

/// As the attempt's inputs to (new members; by member in the norm, error over tolerance), whatever
/// the decision would be: what to look at when a sample failed.
Program record_sample_diagnosis(const Method& method, const std::vector<ValueSpec>& carry);

}  // namespace odeum::solve
