// SPDX-License-Identifier: Apache-2.0
#include "solve/sample.hpp"

#include <cmath>

namespace odeum::solve {
namespace {

// As the loop with a shared step: a step into the non-finite is shortened tenfold at a time, and
// if that many do not lead past where the trouble was, the equation leaves the numbers there.
constexpr int kMostShrinks = 10;
// An iteration that did not converge is tried over a quarter of the step, as in CVODE (ETACF).
constexpr double kUnconverged = 0.25;

}  // namespace

Sample::Sample(std::span<const double> times, const SolveOptions& options, SaveTimes save,
               DType state, std::vector<double> controller_memory)
    : times_(times),
      options_(options),
      save_(save),
      first_memory_(std::move(controller_memory)),
      memory_(first_memory_),
      pace_(options, Stepping::adaptive),
      stops_(stops_between(options, state, times.front(), times.back())) {
  report_.t = times.front();
  report_.reached = 1;
  pass_stops();
}

/// Where the next step to land must land: on a stop or a time to save, whichever is nearer.
double Sample::target() const {
  const double save = save_ == SaveTimes::interpolated ? times_.back() : times_[interval_ + 1];
  if (stop_ == stops_.size()) return save;
  const double stop = stops_[stop_].arrive;
  return std::abs(stop - report_.t) < std::abs(save - report_.t) ? stop : save;
}

/// From this side of the stops that it has come to, to the other.
void Sample::pass_stops() {
  while (stop_ < stops_.size() && !ahead(stops_[stop_].arrive)) {
    const Stop& stop = stops_[stop_++];
    if (!stop.jump) continue;
    const bool beyond = std::abs(stop.depart - report_.t) > std::abs(left());
    report_.t = beyond ? times_.back() : stop.depart;
    waits_ = true;
  }
}

void Sample::begin(double first_step, bool finite) {
  report_.h = std::copysign(first_step, left());
  memory_ = first_memory_;
  waits_ = false;
  anew_ = true;
  aimed_ = false;
  pace_.propose(first_step);
  if (!finite) fail(Status::non_finite);
}

bool Sample::plan() {
  if (report_.accepted + report_.rejected >= options_.max_steps) {
    fail(Status::max_steps);
    return false;
  }
  if (!aimed_) pace_.aim(report_.t, target());
  aimed_ = true;
  step_ = pace_.next(report_.t);
  if (step_.too_small) fail(trouble_);
  return report_.ok();
}

bool Sample::judge(const Decision& decision) {
  report_.h = step_.h;
  report_.error_ratio = decision.error_ratio;
  // What an iteration that did not converge gave is no error to learn from.
  const bool finite = decision.non_finite == 0.0 && std::isfinite(decision.error_ratio);
  if (!finite || decision.convergence <= 1.0) {
    memory_.assign(decision.memory.begin(), decision.memory.end());
  }
  if (decision.accept) {
    ++report_.accepted;
    if (std::abs(wall_ - report_.t) <= std::abs(step_.h)) shrunk_ = 0;
    trouble_ = shrunk_ > 0 ? Status::non_finite : Status::step_too_small;
    pace_.accepted(step_, decision.next_h);
    return true;
  }
  ++report_.rejected;
  shorten(decision);
  return false;
}

void Sample::shorten(const Decision& decision) {
  const bool finite = decision.non_finite == 0.0 && std::isfinite(decision.error_ratio);
  const bool converged = decision.convergence <= 1.0;
  double next_h = decision.next_h;
  trouble_ = shrunk_ > 0 ? Status::non_finite : Status::step_too_small;
  if (!finite) {
    trouble_ = Status::non_finite;
    next_h = kShrink * step_.h;
    if (shrunk_ >= kMostShrinks) return fail(trouble_);
    if (shrunk_++ == 0 || std::abs(step_.end - report_.t) < std::abs(wall_ - report_.t)) {
      wall_ = step_.end;
    }
  } else if (!converged) {
    trouble_ = Status::newton_diverged;
    next_h = kUnconverged * step_.h;
  }
  if (!pace_.can_shrink(report_.t, step_.h)) {
    return fail(finite && converged ? Status::step_too_small : trouble_);
  }
  pace_.rejected(next_h);
}

std::optional<double> Sample::within() const {
  if (interval_ + 1 >= times_.size()) return std::nullopt;
  const double time = times_[interval_ + 1];
  const bool inside = step_.h > 0.0 ? time < step_.end : time > step_.end;
  if (!inside) return std::nullopt;
  return (time - report_.t) / step_.h;
}

void Sample::advance() {
  report_.t = step_.end;
  anew_ = false;
  if (!step_.lands) return;
  aimed_ = false;
  pass_stops();
}

bool Sample::at_time() const {
  return interval_ + 1 < times_.size() && !ahead(times_[interval_ + 1]);
}

void Sample::delivered() {
  ++interval_;
  ++report_.reached;
}

void Sample::blame(const SolveReport& found) {
  report_.component = found.component;
  report_.member = found.member;
  blamed_ = true;
}

}  // namespace odeum::solve
