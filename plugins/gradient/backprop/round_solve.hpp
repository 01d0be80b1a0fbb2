// SPDX-License-Identifier: Apache-2.0
// Backpropagation through a solve in which every sample has its own steps: of each round the state
// before it is kept, with the rows' times, steps and whether they counted; the backward pass takes
// the rounds from the last to the first, cotangents standing in the rows of the round at hand.
#pragma once

#include <memory>
#include <vector>

#include "odeum/reverse_sweep.hpp"
#include "round_memory.hpp"
#include "round_reversal.hpp"

namespace backprop {

class RoundSolve final : public DifferentiableSolve {
 public:
  RoundSolve(std::unique_ptr<SolveSetting> setting, std::vector<bool> wanted);

  SolveReport forward(const SolveCall& call) override;
  SolveReport backward(const SolveCall& call, std::span<const View> result_cotangents,
                       const CotangentTargets& targets) override;
  std::size_t kept_bytes() const override { return memory_.taken(); }

 private:
  struct Round {
    std::vector<RowStep> rows;
    std::vector<View> state;  ///< members and carry before it
  };
  /// Rows from..from + count of one place that are rows to..to + count of another.
  struct Run {
    std::size_t from = 0, to = 0, count = 1;
  };
  /// Where a step's place and length are fractions of.
  struct Stretch {
    double begin = 0.0, end = 0.0;
    bool begins_at_time = true, ends_at_time = true;  ///< else at a stop
  };
  /// A backward pass under way.
  struct Pass {
    const SolveCall& call;
    std::span<const View> result_cotangents;
    const CotangentTargets& targets;
    std::vector<std::size_t> pending;  ///< by sample: results from this one on are added
    std::vector<std::int64_t> layout;  ///< whose row each one of the working arrays is
  };

  void keep(const SolveCall& call, const AcceptedStep& step);
  void open(Pass& pass);
  void move_to(Pass& pass, const std::vector<std::int64_t>& layout);
  void load_constants(const Pass& pass);
  void add_results(Pass& pass, const std::vector<RowStep>& rows);
  void reverse(Pass& pass, const Round& round);
  bool reverse_start(Pass& pass, const Round& round);
  Stretch stretch_of(const SolveCall& call, const RowStep& step) const;
  void add_time_cotangents(Pass& pass, const std::vector<RowStep>& rows);
  void add_start_time_cotangents(Pass& pass, const std::vector<RowStep>& rows);
  void close(Pass& pass);

  bool wants_times(const Pass& pass) const {
    return !pass.targets.times.empty() || !pass.targets.row_times.empty();
  }
  std::vector<View> constant_results(const Pass& pass) const;
  void copy_rows(const std::vector<ArraySpec>& specs, std::span<const View> from,
                 std::span<const View> to, const Run& run);

  std::unique_ptr<SolveSetting> setting_;
  std::vector<bool> wanted_;
  RoundReversal reversal_;
  std::vector<ArraySpec> state_specs_;    ///< members, carry
  std::vector<ArraySpec> row_constants_;  ///< constants with rows
  std::unique_ptr<Integrator> integrator_;
  std::unique_ptr<Executable> run_round_, run_start_;
  std::vector<std::unique_ptr<Executable>> add_members_, add_constants_;  ///< target += cotangent
  RoundMemory memory_;
  std::vector<Round> rounds_;

  Arrays cotangents_[2];  ///< after and before a round, rows as in the layout
  Arrays home_;           ///< the same by sample, while the layout lacks samples
  Arrays carries_;        ///< of rows that began anew
  Arrays constant_cotangents_, constant_home_;  ///< of the constants with rows
  Arrays constant_values_;                      ///< those constants in the layout
  Arrays staged_;                               ///< result cotangents of the layout's rows
  Arrays control_, times_;
  int current_ = 0;
  std::vector<View> constants_;  ///< as programs get them
};

}  // namespace backprop
