// SPDX-License-Identifier: Apache-2.0
// The programs of a solve, recorded from a dynamics, a solver and a controller.
//
// Scalars of the loop travel packed in one float64 vector each way, so that an attempted step is
// one upload, one run and one download.
#pragma once

#include <vector>

#include "odeum/controller.hpp"
#include "odeum/solve.hpp"

namespace odeum::solve {

/// What the programs are recorded from. Everything must outlive the struct.
struct Method {
  const Dynamics& dynamics;
  const Solver& solver;
  const Controller& controller;
  const SolveOptions& options;

  /// Whether steps follow the error; otherwise they are given.
  bool adaptive() const;
};

/// A value that programs hand to each other.
struct ValueSpec {
  std::string name;
  Shape shape;
  DType dtype = DType::f32;
  RowClass row_class = RowClass::none;
};
std::vector<ValueSpec> member_specs(const Dynamics& dynamics);
/// Values already recorded, named after `name` and their position.
std::vector<ValueSpec> specs_of(const std::string& name, const std::vector<Tensor>& values);

/// Inputs of a recording.
std::vector<Tensor> declare(Recording& recording, const std::vector<ValueSpec>& specs);
std::vector<Tensor> declare_constants(Recording& recording, const Dynamics& dynamics);

/// (control [t, span], members, constants) to (begin [first step, non-finite rates], carry). The
/// first step is by Hairer, Norsett, Wanner, Solving ODEs I, II.4, signed as the span and at most
/// the span; 0 where steps are given. With the attempt that follows, control is [t, span, times to
/// land on as in Course], and behind `begin` comes the first attempt's control.
struct StartProgram {
  enum Begin { first_step, non_finite, begin_size };
  Program program;
  std::vector<ValueSpec> carry;
  std::int64_t evaluations = 0;
};
enum class FirstStep : std::uint8_t { given, chosen };
/// Whether programs say what attempt follows, so that it can be queued unseen.
enum class Following : std::uint8_t { left_to_host, forecast };
StartProgram record_start(const Method& method, FirstStep first, Following following);

/// (control [t, h, memory], members, carry, constants) to (decision [accept, next h, error ratio,
/// non-finite entries, convergence (of an iteration inside the step, 0: none), memory], members,
/// carry, dense, extra). A step that has not converged is not accepted; the next is a quarter.
///
/// With what follows (adaptive methods only) control is [t, h, memory, course], behind the decision
/// comes the control of the attempt that follows, and members and carry are what that one begins
/// with: those behind the step if it is accepted, else those before it.
struct AttemptProgram {
  enum Control { t, h, control_size };
  enum Decision { accept, next_h, error_ratio, non_finite, convergence, decision_size };
  Program program;
  std::vector<ValueSpec> dense;
  std::vector<ValueSpec> extra;
  std::vector<ValueSpec> iteration;  ///< its convergence, as record_diagnosis gives it; or empty
  std::int64_t evaluations = 0;
};
AttemptProgram record_attempt(const Method& method, const std::vector<ValueSpec>& carry,
                              const IntegratorRequest& request, Following following);

/// (control [t, h, x, x, ...], members, carry, new members, new carry, dense) to the members at
/// t + x h, for `points` numbers x, one after another.
Program record_interpolation(const Method& method, const std::vector<ValueSpec>& carry,
                             const std::vector<ValueSpec>& dense, std::int64_t points);

/// (t [1], members, constants) to how far each sample is from a steady state, float64 [rows]: the
/// largest over members in the norm of the RMS of rate over tolerance.
Program record_steadiness(const Method& method);

/// (t and h [2], points [n], members, carry, new members, new carry, dense, constants) to the event
/// functions at t + points h and their derivatives by the point, float64 [rows, n, 2 events].
Program record_event_values(const Method& method, const EventFunctions& functions,
                            const std::vector<ValueSpec>& carry,
                            const std::vector<ValueSpec>& dense, std::int64_t points);

/// As the attempt's inputs to (new members; by member in the norm, error over tolerance;
/// convergence of an iteration, [1] or [rows], if there is one): what to look at when a solve
/// failed.
Program record_diagnosis(const Method& method, const std::vector<ValueSpec>& carry);

}  // namespace odeum::solve
