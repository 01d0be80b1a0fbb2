// SPDX-License-Identifier: Apache-2.0
// Backpropagation through a solve whose steps are not cut at the times between start and end: the
// states there come from the dense output of the step they lie in, and so do their cotangents. The
// beginnings of steps are kept; a step with times in it is reversed together with its dense output.
#pragma once

#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "odeum/checkpoints.hpp"
#include "odeum/reverse_sweep.hpp"
#include "policy.hpp"

namespace backprop {

class BetweenSolve final : public DifferentiableSolve {
 public:
  BetweenSolve(std::unique_ptr<SolveSetting> setting, std::vector<bool> wanted, Policy policy);
  ~BetweenSolve() override;

  SolveReport forward(const SolveCall& call) override;
  SolveReport backward(const SolveCall& call, std::span<const View> result_cotangents,
                       const CotangentTargets& targets) override;
  std::size_t kept_bytes() const override;
  std::optional<std::size_t> estimate_kept_bytes(std::int64_t rows, std::int64_t results,
                                                 std::int64_t steps) const override;

 private:
  /// A step with states at `times` of its inside, whose cotangents come in for some members.
  struct Within {
    StepReversal reversal;
    std::unique_ptr<Executable> run;
  };
  /// A backward pass under way.
  struct Pass {
    const SolveCall& call;
    std::span<const View> result_cotangents;
    std::span<double> times;  ///< cotangents; empty: not wanted
    std::vector<bool> members;
    std::size_t pending;  ///< times from this one on are done
  };

  Within record(std::size_t times, const std::vector<bool>& members) const;
  Within& within(std::size_t times, const std::vector<bool>& members);
  std::int64_t reverse(Pass& pass, const ReverseSweep::Reversed& step);

  std::unique_ptr<SolveSetting> setting_;
  std::vector<bool> wanted_;
  Policy policy_;
  ReverseSweep sweep_;
  StepReversal whole_;  ///< with a time in it: reads all that any of them does
  StepCheckpoints checkpoints_;
  std::unique_ptr<Integrator> integrator_;
  std::map<std::pair<std::size_t, std::vector<bool>>, Within> within_;
  std::shared_ptr<void> zeros_, time_memory_;
  std::size_t zero_bytes_ = 0, time_bytes_ = 0;
};

}  // namespace backprop
