// SPDX-License-Identifier: Apache-2.0
// DenseSolution: a whole solution as a function of time, from the dense output of every step.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "odeum/solve.hpp"

namespace odeum::inline v1 {

/// Solves once and keeps of every accepted step what `Solver::interpolate` needs, on the device.
/// Between the ends of steps the solution is as accurate as the method's dense output; its
/// derivative is that of the interpolant, so one order less.
///
/// Used from one thread. `setting` must outlive it. Solvers that bring their own loop keep no
/// steps: the constructor throws a ConfigError for them.
class DenseSolution {
 public:
  explicit DenseSolution(const SolveSetting& setting);
  ~DenseSolution();
  DenseSolution(const DenseSolution&) = delete;
  DenseSolution& operator=(const DenseSolution&) = delete;

  /// Looks for events in the solves to come, or ends them in a steady state. A bug after the first
  /// solve.
  void watch(EventFunctions events, Until until = Until::end);
  /// As Integrator::integrate with interpolated save times; replaces what was kept. After a failed
  /// solve the part up to where it ended is there.
  SolveReport solve(const SolveCall& call);

  /// Where the solution begins and ends, in the direction of integration: end() < start() for a
  /// solve back in time.
  double start() const;
  double end() const;
  std::size_t steps() const;
  std::size_t bytes() const;  ///< kept on the device

  /// Members at `times`, in any order: `results` are [time][member], flattened; a null view is not
  /// wanted. A time outside [start(), end()] is a RunError that names both. At a jump time the
  /// state is the one there.
  void evaluate(std::span<const double> times, std::span<const View> results);
  /// Likewise the derivatives by time; for running costs, by the length of time.
  void differentiate(std::span<const double> times, std::span<const View> results);

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace odeum::inline v1
