// SPDX-License-Identifier: Apache-2.0
// What a solve hands out of an accepted step: to observers, to results, to the report's events.
#include <algorithm>

#include "solve/integrator.hpp"

namespace odeum::solve {
namespace {

std::vector<double> read(Device& device, DType type, std::size_t count, View from) {
  std::vector<double> values(count);
  if (type == DType::f64) {
    device.download(values.data(), from, count * sizeof(double));
    return values;
  }
  std::vector<float> single(count);
  device.download(single.data(), from, count * sizeof(float));
  std::copy(single.begin(), single.end(), values.begin());
  return values;
}

}  // namespace

/// Shows the step to the call's observer.
void StepLoop::observe(Progress& solve, const Pace::Step& step) {
  if (!solve.call.observer || solve.look == Look::again) return;
  const std::vector<View>& outputs = now().attempt_out;
  solve.call.observer({.index = solve.report.accepted,
                       .interval = solve.interval,
                       .t = solve.t,
                       .h = step.h,
                       .y = now().state,
                       .carry = now().carry,
                       .extra = std::span(outputs).last(attempt_.extra.size())});
}

/// Interpolates to the times inside the step just accepted.
void StepLoop::deliver_within(Progress& solve, const Pace::Step& step) {
  const std::size_t members = dynamics_.members.size();
  const std::span<const double> times = solve.call.times;
  while (lies_within(solve, step)) {
    const std::size_t first = solve.interval;
    std::array<double, kTogether.back()> x;
    std::size_t count = 0;
    while (count < x.size() && lies_within(solve, step)) {
      x[count++] = (times[solve.interval + 1] - solve.t) / step.h;
      ++solve.interval;
      ++solve.report.reached;
    }
    interpolate(solve, step.h, std::span(x).first(count),
                solve.call.results.subspan(first * members, count * members));
  }
}

/// The members at t + x h of the step last attempted, as many points together as there are.
void StepLoop::interpolate(const Progress& solve, double h, std::span<const double> x,
                           std::span<const View> results) {
  while (!x.empty()) {
    std::size_t size = kTogether.size() - 1;
    while (kTogether[size] > x.size()) --size;
    const std::size_t n = kTogether[size];
    std::array<double, 2 + kTogether.back()> control{solve.t, h};
    std::copy_n(x.begin(), n, control.begin() + 2);
    device_->upload(point_[0], control.data(), (2 + n) * sizeof(double));
    const std::size_t views = n * dynamics_.members.size();
    interpolation(size).run(solve.call.rows, now().interpolate_in, results.first(views));
    x = x.subspan(n);
    results = results.subspan(views);
  }
}

Executable& StepLoop::interpolation(std::size_t size) {
  std::unique_ptr<Executable>& run = run_interpolation_[size];
  if (!run) {
    const auto points = static_cast<std::int64_t>(kTogether[size]);
    run = device_->compile(
        optimize(record_interpolation(method_, start_.carry, attempt_.dense, points)),
        {.name = "dense output", .outputs = {}});
  }
  return *run;
}

/// Copies the state to the results at all times not yet written that the solve has come to.
void StepLoop::deliver_reached(Progress& solve) {
  const std::span<const double> times = solve.call.times;
  const std::size_t members = dynamics_.members.size();
  while (solve.interval + 1 < times.size() && !ahead(solve, solve.t, times[solve.interval + 1])) {
    copy_members(solve.call.rows, now().state,
                 solve.call.results.subspan(solve.interval * members, members));
    ++solve.interval;
    ++solve.report.reached;
  }
}

/// To those views that are wanted.
void StepLoop::copy_members(std::int64_t rows, std::span<const View> from,
                            std::span<const View> to) {
  const std::vector<ValueSpec> specs = member_specs(dynamics_);
  for (std::size_t m = 0; m < to.size(); ++m) {
    if (to[m]) device_->copy(to[m], from[m], bytes_of(specs[m], rows));
  }
}

/// Adds the events inside the step to the report; cuts the step at a terminal one.
bool StepLoop::end_at_event(Progress& solve, Pace::Step& step) {
  const Member& member = dynamics_.members.front();
  const auto size = static_cast<std::size_t>(member.shape.elements_per_row());
  for (const EventWatch::Sighting& seen : watch_->look(solve.t, step.h, now().watch_in)) {
    EventHit hit{seen.event, seen.sample, solve.t + seen.x * step.h, {}};
    if (seen.x == 1.0) hit.t = step.end;
    interpolate(solve, step.h, std::span(&seen.x, 1), at_event_);
    const View row =
        at_event_[0] + static_cast<std::size_t>(seen.sample) * size * size_of(member.dtype);
    hit.state = read(*device_, member.dtype, size, row);
    solve.report.hits.push_back(std::move(hit));
    if (!request_.events.events[seen.event].terminal) continue;
    step.end = solve.report.hits.back().t;
    solve.report.status = Status::event;
    return true;
  }
  return false;
}

bool StepLoop::end_at_steady_state(Progress& solve) {
  device_->upload(steady_time_[0], &solve.t, sizeof solve.t);
  run_steady_->run(solve.call.rows, next().steady_in, steady_);
  ++solve.report.evaluations;
  const auto rows = static_cast<std::size_t>(solve.call.rows);
  for (const double norm : read(*device_, DType::f64, rows, steady_[0])) {
    if (!(norm <= request_.steady_within)) return false;
  }
  solve.report.status = Status::steady_state;
  return true;
}

}  // namespace odeum::solve
