// SPDX-License-Identifier: Apache-2.0
#include "solve/integrator.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "odeum/error.hpp"
#include "solve/call_check.hpp"
#include "solve/diagnosis.hpp"
#include "solve/forecast.hpp"
#include "solve/stability.hpp"

namespace odeum::solve {
namespace {

// Steps into the non-finite are shortened. If that many do not lead past where the trouble was
// first seen, it was not a step too bold: the equation leaves the numbers there.
constexpr int kMostShrinks = 10;

}  // namespace

StepLoop::StepLoop(Dynamics dynamics, std::shared_ptr<const Solver> solver,
                   std::shared_ptr<const Controller> controller, SolveOptions options,
                   std::shared_ptr<Device> device, IntegratorRequest request,
                   std::int64_t steps_at_once)
    : dynamics_(std::move(dynamics)),
      solver_(std::move(solver)),
      controller_(std::move(controller)),
      options_(std::move(options)),
      device_(std::move(device)),
      request_(std::move(request)),
      method_{dynamics_, *solver_, *controller_, options_},
      first_(method_.adaptive() && options_.first_step == 0.0 ? FirstStep::chosen
                                                              : FirstStep::given),
      steps_at_once_(steps_at_once) {
  if (!method_.adaptive() && options_.step <= 0.0 && options_.steps <= 0) {
    throw ConfigError("a solver without step control needs step: or steps:");
  }
}

SolveReport StepLoop::integrate(const SolveCall& call) {
  check_call(call, dynamics_, StepSize::shared);
  if (call.times.size() == 1) {
    copy_members(call.rows, call.initial, call.end);
    SolveReport report;
    report.t = call.times.front();
    report.reached = 1;
    return report;
  }
  if (!run_attempt_) compile();
  if (knows_steps()) {
    if (const auto report = solve(call, Look::later)) return *report;
    return *solve(call, Look::again);
  }
  return *solve(call, Look::at_once);
}

/// Nothing: a step taken on trust was not what it was taken for.
std::optional<SolveReport> StepLoop::solve(const SolveCall& call, Look look) {
  Progress solve{.call = call,
                 .look = look,
                 .report = {},
                 .pace = Pace(options_, method_.adaptive() ? Stepping::adaptive : Stepping::given),
                 .t = call.times.front(),
                 .stops = stops_between(options_, dynamics_.members.front().dtype,
                                        call.times.front(), call.times.back())};
  solve.report.reached = 1;
  trusted_.clear();
  bind(call);
  // Without rows nothing moves, not even a sum over them.
  if (call.rows == 0) solve.t = call.times.back();
  deliver_reached(solve);
  if (solve.interval + 1 < call.times.size() && set_out(solve)) {
    while (solve.interval + 1 < call.times.size() && attempt(solve)) {
    }
  }
  if (look == Look::later && !was_right(solve)) return std::nullopt;
  expected_ = solve.report.accepted + solve.report.rejected;
  solve.report.t = solve.t;
  copy_members(call.rows, solve.report.status == Status::event ? at_event_ : now().state, call.end);
  solve.report.row_evaluations = solve.report.evaluations * call.rows;
  return solve.report;
}

/// The first step of all; from the far side of a jump at the initial time.
bool StepLoop::set_out(Progress& solve) {
  if (!solve.stops.empty() && solve.stops.front().jump &&
      !ahead(solve, solve.t, solve.stops.front().arrive)) {
    return pass_stop(solve);
  }
  return begin(solve);
}

void StepLoop::compile() {
  const bool watched = !request_.events.events.empty() || request_.until == Until::steady_state;
  const bool waits = !device_->host_addressable() || steps_at_once_ > 1;
  following_ =
      method_.adaptive() && waits && !watched ? Following::forecast : Following::left_to_host;
  start_ = record_start(method_, first_, following_);
  attempt_ = record_attempt(method_, start_.carry, request_, following_);
  const auto build = [&](const Program& program, const char* what) {
    return device_->compile(optimize(program), {.name = what, .outputs = {}});
  };
  run_start_ = build(start_.program, "start of a solve");
  if (!request_.events.events.empty()) {
    watch_ = std::make_unique<EventWatch>(method_, request_.events, start_.carry, attempt_.dense,
                                          *device_);
  }
  if (request_.until == Until::steady_state) {
    run_steady_ = build(record_steadiness(method_), "test for a steady state");
  }
  run_attempt_ = build(attempt_.program, "step");
  attempts_together_ = dynamic_cast<Successive*>(run_attempt_.get());
  lay_out();
}

/// Whether `time` lies behind `t` in the direction of the solve.
bool StepLoop::ahead(const Progress& solve, double t, double time) {
  return solve.call.times.back() >= solve.call.times.front() ? time > t : time < t;
}

/// Where the next step to land must land: on a stop or a time to save, whichever is nearer.
double StepLoop::target(const Progress& solve) const {
  const double save = request_.save == SaveTimes::interpolated
                          ? solve.call.times.back()
                          : solve.call.times[solve.interval + 1];
  if (solve.stop == solve.stops.size()) return save;
  const double stop = solve.stops[solve.stop].arrive;
  return ahead(solve, save, stop) ? save : stop;
}

/// Evaluates what the first step needs and chooses its size. False: the solve has failed.
bool StepLoop::begin(Progress& solve) {
  row_.clear();
  taken_ = 0;
  solve.pace.aim(solve.t, target(solve));
  std::vector<double> control{solve.t, solve.call.times.back() - solve.t};
  if (forecasts_first()) {
    const auto targets = landings(solve, Course::size - Course::targets);
    control.insert(control.end(), targets.begin(), targets.end());
  }
  device_->upload(start_control_[0], control.data(), control.size() * sizeof(double));
  run_start_->run(solve.call.rows, now().start_in, now().start_out);
  solve.report.evaluations += start_.evaluations;

  const std::vector<double> memory = controller_->initial_memory();
  std::copy(memory.begin(), memory.end(), control_values_.begin() + AttemptProgram::control_size);
  if (first_ == FirstStep::given) {
    solve.pace.propose(method_.adaptive() ? options_.first_step : options_.step);
    return true;
  }
  if (forecasts_first()) {
    queue_first(solve);
  } else {
    device_->download(scalars_.data() + begin_at_, now().start_out.front(),
                      StartProgram::begin_size * sizeof(double));
  }
  const double* chosen = scalars_.data() + begin_at_;
  solve.report.h = chosen[StartProgram::first_step];
  solve.pace.propose(chosen[StartProgram::first_step]);
  if (chosen[StartProgram::non_finite] > 0.0) return fail(solve, Status::non_finite);
  return true;
}

/// One attempted step. False: the solve has failed.
bool StepLoop::attempt(Progress& solve) {
  if (solve.report.accepted + solve.report.rejected >= options_.max_steps) {
    return fail(solve, Status::max_steps);
  }
  const Pace::Step step = solve.pace.next(solve.t);
  if (step.too_small) {
    return fail(solve, solve.unsolved     ? Status::newton_diverged
                       : solve.shrunk > 0 ? Status::non_finite
                                          : Status::step_too_small);
  }

  control_values_[AttemptProgram::t] = solve.t;
  control_values_[AttemptProgram::h] = step.h;
  if (!is_queued(solve, step)) queue(solve, step);
  const Queued& taken = row_[taken_++];
  current_ = taken.place;
  solve.report.evaluations += attempt_.evaluations;
  solve.report.h = step.h;
  if (solve.look == Look::later) return trust(solve, step);
  const auto decision =
      scalars_.begin() + static_cast<std::ptrdiff_t>(places_.size() * control_count_ +
                                                     taken.decision * decision_values_.size());
  std::copy_n(decision, decision_values_.size(), decision_values_.begin());
  solve.report.error_ratio = decision_values_[AttemptProgram::error_ratio];
  return judge(solve, step);
}

/// Whether the next time to save lies inside the step, its end excluded.
bool StepLoop::lies_within(const Progress& solve, const Pace::Step& step) const {
  const std::span<const double> times = solve.call.times;
  if (solve.interval + 1 >= times.size()) return false;
  const double time = times[solve.interval + 1];
  return step.h > 0.0 ? time < step.end : time > step.end;
}

bool StepLoop::judge(Progress& solve, const Pace::Step& step) {
  const bool finite = decision_values_[AttemptProgram::non_finite] == 0.0 &&
                      std::isfinite(decision_values_[AttemptProgram::error_ratio]);
  const double next_h = decision_values_[AttemptProgram::next_h];
  const bool converged = decision_values_[AttemptProgram::convergence] <= 1.0;
  const bool accepted = finite && converged &&
                        (decision_values_[AttemptProgram::accept] != 0.0 ||
                         (method_.adaptive() && solve.pace.clips(step.h)));
  std::copy(decision_values_.begin() + AttemptProgram::decision_size, decision_values_.end(),
            control_values_.begin() + AttemptProgram::control_size);
  solve.unsolved = finite && !converged;
  if (accepted) {
    if (std::abs(solve.wall - solve.t) <= std::abs(step.h)) solve.shrunk = 0;
    solve.pace.accepted(step, next_h);
    return accept(solve, step);
  }
  ++solve.report.rejected;
  if (!finite) {
    const bool may_shrink = method_.adaptive() && solve.shrunk < kMostShrinks;
    if (!may_shrink || !solve.pace.can_shrink(solve.t, step.h)) {
      // Given steps are tried once: an iteration that left the numbers may have had no root to
      // find.
      const bool tried_once = !method_.adaptive() && !converged;
      return fail(solve, tried_once ? Status::newton_diverged : Status::non_finite);
    }
    if (solve.shrunk++ == 0 || std::abs(step.end - solve.t) < std::abs(solve.wall - solve.t)) {
      solve.wall = step.end;
    }
    solve.pace.rejected(kShrink * step.h);
    return true;
  }
  const bool may_shrink = method_.adaptive() && solve.pace.can_shrink(solve.t, step.h);
  if (!may_shrink) {
    return fail(solve, solve.unsolved ? Status::newton_diverged : Status::step_too_small);
  }
  solve.pace.rejected(next_h);
  return true;
}

/// False: the solve has ended, or failed behind a jump.
bool StepLoop::accept(Progress& solve, Pace::Step step) {
  observe(solve, step);
  const bool ended = watch_ && end_at_event(solve, step);
  if (request_.save == SaveTimes::interpolated) deliver_within(solve, step);
  ++solve.report.accepted;
  current_ = behind(current_);
  solve.t = step.end;
  if (ended || (run_steady_ && end_at_steady_state(solve))) return false;
  if (!step.lands) return true;
  const bool stopped =
      solve.stop < solve.stops.size() && step.end == solve.stops[solve.stop].arrive;
  if (stopped && !pass_stop(solve)) return false;
  deliver_reached(solve);
  if (solve.interval + 1 < solve.call.times.size()) solve.pace.aim(solve.t, target(solve));
  return true;
}

/// From one side of a stop to the other. False: the solve has failed there.
bool StepLoop::pass_stop(Progress& solve) {
  const Stop stop = solve.stops[solve.stop];
  const double last = solve.call.times.back();
  solve.t = ahead(solve, last, stop.depart) ? last : stop.depart;
  while (solve.stop < solve.stops.size() &&
         !ahead(solve, solve.t, solve.stops[solve.stop].arrive)) {
    ++solve.stop;
  }
  deliver_reached(solve);
  return !stop.jump || solve.interval + 1 >= solve.call.times.size() || begin(solve);
}

bool StepLoop::fail(Progress& solve, Status status) {
  if (solve.look == Look::later) {
    solve.betrayed = true;
    return false;
  }
  solve.report.status = status;
  diagnose(solve);
  explain(solve);
  return false;
}

/// Looks at the field where the solve ended, and at what shorter steps would do, for the cause.
void StepLoop::explain(Progress& solve) {
  SolveReport& report = solve.report;
  Evidence evidence;
  evidence.status = report.status;
  evidence.error_order = method_.adaptive() ? solver_->error_order() : 0;
  evidence.elapsed = std::abs(solve.t - solve.call.times.front());
  evidence.t = solve.t;
  evidence.h = report.h;
  if (const Tableau* tableau = solver_->runge_kutta()) {
    evidence.stability = real_stability_interval(*tableau);
  }
  try {
    if (!inspection_) inspection_ = std::make_unique<Inspection>(dynamics_, options_, device_);
    inspection_->measure(evidence, report.sample, solve.call.rows, now().state, constants_);
  } catch (const std::invalid_argument&) {
    // The field has no tangent: what follows goes by the errors alone.
  }
  if (method_.adaptive()) evidence.errors = errors_of_shorter_steps(solve);
  report.cause = cause_of(evidence);
  report.stability = evidence.stability;
  if (std::isfinite(evidence.stiffness())) report.stiffness = evidence.stiffness();
  if (report.cause == Cause::blow_up && std::isfinite(evidence.time_to_blow_up())) {
    report.blow_up_time = solve.t + std::copysign(evidence.time_to_blow_up(), report.h);
  }
}

/// Evidence::errors from where the solve ended. What the attempts write
/// is of no use any more.
std::vector<double> StepLoop::errors_of_shorter_steps(const Progress& solve) {
  std::vector<View> outputs = now().attempt_out;
  const std::size_t unwanted = attempt_.dense.size() + attempt_.extra.size();
  std::fill(outputs.end() - static_cast<std::ptrdiff_t>(unwanted), outputs.end(), View{});
  std::vector<double> errors;
  control_values_[AttemptProgram::t] = solve.t;
  for (int k = 0; k < kShorterSteps; ++k) {
    control_values_[AttemptProgram::h] = std::ldexp(solve.report.h, kAsTried - k);
    device_->upload(now().control[0], control_values_.data(),
                    control_values_.size() * sizeof(double));
    run_attempt_->run(solve.call.rows, now().attempt_in, outputs);
    device_->download(decision_values_.data(), outputs.front(),
                      decision_values_.size() * sizeof(double));
    const bool finite = decision_values_[AttemptProgram::non_finite] == 0.0;
    errors.push_back(finite ? decision_values_[AttemptProgram::error_ratio] : HUGE_VAL);
  }
  return errors;
}

/// Finds the sample and component to blame: entries that are not finite in the state, in its rates
/// or after the step that failed; else the largest error.
void StepLoop::diagnose(Progress& solve) {
  const std::span<const Member> members = dynamics_.members;
  SolveReport& report = solve.report;
  const std::int64_t rows = solve.call.rows;
  const std::vector<ValueSpec> specs = member_specs(dynamics_);
  if (report.status == Status::non_finite) {
    if (blame_non_finite(*device_, rows, members, now().state, report)) return;
    const auto fits = [](const ValueSpec& a, const ValueSpec& b) {
      return a.shape == b.shape && a.dtype == b.dtype;
    };
    const bool carries_rates = specs.size() <= start_.carry.size() &&
                               std::equal(specs.begin(), specs.end(), start_.carry.begin(), fits);
    if (carries_rates && blame_non_finite(*device_, rows, members, now().carry, report)) return;
  }

  std::vector<ValueSpec> outputs = specs;
  if (solver_->error_order() > 0) {
    for (std::size_t m = 0; m < members.size(); ++m) {
      if (members[m].in_error_norm) outputs.push_back(specs[m]);
    }
  }
  outputs.insert(outputs.end(), attempt_.iteration.begin(), attempt_.iteration.end());
  Workspace memory(*device_);
  std::vector<View> views;
  memory.add(outputs, &views);
  memory.place(rows);
  if (!run_diagnosis_) {
    run_diagnosis_ = device_->compile(optimize(record_diagnosis(method_, start_.carry)),
                                      {.name = "diagnosis of a failed solve", .outputs = {}});
  }
  control_values_[AttemptProgram::t] = solve.t;
  control_values_[AttemptProgram::h] = report.h;
  device_->upload(now().control[0], control_values_.data(),
                  control_values_.size() * sizeof(double));
  run_diagnosis_->run(rows, now().attempt_in, views);
  const std::span<const View> all(views);
  if (report.status == Status::non_finite) {
    blame_non_finite(*device_, rows, members, all.first(specs.size()), report);
  } else if (report.status == Status::newton_diverged) {
    blame_unsolved(*device_, rows, members[0], attempt_.iteration.front(), views.back(), report);
  } else if (method_.adaptive()) {
    blame_largest(*device_, rows, members, all.subspan(specs.size()), report);
  }
}

}  // namespace odeum::solve
