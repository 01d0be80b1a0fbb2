// SPDX-License-Identifier: Apache-2.0
// A solve whose accepted steps are differentiated one by one, from the last to the first. The
// error estimate and the controller take no part: accepted steps count as fixed fractions of the
// interval between two times, so the derivative of the discrete solution is exact, in the times
// too.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "odeum/checkpoints.hpp"
#include "policy.hpp"
#include "reversal.hpp"

namespace backprop {

class DiscreteSolve final : public DifferentiableSolve {
 public:
  DiscreteSolve(std::unique_ptr<SolveSetting> setting, std::vector<bool> wanted, Policy policy);
  ~DiscreteSolve() override;

  SolveReport forward(const SolveCall& call) override;
  SolveReport backward(const SolveCall& call, std::span<const View> result_cotangents,
                       const CotangentTargets& targets) override;
  std::size_t kept_bytes() const override;
  std::optional<std::size_t> estimate_kept_bytes(std::int64_t rows, std::int64_t results,
                                                 std::int64_t steps) const override;

 private:
  /// What is recorded of one way of keeping, and what is compiled of it at its first use.
  struct Mode;

  Mode& mode(Keep keep) const;
  Mode& ready(Keep keep);
  std::vector<Keep> ways() const;
  std::optional<Keep> richest(std::int64_t rows, std::int64_t steps) const;
  SolveReport keep_records(Mode& mode, const SolveCall& call);
  SolveReport keep_checkpoints(Mode& mode, const SolveCall& call);
  std::int64_t reverse(const ReverseSweep::Reversed& step);

  std::unique_ptr<SolveSetting> setting_;
  std::vector<bool> wanted_;
  Policy policy_;
  bool apart_;  ///< stages can be kept apart
  ReverseSweep sweep_;
  mutable std::vector<std::unique_ptr<Mode>> modes_;
  Mode* used_ = nullptr;  ///< by the last forward
};

}  // namespace backprop
