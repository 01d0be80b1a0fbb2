// SPDX-License-Identifier: Apache-2.0
#include "solve/integrator.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "odeum/error.hpp"
#include "solve/call_check.hpp"
#include "solve/diagnosis.hpp"
#include "solve/stability.hpp"

namespace odeum::solve {
namespace {

// A step into the non-finite is shortened tenfold at a time. If that many do not lead past where
// the trouble was first seen, it was not a step too bold: the equation leaves the numbers there.
constexpr double kShrink = 0.1;
constexpr int kMostShrinks = 10;

void append(std::vector<View>& to, const std::vector<View>& views) {
  to.insert(to.end(), views.begin(), views.end());
}

}  // namespace

StepLoop::StepLoop(Dynamics dynamics, std::shared_ptr<const Solver> solver,
                   std::shared_ptr<const Controller> controller, SolveOptions options,
                   std::shared_ptr<Device> device, IntegratorRequest request)
    : dynamics_(std::move(dynamics)),
      solver_(std::move(solver)),
      controller_(std::move(controller)),
      options_(std::move(options)),
      device_(std::move(device)),
      request_(std::move(request)),
      method_{dynamics_, *solver_, *controller_, options_},
      first_(method_.adaptive() && options_.first_step == 0.0 ? FirstStep::chosen
                                                              : FirstStep::given) {
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
  start_ = record_start(method_, first_);
  attempt_ = record_attempt(method_, start_.carry, request_);
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
  lay_out();
}

void StepLoop::lay_out() {
  const auto memory = static_cast<std::int64_t>(controller_->initial_memory().size());
  const auto scalars = [](std::int64_t n) {
    return std::vector<ValueSpec>{{"scalars", {n}, DType::f64, RowClass::none}};
  };
  control_values_.resize(static_cast<std::size_t>(AttemptProgram::control_size + memory));
  decision_values_.resize(static_cast<std::size_t>(AttemptProgram::decision_size + memory));
  constants_.resize(dynamics_.constants.size());

  workspace_ = std::make_unique<Workspace>(*device_);
  workspace_->add(scalars(2), &start_control_);
  workspace_->add(scalars(StartProgram::begin_size), &begin_);
  workspace_->add(scalars(AttemptProgram::control_size + memory), &control_);
  const std::int64_t decisions = knows_steps() ? kMostTrusted : 1;
  workspace_->add(scalars(decisions * (AttemptProgram::decision_size + memory)), &decision_);
  workspace_->add(scalars(2 + kTogether.back()), &point_);
  workspace_->add(attempt_.dense, &dense_);
  if (watch_) workspace_->add(member_specs(dynamics_), &at_event_);
  workspace_->add(scalars(1), &steady_time_);
  workspace_->add({{"steadiness", {kRows}, DType::f64, RowClass::per_row}}, &steady_);
  if (!request_.extra_at) workspace_->add(attempt_.extra, &extra_);
  for (Half& half : halves_) {
    workspace_->add(member_specs(dynamics_), &half.state);
    workspace_->add(start_.carry, &half.carry);
  }
}

/// Puts the call's state, constants and this loop's memory into the programs' argument lists.
void StepLoop::bind(const SolveCall& call) {
  workspace_->place(call.rows);
  std::copy(call.constants.begin(), call.constants.end(), constants_.begin());
  current_ = 0;
  for (int i = 0; i < 2; ++i) {
    Half& half = halves_[i];
    const Half& other = halves_[1 - i];
    half.start_in = start_control_;
    append(half.start_in, half.state);
    append(half.start_in, constants_);
    half.start_out = begin_;
    append(half.start_out, half.carry);

    half.attempt_in = control_;
    append(half.attempt_in, half.state);
    append(half.attempt_in, half.carry);
    append(half.attempt_in, constants_);
    half.attempt_out = decision_;
    append(half.attempt_out, other.state);
    append(half.attempt_out, other.carry);
    append(half.attempt_out, dense_);
    half.attempt_out.resize(half.attempt_out.size() + attempt_.extra.size());
    std::copy(extra_.begin(), extra_.end(),
              half.attempt_out.end() - static_cast<std::ptrdiff_t>(attempt_.extra.size()));

    half.interpolate_in = point_;
    append(half.interpolate_in, half.state);
    append(half.interpolate_in, half.carry);
    append(half.interpolate_in, other.state);
    append(half.interpolate_in, other.carry);
    append(half.interpolate_in, dense_);

    half.watch_in.assign(half.interpolate_in.begin() + 1, half.interpolate_in.end());
    append(half.watch_in, constants_);
    half.steady_in = steady_time_;
    append(half.steady_in, other.state);
    append(half.steady_in, constants_);
  }
  if (watch_) watch_->begin(call.rows);
  const std::vector<ValueSpec> members = member_specs(dynamics_);
  for (std::size_t m = 0; m < members.size(); ++m) {
    device_->copy(now().state[m], call.initial[m], bytes_of(members[m], call.rows));
  }
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
  const double control[2] = {solve.t, solve.call.times.back() - solve.t};
  device_->upload(start_control_[0], control, sizeof control);
  run_start_->run(solve.call.rows, now().start_in, now().start_out);
  solve.report.evaluations += start_.evaluations;

  const std::vector<double> memory = controller_->initial_memory();
  std::copy(memory.begin(), memory.end(), control_values_.begin() + AttemptProgram::control_size);
  solve.pace.aim(solve.t, target(solve));
  if (first_ == FirstStep::given) {
    solve.pace.propose(method_.adaptive() ? options_.first_step : options_.step);
    return true;
  }
  double chosen[StartProgram::begin_size];
  device_->download(chosen, begin_[0], sizeof chosen);
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
  device_->upload(control_[0], control_values_.data(), control_values_.size() * sizeof(double));
  place_outputs(solve, step);
  run_attempt_->run(solve.call.rows, now().attempt_in, now().attempt_out);
  solve.report.evaluations += attempt_.evaluations;
  solve.report.h = step.h;
  if (solve.look == Look::later) return trust(solve, step);
  device_->download(decision_values_.data(), decision_[0],
                    decision_values_.size() * sizeof(double));
  solve.report.error_ratio = decision_values_[AttemptProgram::error_ratio];
  return judge(solve, step);
}

/// Where the attempt's decision goes, and its dense output and extra outputs; nowhere if nobody
/// will look at them.
void StepLoop::place_outputs(const Progress& solve, const Pace::Step& step) {
  now().attempt_out.front() =
      decision_[0] + trusted_.size() * decision_values_.size() * sizeof(double);
  const auto end = now().attempt_out.end();
  const auto extra = end - static_cast<std::ptrdiff_t>(attempt_.extra.size());
  const auto dense = extra - static_cast<std::ptrdiff_t>(dense_.size());
  if (watch_ || lies_within(solve, step)) {
    std::copy(dense_.begin(), dense_.end(), dense);
  } else {
    std::fill(dense, extra, View{});
  }
  if (!request_.extra_at) return;
  const std::span<const View> places = request_.extra_at(solve.report.accepted);
  std::copy(places.begin(), places.end(), extra);
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
  current_ = 1 - current_;
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
  const std::size_t kept = 1 + now().state.size() + now().carry.size();
  std::fill(outputs.begin() + static_cast<std::ptrdiff_t>(kept), outputs.end(), View{});
  std::vector<double> errors;
  control_values_[AttemptProgram::t] = solve.t;
  for (int k = 0; k < kShorterSteps; ++k) {
    control_values_[AttemptProgram::h] = std::ldexp(solve.report.h, kAsTried - k);
    device_->upload(control_[0], control_values_.data(), control_values_.size() * sizeof(double));
    run_attempt_->run(solve.call.rows, now().attempt_in, outputs);
    device_->download(decision_values_.data(), decision_[0],
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
  device_->upload(control_[0], control_values_.data(), control_values_.size() * sizeof(double));
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
