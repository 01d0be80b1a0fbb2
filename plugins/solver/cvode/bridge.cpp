// SPDX-License-Identifier: Apache-2.0
#include "bridge.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "odeum/error.hpp"

namespace odeum::cvode {
namespace {

// CVODE answers a right-hand side that is not finite by a step four times shorter. If that many do
// not lead past where the trouble was first seen, it was not a step too bold: the equation leaves
// the numbers there.
constexpr int kMostShrinks = 16;

void check(const SolveCall& call, const Dynamics& dynamics) {
  const std::size_t members = dynamics.members.size();
  if (call.times.empty()) bug("a solve needs at least one time");
  const double direction = call.times.back() - call.times.front();
  for (std::size_t i = 0; i < call.times.size(); ++i) {
    if (!std::isfinite(call.times[i])) bug("a time of a solve is not finite");
    const double change = i > 0 ? call.times[i] - call.times[i - 1] : 0.0;
    if (change * direction < 0.0 || (direction == 0.0 && change != 0.0)) {
      bug("times of a solve turn back at " + std::to_string(call.times[i]));
    }
  }
  if (call.initial.size() != members || call.constants.size() != dynamics.constants.size() ||
      call.results.size() != (call.times.size() - 1) * members) {
    bug("the views of a solve do not fit its dynamics");
  }
}

Status status_of(int flag) {
  switch (flag) {
    case CV_TOO_MUCH_ACC:
    case CV_ERR_FAILURE:
    case CV_TOO_CLOSE:
      return Status::step_too_small;
    case CV_CONV_FAILURE:
    case CV_LSETUP_FAIL:
    case CV_LSOLVE_FAIL:
    case CV_NLS_FAIL:
      return Status::newton_diverged;
    case CV_RHSFUNC_FAIL:
    case CV_FIRST_RHSFUNC_ERR:
    case CV_REPTD_RHSFUNC_ERR:
    case CV_UNREC_RHSFUNC_ERR:
    case CV_QRHSFUNC_FAIL:
    case CV_FIRST_QRHSFUNC_ERR:
    case CV_REPTD_QRHSFUNC_ERR:
    case CV_UNREC_QRHSFUNC_ERR:
      return Status::non_finite;
    default:
      break;
  }
  char* name = CVodeGetReturnFlagName(flag);
  const std::string text = name;
  std::free(name);
  bug("CVODE stopped with " + text);
}

double beside(double t, double direction) { return std::nextafter(t, direction * HUGE_VAL); }

}  // namespace

Bridge::Bridge(const Dynamics& dynamics, const Choices& choices, SolveOptions options,
               std::shared_ptr<Device> device, SaveTimes save)
    : equation_(dynamics, device),
      choices_(choices),
      options_(std::move(options)),
      device_(std::move(device)),
      save_(save) {}

SolveReport Bridge::integrate(const SolveCall& call) {
  check(call, equation_.dynamics());
  Progress solve{.call = call, .report = {}};
  solve.t = call.times.front();
  solve.direction = call.times.back() >= solve.t ? 1.0 : -1.0;
  solve.report.t = solve.t;
  solve.report.reached = 1;
  if (call.times.size() == 1) return solve.report;

  if (session_ && equation_.rows() != call.rows) session_.reset();
  equation_.bind(call.rows, call.constants, solve.direction);
  if (!session_) session_.emplace(equation_, choices_, options_);
  equation_.read(call.initial, session_->y(), session_->q());
  deliver_reached(solve);
  if (call.rows == 0) {
    while (solve.interval + 1 < call.times.size()) {
      solve.t = call.times[solve.interval + 1];
      deliver_reached(solve);
    }
  }
  if (solve.interval + 1 < call.times.size()) {
    session_->start(solve.t, solve.direction);
    for (const Stop& stop : stops(call, solve.direction)) {
      if (!advance_to(solve, stop)) break;
    }
  }
  count(solve);
  solve.report.t = solve.t;
  return solve.report;
}

/// Where steps end: save times that are to be met exactly, the options' times inside the span, the
/// end.
std::vector<Bridge::Stop> Bridge::stops(const SolveCall& call, double direction) const {
  const double from = call.times.front(), to = call.times.back();
  std::vector<Stop> all{{to, false}};
  const auto inside = [&](double t) {
    return direction * t > direction * from && direction * t < direction * to;
  };
  for (const double t : options_.jump_times) {
    if (inside(t)) all.push_back({t, true});
  }
  for (const double t : options_.step_times) {
    if (inside(t)) all.push_back({t, false});
  }
  if (save_ == SaveTimes::exact) {
    for (const double t : call.times) {
      if (inside(t)) all.push_back({t, false});
    }
  }
  std::sort(all.begin(), all.end(), [direction](const Stop& a, const Stop& b) {
    if (a.t != b.t) return direction * a.t < direction * b.t;
    return a.jump && !b.jump;
  });
  const auto same = [](const Stop& a, const Stop& b) { return a.t == b.t; };
  all.erase(std::unique(all.begin(), all.end(), same), all.end());
  return all;
}

/// False: the solve has failed.
bool Bridge::advance_to(Progress& solve, const Stop& stop) {
  const double end = stop.jump ? beside(stop.t, -solve.direction) : stop.t;
  while (solve.direction * solve.t < solve.direction * end) {
    if (!step(solve, end)) return false;
  }
  if (stop.jump) restart_behind(solve, stop.t);
  return true;
}

/// One accepted step of CVODE, however many it tries, or nothing where `stop` is within rounding.
bool Bridge::step(Progress& solve, double stop) {
  const Session::Counts before = session_->counts();
  if (solve.report.accepted + solve.earlier_failures + before.failures >= options_.max_steps) {
    solve.report.status = Status::max_steps;
    blame_largest_error(solve.report, Session::Attempt::accepted);
    return false;
  }
  if (solve.call.observer) {
    const Joint& states = equation_.states();
    const Joint& quadratures = equation_.quadratures();
    y_before_.assign(session_->y(), session_->y() + states.entries(solve.call.rows));
    q_before_.assign(session_->q(), session_->q() + quadratures.entries(solve.call.rows));
  }
  session_->stop_at(stop);
  double t = solve.t;
  const int flag = session_->step(solve.call.times.back(), t);
  if (flag < 0) return fail(solve, flag);
  if (session_->counts().steps > before.steps) {
    observe(solve, t);
    solve.report.h = session_->last_step();
    ++solve.report.accepted;
  }
  solve.t = t;
  deliver_within(solve);
  deliver_reached(solve);
  return is_past_trouble(solve);
}

/// False: the solve has failed.
bool Bridge::is_past_trouble(Progress& solve) {
  const Session::NonFinite& seen = session_->non_finite();
  if (seen.count == 0) return true;
  if (solve.direction * solve.t >= solve.direction * seen.t) {
    session_->forget_non_finite();
    return true;
  }
  if (seen.count <= kMostShrinks) return true;
  solve.report.status = Status::non_finite;
  blame_non_finite(solve.report);
  return false;
}

void Bridge::observe(Progress& solve, double t) {
  if (!solve.call.observer) return;
  place_before();
  equation_.write(y_before_.data(), q_before_.data(), before_);
  solve.call.observer({.index = solve.report.accepted,
                       .interval = solve.interval,
                       .t = solve.t,
                       .h = t - solve.t,
                       .y = before_,
                       .carry = {},
                       .extra = {}});
}

void Bridge::place_before() {
  if (before_rows_ == equation_.rows()) return;
  before_rows_ = equation_.rows();
  before_.clear();
  before_memory_.clear();
  for (const Member& member : equation_.dynamics().members) {
    const auto entries = static_cast<std::size_t>(member.shape.elements(before_rows_));
    before_memory_.push_back(
        device_->allocate(std::max<std::size_t>(1, entries) * size_of(member.dtype)));
    before_.push_back({before_memory_.back().get(), 0});
  }
}

std::span<const View> Bridge::results(const Progress& solve) const {
  const std::size_t members = equation_.dynamics().members.size();
  return solve.call.results.subspan(solve.interval * members, members);
}

/// Interpolates to the times inside the last step.
void Bridge::deliver_within(Progress& solve) {
  if (save_ == SaveTimes::exact) return;
  const std::span<const double> times = solve.call.times;
  const auto passed = [&] {
    return solve.interval + 1 < times.size() &&
           solve.direction * times[solve.interval + 1] < solve.direction * solve.t;
  };
  if (!passed()) return;
  y_after_.assign(session_->y(), session_->y() + equation_.states().entries(solve.call.rows));
  q_after_.assign(session_->q(), session_->q() + equation_.quadratures().entries(solve.call.rows));
  while (passed()) {
    session_->interpolate(times[solve.interval + 1]);
    equation_.write(session_->y(), session_->q(), results(solve));
    ++solve.interval;
    ++solve.report.reached;
  }
  std::copy(y_after_.begin(), y_after_.end(), session_->y());
  std::copy(q_after_.begin(), q_after_.end(), session_->q());
}

/// Writes the state to the results at all times that equal the present one.
void Bridge::deliver_reached(Progress& solve) {
  const std::span<const double> times = solve.call.times;
  while (solve.interval + 1 < times.size() && times[solve.interval + 1] == solve.t) {
    equation_.write(session_->y(), session_->q(), results(solve));
    ++solve.interval;
    ++solve.report.reached;
  }
}

/// The state is continuous at a jump, the right-hand side is not: what CVODE knows of the past is
/// of no use behind it.
void Bridge::restart_behind(Progress& solve, double jump) {
  solve.t = jump;
  deliver_reached(solve);
  solve.earlier_failures += session_->counts().failures;
  solve.t = beside(jump, solve.direction);
  deliver_reached(solve);
  session_->start(solve.t, solve.direction);
}

void Bridge::count(Progress& solve) {
  solve.report.rejected = solve.earlier_failures + session_->counts().failures;
  solve.report.evaluations = equation_.evaluations();
}

bool Bridge::fail(Progress& solve, int flag) {
  solve.report.status = status_of(flag);
  solve.report.h = session_->next_step();
  if (solve.report.status == Status::non_finite) blame_non_finite(solve.report);
  if (solve.report.status == Status::step_too_small) {
    blame_largest_error(solve.report, Session::Attempt::failed);
  }
  return false;
}

void Bridge::blame_non_finite(SolveReport& report) const {
  const Session::NonFinite& seen = session_->non_finite();
  const bool state = seen.where == Session::Seen::state;
  const Joint& joint = state ? equation_.states() : equation_.quadratures();
  for (std::size_t i = 0; i < seen.rates.size(); ++i) {
    if (std::isfinite(seen.rates[i])) continue;
    const Joint::Entry entry = joint.entry(static_cast<std::int64_t>(i), equation_.rows());
    if (report.member.empty()) {
      report.member = equation_.dynamics().members[entry.member].name;
      report.component = entry.component;
      report.sample = entry.sample;
    }
    if (entry.sample >= 0) report.samples.push_back(entry.sample);
  }
  report.samples.erase(std::unique(report.samples.begin(), report.samples.end()),
                       report.samples.end());
}

void Bridge::blame_largest_error(SolveReport& report, Session::Attempt last) const {
  const std::vector<double> ratio = session_->error_over_tolerance(last);
  std::size_t largest = 0;
  double squares = 0.0;
  for (std::size_t i = 0; i < ratio.size(); ++i) {
    squares += ratio[i] * ratio[i];
    if (std::abs(ratio[i]) > std::abs(ratio[largest])) largest = i;
  }
  const Joint::Entry entry =
      equation_.states().entry(static_cast<std::int64_t>(largest), equation_.rows());
  report.error_ratio = std::sqrt(squares / static_cast<double>(ratio.size()));
  report.member = equation_.dynamics().members[entry.member].name;
  report.component = entry.component;
  report.sample = entry.sample;
  if (report.sample >= 0) report.samples = {report.sample};
}

}  // namespace odeum::cvode
