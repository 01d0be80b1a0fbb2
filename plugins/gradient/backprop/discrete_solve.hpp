// SPDX-License-Identifier: Apache-2.0
// A solve whose accepted steps are differentiated one by one, from the last to the first. The
// error estimate and the controller take no part: accepted steps count as fixed fractions of the
// interval between two times, so the derivative of the discrete solution is exact, in the times
// too.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "memory.hpp"
#include "reversal.hpp"

namespace backprop {

struct Policy {
  std::optional<Keep> keep;      ///< nullopt: the richest that the memory holds
  std::size_t memory_limit = 0;  ///< bytes; an explicit `keep` is not limited
};

class DiscreteSolve final : public DifferentiableSolve {
 public:
  DiscreteSolve(std::unique_ptr<SolveSetting> setting, std::vector<bool> wanted, Policy policy);
  ~DiscreteSolve() override;

  SolveReport forward(const SolveCall& call) override;
  SolveReport backward(const SolveCall& call, std::span<const View> result_cotangents,
                       const CotangentTargets& targets) override;
  std::size_t kept_bytes() const override;

 private:
  /// Everything compiled for one way of keeping.
  struct Mode;
  struct Step {
    double t, h;
    std::size_t interval;
  };

  Mode& mode(Keep keep);
  Keep richest(const SolveCall& call);
  std::size_t expected_steps(const SolveCall& call) const;  ///< given ones, or a guess
  SolveReport run(Mode& mode, const SolveCall& call);
  void reverse_step(const SolveCall& call, std::size_t index, const CotangentTargets& targets);
  void reverse_start(const SolveCall& call, const CotangentTargets& targets);
  void add_result_cotangents(std::int64_t rows, std::size_t interval, std::span<const View> all);
  void add_time_cotangents(const SolveCall& call, const Step& step, std::span<double> times) const;
  std::vector<View> constant_targets(const CotangentTargets& targets) const;

  std::unique_ptr<SolveSetting> setting_;
  std::vector<bool> wanted_;
  Policy policy_;
  std::vector<std::unique_ptr<Mode>> modes_;
  Mode* used_ = nullptr;  ///< by the last forward
  std::vector<Step> steps_;

  StartReversal start_;
  std::unique_ptr<Executable> run_start_;
  std::vector<std::unique_ptr<Executable>> add_;  ///< by member: target += cotangent
  Buffers times_;                                 ///< t, h, and their cotangents
  Buffers cotangents_[2];                         ///< members, carry: before and after a step
  Buffers spare_;                                 ///< for arguments nobody looks at
  int current_ = 0;
};

}  // namespace backprop
