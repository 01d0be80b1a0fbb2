// SPDX-License-Identifier: Apache-2.0
// GradientMethod: how cotangents of the initial state, times and constants (parameters, inputs)
// come from a solve.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "odeum/plugin.hpp"
#include "odeum/solve.hpp"

namespace odeum::inline v1 {

/// Where a backward pass puts what it finds. A null view or an empty span: not wanted, and not
/// computed.
struct CotangentTargets {
  std::span<const View> initial;    ///< by member; overwritten
  std::span<const View> constants;  ///< by constant; added to what is there
  std::span<double> times;          ///< dL/d times[i], overwritten; sums over rows
  /// dL/d row_times where the call has them, [rows][times], overwritten.
  std::span<double> row_times = {};
};

/// A solve that can be differentiated. Made once, used for every training step, from one thread.
class DifferentiableSolve {
 public:
  virtual ~DifferentiableSolve();

  /// Integrates as Integrator::integrate does and keeps what `backward` needs, until the next
  /// forward. Results of a failed solve are not to be used and it has no backward.
  virtual SolveReport forward(const SolveCall& call) = 0;

  /// From cotangents of the results ([time 1 .. n-1][member], flattened; null: zero) to those of
  /// everything else. `call` is the one given to forward, its views still valid and unchanged.
  /// The report counts what this pass did. A failed backward pass leaves the targets unusable.
  virtual SolveReport backward(const SolveCall& call, std::span<const View> result_cotangents,
                               const CotangentTargets& targets) = 0;

  /// Bytes kept between forward and backward in the last solve.
  virtual std::size_t kept_bytes() const = 0;
  /// About what a solve of so many rows, results and accepted steps will keep; nothing: the method
  /// cannot tell.
  virtual std::optional<std::size_t> estimate_kept_bytes(std::int64_t rows, std::int64_t results,
                                                         std::int64_t steps) const;
};

class GradientMethod {
 public:
  virtual ~GradientMethod();
  /// Why this method cannot differentiate such a solve, with the mathematical reason; empty: it
  /// can. Asked at validation.
  virtual std::string refusal(const Solver& solver, const SolveOptions& options,
                              const Dynamics& dynamics) const;
  /// Whether solves with StepSize::per_sample can be differentiated; those of a method that says no
  /// are refused at validation.
  virtual bool per_sample() const { return false; }
  /// Whether it differentiates Solver::step itself, so that members given by the steps
  /// (Member::of_steps) have cotangents too. A method that integrates further equations, or takes
  /// the steps from the tableau, does not.
  virtual bool differentiates_steps() const { return false; }
  /// `wanted[i]`: whether cotangents of constant i will ever be asked for.
  virtual std::unique_ptr<DifferentiableSolve> prepare(std::unique_ptr<SolveSetting> setting,
                                                       const std::vector<bool>& wanted) const = 0;
};

}  // namespace odeum::inline v1
