// SPDX-License-Identifier: Apache-2.0
// Rows of attempts: attempts that a device is given together, before the host has seen what became
// of the first. Where the next one begins is known (given steps) or forecast by the device; the
// host takes an attempt up when it would have asked for just that one, and drops the rest of the
// row otherwise. So results and reports are those of attempts given one by one.
#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "solve/forecast.hpp"
#include "solve/integrator.hpp"

namespace odeum::solve {
namespace {

/// Whether a value of two steps has one place.
bool share(std::span<const View> a, std::span<const View> b) {
  return !std::equal(a.begin(), a.end(), b.begin(), b.end(), [](View one, View other) {
    return !one || one.base != other.base || one.offset != other.offset;
  });
}

}  // namespace

/// Whether the next attempt of the row is the one to make now: `control_values_`, for the next
/// accepted step.
bool StepLoop::is_queued(const Progress& solve, const Pace::Step& step) const {
  if (taken_ == row_.size()) return false;
  const Queued& next = row_[taken_];
  return std::equal(control_values_.begin(), control_values_.end(), control_of(next.place)) &&
         (!request_.extra_at || next.index == solve.report.accepted) &&
         (next.dense || !lies_within(solve, step));
}

void StepLoop::begin_row(const Progress& solve, std::size_t length) {
  row_.clear();
  taken_ = 0;
  for (std::size_t k = 0; k < length; ++k) {
    const std::size_t place = (current_ + k) % places_.size();
    const std::size_t decision = solve.look == Look::later ? trusted_.size() + k : place;
    row_.push_back({place, decision, solve.report.accepted + static_cast<std::int64_t>(k), false});
  }
}

/// A new row, whose first attempt is the one to make now.
void StepLoop::queue(Progress& solve, const Pace::Step& step) {
  const std::size_t most = row_length(solve, step);
  begin_row(solve, most);
  bool dense = watch_ || lies_within(solve, step);
  if (solve.look == Look::later && most > 1) {
    dense = foresee(solve, most);
  } else {
    write_control(solve, step);
    dense = dense || (most > 1 && request_.save == SaveTimes::interpolated);
  }
  place_outputs(solve, dense);
  run_row(solve);
  if (solve.look != Look::later) read_row();
}

/// A row behind the start of a solve, which forecasts its first attempt.
void StepLoop::queue_first(Progress& solve) {
  const std::int64_t rest = expected_ - solve.report.accepted - solve.report.rejected;
  std::size_t most = places_.size() - 1;
  if (rest > 0) most = std::min(most, static_cast<std::size_t>(rest));
  begin_row(solve, most);
  place_outputs(solve, request_.save == SaveTimes::interpolated);
  run_row(solve);
  device_->download(scalars_.data(), scalars_view_[0], scalars_.size() * sizeof(double));
}

/// How many attempts to queue: no more than the solve will take, as far as one can tell by the step
/// at hand and by how many the last solve took.
std::size_t StepLoop::row_length(const Progress& solve, const Pace::Step& step) const {
  const bool row = solve.look == Look::later || following_ == Following::forecast;
  if (!row) return 1;
  std::size_t most = places_.size() - 1;
  if (solve.look == Look::later) {
    return std::min(most, static_cast<std::size_t>(kMostTrusted) - trusted_.size());
  }
  const double left = std::ceil(std::abs((solve.call.times.back() - solve.t) / step.h));
  if (left < static_cast<double>(most))
    most = std::max<std::size_t>(1, static_cast<std::size_t>(left));
  const std::int64_t rest = expected_ - solve.report.accepted - solve.report.rejected;
  return rest > 0 ? std::min(most, static_cast<std::size_t>(rest)) : most;
}

/// The control of the row's first attempt, for the device.
void StepLoop::write_control(const Progress& solve, const Pace::Step& step) {
  double* control = control_of(current_);
  std::copy(control_values_.begin(), control_values_.end(), control);
  if (following_ == Following::forecast) {
    double* course = control + control_values_.size();
    course[Course::end] = step.end;
    course[Course::lands] = step.lands ? 1.0 : 0.0;
    course[Course::proposal] = solve.pace.proposal();
    const std::vector<double> targets = landings(solve, Course::size - Course::targets);
    std::copy(targets.begin(), targets.end(), course + Course::targets);
  }
  device_->upload(now().control[0], control, control_count_ * sizeof(double));
}

/// The times that steps will land on, the last one repeated.
std::vector<double> StepLoop::landings(const Progress& solve, std::size_t count) const {
  std::vector<double> targets{target(solve)};
  Progress ahead = solve;
  ahead.t = targets.back();
  while (targets.size() < count && pass_landing(ahead)) {
    targets.push_back(target(ahead));
    ahead.t = targets.back();
  }
  targets.resize(count, targets.back());
  return targets;
}

/// From a landing on towards the next. False: the solve ends there, or begins anew behind a jump.
bool StepLoop::pass_landing(Progress& solve) const {
  const std::span<const double> times = solve.call.times;
  while (solve.stop < solve.stops.size() &&
         !ahead(solve, solve.t, solve.stops[solve.stop].arrive)) {
    if (solve.stops[solve.stop].jump) return false;
    ++solve.stop;
  }
  while (solve.interval + 1 < times.size() && !ahead(solve, solve.t, times[solve.interval + 1])) {
    ++solve.interval;
  }
  if (solve.interval + 1 == times.size()) return false;
  solve.pace.aim(solve.t, target(solve));
  return true;
}

/// Writes the controls of given steps, as many as are known of the row. Returns whether a time to
/// save lies inside one.
bool StepLoop::foresee(const Progress& solve, std::size_t most) {
  Progress going = solve;
  bool dense = false;
  std::size_t known = 0;
  while (known < most) {
    const Pace::Step step = going.pace.next(going.t);
    if (step.too_small) break;
    double* control = control_of(row_[known++].place);
    std::copy(control_values_.begin(), control_values_.end(), control);
    control[AttemptProgram::t] = going.t;
    control[AttemptProgram::h] = step.h;
    while (request_.save == SaveTimes::interpolated && lies_within(going, step)) {
      dense = true;
      ++going.interval;
    }
    going.pace.accepted(step, step.h);
    going.t = step.end;
    if (step.lands && !pass_landing(going)) break;
  }
  row_.resize(known);
  const std::size_t first = row_.front().place, end = first + known;
  const std::size_t turn = std::min(end, places_.size());
  const auto upload = [&](std::size_t from, std::size_t to) {
    const std::size_t count = (to - from) * control_count_;
    if (count > 0) {
      device_->upload(places_[from].control[0], control_of(from), count * sizeof(double));
    }
  };
  upload(first, turn);
  upload(0, end - turn);
  return dense;
}

/// Where the row's decisions go, and its dense and extra outputs; nowhere if nobody will look at
/// them. A row ends before an attempt that has no place of its own for what is extra.
void StepLoop::place_outputs(const Progress& solve, bool dense) {
  std::vector<View> before;
  for (std::size_t k = 0; k < row_.size(); ++k) {
    Queued& queued = row_[k];
    Place& place = places_[queued.place];
    place.attempt_out.front() = decision_view(queued.decision);
    queued.dense = dense;
    const auto extra = place.attempt_out.end() - static_cast<std::ptrdiff_t>(attempt_.extra.size());
    const auto first = extra - static_cast<std::ptrdiff_t>(place.dense.size());
    if (dense) {
      std::copy(place.dense.begin(), place.dense.end(), first);
    } else {
      std::fill(first, extra, View{});
    }
    if (!request_.extra_at) continue;
    const auto places = extra_places(solve.report.accepted, k);
    if (!places || (k > 0 && share(*places, before))) return row_.resize(k);
    before.assign(places->begin(), places->end());
    std::copy(places->begin(), places->end(), extra);
  }
}

/// Where what is extra of the accepted step `ahead` of the next goes; nothing if whoever keeps it
/// has no room for a step that may not come.
std::optional<std::span<const View>> StepLoop::extra_places(std::int64_t next,
                                                            std::size_t ahead) const {
  if (ahead == 0) return request_.extra_at(next);
  try {
    return request_.extra_at(next + static_cast<std::int64_t>(ahead));
  } catch (const std::runtime_error&) {
    return std::nullopt;
  }
}

void StepLoop::run_row(const Progress& solve) {
  row_arguments_.clear();
  for (const Queued& queued : row_) {
    const Place& place = places_[queued.place];
    row_arguments_.push_back({place.attempt_in, place.attempt_out});
  }
  if (attempts_together_ != nullptr) {
    return attempts_together_->run_successively(solve.call.rows, row_arguments_);
  }
  for (const RunArguments& each : row_arguments_) {
    run_attempt_->run(solve.call.rows, each.inputs, each.outputs);
  }
}

/// Waits for the row's decisions, and for what the device has made of the controls.
void StepLoop::read_row() {
  if (row_.size() == 1) {
    const std::size_t count = decision_values_.size();
    const std::size_t at = places_.size() * control_count_ + row_.front().decision * count;
    device_->download(scalars_.data() + at, decision_view(row_.front().decision),
                      count * sizeof(double));
    return;
  }
  device_->download(scalars_.data(), scalars_view_[0], scalars_.size() * sizeof(double));
}

}  // namespace odeum::solve
