// SPDX-License-Identifier: Apache-2.0
// The one integration loop: attempts steps on a device, lets the controller judge them, and lands
// on or interpolates to the times asked for.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <vector>

#include "odeum/controller.hpp"
#include "odeum/solve.hpp"
#include "solve/event_watch.hpp"
#include "solve/inspection.hpp"
#include "solve/pace.hpp"
#include "solve/step_programs.hpp"
#include "solve/stops.hpp"
#include "solve/workspace.hpp"

namespace odeum::solve {

/// Numbers of points that dense output is evaluated at in one call.
inline constexpr std::array<std::size_t, 3> kTogether{1, 4, 16};

class StepLoop final : public Integrator {
 public:
  StepLoop(Dynamics dynamics, std::shared_ptr<const Solver> solver,
           std::shared_ptr<const Controller> controller, SolveOptions options,
           std::shared_ptr<Device> device, IntegratorRequest request);

  SolveReport integrate(const SolveCall& call) override;

 private:
  /// Arguments of the programs for one of the two halves that the state alternates between.
  struct Half {
    std::vector<View> state, carry;
    std::vector<View> start_in, start_out;
    std::vector<View> attempt_in, attempt_out;
    std::vector<View> interpolate_in;
    std::vector<View> watch_in;   ///< of the event functions, behind t and h
    std::vector<View> steady_in;  ///< of the test for a steady state, at the step's end
  };
  /// When the host looks at what became of an attempt.
  enum class Look : std::uint8_t {
    at_once,
    later,  ///< given steps are taken on trust; decisions are looked at together
    again   ///< at once, in a solve that trust had failed in: observers have seen its steps
  };
  /// A solve under way.
  struct Progress {
    const SolveCall& call;
    Look look;
    SolveReport report;
    Pace pace;
    double t;
    std::vector<Stop> stops;  ///< not yet passed ones from `stop` on
    std::size_t stop = 0;
    std::size_t interval = 0;  ///< results up to times[interval] are written
    int shrunk = 0;            ///< attempts that were not finite and whose end is not yet passed
    double wall = 0.0;         ///< the nearest end of those
    bool unsolved = false;     ///< the last attempt's iteration did not converge
    bool betrayed = false;     ///< not what trust took it for: to be solved again
  };

  std::optional<SolveReport> solve(const SolveCall& call, Look look);
  bool knows_steps() const;
  bool trust(Progress& solve, const Pace::Step& step);
  bool was_right(Progress& solve);

  void compile();
  void lay_out();
  void bind(const SolveCall& call);
  Half& now() { return halves_[current_]; }
  Half& next() { return halves_[1 - current_]; }

  bool set_out(Progress& solve);
  bool begin(Progress& solve);
  bool attempt(Progress& solve);
  void place_outputs(const Progress& solve, const Pace::Step& step);
  bool lies_within(const Progress& solve, const Pace::Step& step) const;
  bool judge(Progress& solve, const Pace::Step& step);
  bool accept(Progress& solve, Pace::Step step);
  bool end_at_event(Progress& solve, Pace::Step& step);
  bool end_at_steady_state(Progress& solve);
  bool pass_stop(Progress& solve);
  void observe(Progress& solve, const Pace::Step& step);
  void deliver_within(Progress& solve, const Pace::Step& step);
  void deliver_reached(Progress& solve);
  void copy_members(std::int64_t rows, std::span<const View> from, std::span<const View> to);
  void interpolate(const Progress& solve, double h, std::span<const double> x,
                   std::span<const View> results);
  Executable& interpolation(std::size_t size);
  double target(const Progress& solve) const;
  static bool ahead(const Progress& solve, double t, double time);

  bool fail(Progress& solve, Status status);
  void diagnose(Progress& solve);
  void explain(Progress& solve);
  std::vector<double> errors_of_shorter_steps(const Progress& solve);

  Dynamics dynamics_;
  std::shared_ptr<const Solver> solver_;
  std::shared_ptr<const Controller> controller_;
  SolveOptions options_;
  std::shared_ptr<Device> device_;
  IntegratorRequest request_;
  Method method_;
  FirstStep first_;

  StartProgram start_;
  AttemptProgram attempt_;
  std::unique_ptr<Executable> run_start_, run_attempt_, run_diagnosis_, run_steady_;
  /// By number of points, kTogether; made when first needed.
  std::array<std::unique_ptr<Executable>, kTogether.size()> run_interpolation_;
  std::unique_ptr<EventWatch> watch_;  ///< null: no events are asked for
  std::unique_ptr<Inspection> inspection_;

  std::unique_ptr<Workspace> workspace_;
  std::vector<View> start_control_, begin_, control_, decision_, point_, dense_, extra_;
  std::vector<View> at_event_, steady_time_, steady_;
  std::vector<View> constants_;
  Half halves_[2];
  int current_ = 0;
  std::vector<double> control_values_, decision_values_;
  /// Steps whose decisions are looked at together, at most.
  static constexpr std::int64_t kMostTrusted = 1024;
  std::vector<double> trusted_;  ///< sizes of the steps whose decisions nobody has looked at
  std::vector<double> trusted_decisions_;
};

}  // namespace odeum::solve
