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
#include "odeum/successive.hpp"
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
  /// `steps_at_once`: attempts that the device is given together; 0: as many as suit it.
  StepLoop(Dynamics dynamics, std::shared_ptr<const Solver> solver,
           std::shared_ptr<const Controller> controller, SolveOptions options,
           std::shared_ptr<Device> device, IntegratorRequest request,
           std::int64_t steps_at_once = 0);

  SolveReport integrate(const SolveCall& call) override;

 private:
  /// One of the places that the state goes round through, a step each, with the programs'
  /// arguments for the step that begins there.
  struct Place {
    std::vector<View> control, state, carry, dense, extra;
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
  /// An attempt that the device has been given, and the host has not yet taken up.
  struct Queued {
    std::size_t place;     ///< where it begins
    std::size_t decision;  ///< which of the decisions is its
    std::int64_t index;    ///< of the accepted step that it was taken for
    bool dense;            ///< its dense output is there
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
  bool lay_out_places(std::int64_t rows);
  std::size_t place_bytes(std::int64_t rows) const;
  void bind(const SolveCall& call);
  void bind_place(std::size_t index);
  std::size_t behind(std::size_t place) const { return (place + 1) % places_.size(); }
  Place& now() { return places_[current_]; }
  Place& next() { return places_[behind(current_)]; }

  bool set_out(Progress& solve);
  bool begin(Progress& solve);
  bool attempt(Progress& solve);
  bool is_queued(const Progress& solve, const Pace::Step& step) const;
  void queue(Progress& solve, const Pace::Step& step);
  void queue_first(Progress& solve);
  void begin_row(const Progress& solve, std::size_t length);
  bool forecasts_first() const {
    return following_ == Following::forecast && first_ == FirstStep::chosen;
  }
  std::size_t row_length(const Progress& solve, const Pace::Step& step) const;
  void write_control(const Progress& solve, const Pace::Step& step);
  bool foresee(const Progress& solve, std::size_t most);
  bool pass_landing(Progress& solve) const;
  std::vector<double> landings(const Progress& solve, std::size_t count) const;
  void place_outputs(const Progress& solve, bool dense);
  std::optional<std::span<const View>> extra_places(std::int64_t next, std::size_t ahead) const;
  void run_row(const Progress& solve);
  void read_row();
  double* control_of(std::size_t place) { return scalars_.data() + place * control_count_; }
  const double* control_of(std::size_t place) const {
    return scalars_.data() + place * control_count_;
  }
  View decision_view(std::size_t index) const;
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
  std::int64_t steps_at_once_;

  StartProgram start_;
  Following following_ = Following::left_to_host;
  AttemptProgram attempt_;
  std::unique_ptr<Executable> run_start_, run_attempt_, run_diagnosis_, run_steady_;
  Successive* attempts_together_ = nullptr;  ///< run_attempt_, where its device can
  /// By number of points, kTogether; made when first needed.
  std::array<std::unique_ptr<Executable>, kTogether.size()> run_interpolation_;
  std::unique_ptr<EventWatch> watch_;  ///< null: no events are asked for
  std::unique_ptr<Inspection> inspection_;

  std::unique_ptr<Workspace> workspace_, round_;
  std::vector<View> start_control_, point_;
  std::vector<View> at_event_, steady_time_, steady_;
  std::vector<View> constants_;
  std::vector<Place> places_;
  std::int64_t placed_rows_ = -1;
  std::size_t current_ = 0;
  /// Control and decision of the attempt at hand. A control in memory may be longer: its course.
  std::vector<double> control_values_, decision_values_;
  std::size_t control_count_ = 0;
  /// All places' controls, decisions, what the start of a solve chose (from number begin_at_ on);
  /// and what the host has written or read of them.
  std::vector<View> scalars_view_;
  std::vector<double> scalars_;
  std::size_t begin_at_ = 0;
  std::vector<Queued> row_;
  std::size_t taken_ = 0;      ///< attempts of the row that the host has taken up
  std::int64_t expected_ = 0;  ///< attempts of the last solve
  std::vector<RunArguments> row_arguments_;
  /// Steps whose decisions are looked at together, at most.
  static constexpr std::int64_t kMostTrusted = 1024;
  std::vector<double> trusted_;  ///< sizes of the steps whose decisions nobody has looked at
  std::vector<double> trusted_decisions_;
};

}  // namespace odeum::solve
