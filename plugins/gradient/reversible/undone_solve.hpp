// SPDX-License-Identifier: Apache-2.0
// A solve whose steps are undone, from the last to the first, each differentiated where it has
// been led back to.
#pragma once

#include <memory>
#include <vector>

#include "odeum/gradient.hpp"
#include "odeum/reverse_sweep.hpp"

namespace reversible {

using namespace odeum;

class UndoneSolve final : public DifferentiableSolve {
 public:
  /// `drift`: what the start that is led back to may be off by, in units of the solve's tolerance.
  UndoneSolve(std::unique_ptr<SolveSetting> setting, const std::vector<bool>& wanted, double drift);

  SolveReport forward(const SolveCall& call) override;
  SolveReport backward(const SolveCall& call, std::span<const View> result_cotangents,
                       const CotangentTargets& targets) override;
  std::size_t kept_bytes() const override;
  std::optional<std::size_t> estimate_kept_bytes(std::int64_t rows, std::int64_t results,
                                                 std::int64_t steps) const override;

 private:
  std::int64_t undo(const ReverseSweep::Reversed& step);
  double drifted(const SolveCall& call);
  std::vector<ArraySpec> state_specs() const;

  std::unique_ptr<SolveSetting> setting_;
  double drift_;
  ReverseSweep sweep_;
  StepReversal reversal_;  ///< members and carry at the step's end, results behind a step's own
  std::unique_ptr<Executable> run_undo_, run_drift_;
  Arrays end_;        ///< members and carry at the end of the solve
  Arrays states_[2];  ///< members and carry, led back; one is read, the other written
  Arrays misses_;     ///< by how much the start is missed, by state member
  std::unique_ptr<Integrator> integrator_;
  int current_ = 0;
};

}  // namespace reversible
