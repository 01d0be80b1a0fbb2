// SPDX-License-Identifier: Apache-2.0
// The integration loop in which every sample has its own time and step size. A round attempts one
// step of each sample still under way, all in one run of the step program; samples that are done
// are compacted away. What a sample goes through does not depend on the others.
#pragma once

#include <memory>
#include <vector>

#include "odeum/controller.hpp"
#include "odeum/solve.hpp"
#include "solve/sample.hpp"
#include "solve/sample_programs.hpp"
#include "solve/workspace.hpp"

namespace odeum::solve {

/// Why samples of these dynamics cannot step by themselves, with what to use instead; empty: they
/// can.
std::string per_sample_refusal(const Solver& solver, const Dynamics& dynamics);

class SampleLoop final : public Integrator {
 public:
  /// Throws ConfigError where `per_sample_refusal` has a reason or the method has no step control.
  SampleLoop(Dynamics dynamics, std::shared_ptr<const Solver> solver,
             std::shared_ptr<const Controller> controller, SolveOptions options,
             std::shared_ptr<Device> device, IntegratorRequest request);

  SolveReport integrate(const SolveCall& call) override;

 private:
  /// Memory and arguments of the programs for one of the two halves that the state alternates
  /// between.
  struct Half {
    std::vector<View> state, carry;
    std::vector<View> start_in, start_out;
    std::vector<View> attempt_in, attempt_out;
    std::vector<View> interpolate_in;
  };
  /// A solve under way.
  struct Progress {
    const SolveCall& call;
    std::vector<Sample> samples;
    std::vector<std::int64_t> placed;  ///< whose row each one is, ascending
    std::int64_t rounds = 0;           ///< those that an observer saw
    SolveReport report;
  };
  /// Rows from..from + count of one place that are rows to..to + count of another.
  struct Run {
    std::int64_t from = 0, to = 0, count = 1;
  };
  /// A result that is due: row of the batch, sample, and which of its times.
  struct Delivery {
    std::int64_t row = 0, sample = 0;
    std::size_t result = 0;
  };

  void compile();
  void lay_out();
  void open(Progress& solve);
  void bind();
  Half& now() { return halves_[current_]; }
  Half& next() { return halves_[1 - current_]; }
  static std::int64_t rows(const Progress& solve) {
    return static_cast<std::int64_t>(solve.placed.size());
  }
  static std::int64_t sample_of(const Progress& solve, std::int64_t row) {
    return solve.placed[static_cast<std::size_t>(row)];
  }
  static Sample& at(Progress& solve, std::int64_t sample) {
    return solve.samples[static_cast<std::size_t>(sample)];
  }
  static const Sample& at(const Progress& solve, std::int64_t sample) {
    return solve.samples[static_cast<std::size_t>(sample)];
  }

  std::int64_t active(const Progress& solve) const;
  bool goes_on(const Progress& solve) const;
  void begin(Progress& solve);
  void compact(Progress& solve);
  static std::vector<Run> runs_of(const std::vector<std::int64_t>& from,
                                  const std::vector<std::int64_t>& to);
  void copy_rows(const std::vector<ValueSpec>& specs, const std::vector<View>& from,
                 const std::vector<View>& to, const Run& run);
  void round(Progress& solve);
  void fill_control(const Progress& solve);
  template <class HasPart>
  void ran(Progress& solve, std::int64_t evaluations, const HasPart& has_part);
  void attempt(Progress& solve);
  void place_outputs(const Progress& solve);
  std::vector<std::int64_t> judge(Progress& solve);
  void observe(Progress& solve, const std::vector<std::int64_t>& accepted);
  void deliver_within(Progress& solve, const std::vector<std::int64_t>& accepted);
  void deliver_reached(Progress& solve, const std::vector<std::int64_t>& rows);
  void deliver(Progress& solve, const std::vector<Delivery>& due, const std::vector<View>& from);
  void diagnose(Progress& solve);
  void blame(Progress& solve, std::int64_t row);
  void conclude(Progress& solve) const;

  Dynamics dynamics_;
  std::shared_ptr<const Solver> solver_;
  std::shared_ptr<const Controller> controller_;
  SolveOptions options_;
  std::shared_ptr<Device> device_;
  IntegratorRequest request_;
  Method method_;
  FirstStep first_;
  std::vector<ValueSpec> members_;

  SampleStartProgram start_;
  SampleAttemptProgram attempt_;
  std::unique_ptr<Executable> run_start_, run_attempt_, run_interpolation_, run_diagnosis_;

  std::unique_ptr<Workspace> workspace_, compacted_, diagnosis_;
  std::vector<View> start_control_, begin_, control_, decision_, point_, dense_, extra_, between_;
  std::vector<View> diagnosed_;
  std::vector<View> constants_;         ///< as the programs get them now
  std::vector<View> constant_rows_[2];  ///< where compacted rows of constants go, in turns
  int constants_at_ = 0;
  std::vector<ValueSpec> constant_specs_;  ///< of the constants with rows
  Half halves_[2];
  int current_ = 0;
  std::int64_t control_entries_ = 0, decision_entries_ = 0;
  std::vector<double> control_values_, decision_values_;
};

}  // namespace odeum::solve
