// SPDX-License-Identifier: Apache-2.0
// The loop's device memory, and the programs' argument lists in it.
#include <algorithm>

#include "solve/forecast.hpp"
#include "solve/integrator.hpp"

namespace odeum::solve {
namespace {

// What an attempt's launches take is then far more than the host's way to the device and back.
constexpr std::size_t kPlacesBytes = std::size_t{64} << 20U;
// A solve of a neural ODE takes ten to thirty attempts.
constexpr std::int64_t kAttempts = 8;
// Given steps; more are more than one graph.
constexpr std::int64_t kGivenSteps = 64;

void append(std::vector<View>& to, const std::vector<View>& views) {
  to.insert(to.end(), views.begin(), views.end());
}

std::vector<ValueSpec> numbers(std::size_t count) {
  return {{"scalars", {static_cast<std::int64_t>(count)}, DType::f64, RowClass::none}};
}

std::size_t bytes_of_all(const std::vector<ValueSpec>& specs, std::int64_t rows) {
  std::size_t bytes = 0;
  for (const ValueSpec& spec : specs) bytes += bytes_of(spec, rows);
  return bytes;
}

}  // namespace

void StepLoop::lay_out() {
  const std::size_t memory = controller_->initial_memory().size();
  control_values_.resize(AttemptProgram::control_size + memory);
  decision_values_.resize(AttemptProgram::decision_size + memory);
  control_count_ = control_values_.size();
  if (following_ == Following::forecast) control_count_ += Course::size;
  constants_.resize(dynamics_.constants.size());

  workspace_ = std::make_unique<Workspace>(*device_);
  workspace_->add(numbers(2 + Course::size - Course::targets), &start_control_);
  workspace_->add(numbers(2 + kTogether.back()), &point_);
  if (watch_) workspace_->add(member_specs(dynamics_), &at_event_);
  workspace_->add(numbers(1), &steady_time_);
  workspace_->add({{"steadiness", {kRows}, DType::f64, RowClass::per_row}}, &steady_);
}

std::size_t StepLoop::place_bytes(std::int64_t rows) const {
  std::size_t bytes = bytes_of_all(member_specs(dynamics_), rows) +
                      bytes_of_all(start_.carry, rows) + bytes_of_all(attempt_.dense, rows);
  if (!request_.extra_at) bytes += bytes_of_all(attempt_.extra, rows);
  return std::max<std::size_t>(bytes, 1);
}

/// One place more than attempts that are queued together. Returns whether places are other ones
/// than before.
bool StepLoop::lay_out_places(std::int64_t rows) {
  if (rows <= placed_rows_) return false;
  std::int64_t most = 1;
  if (following_ == Following::forecast || knows_steps()) {
    most = steps_at_once_;
    if (most == 0) {
      const bool waits = !device_->host_addressable() && attempts_together_ != nullptr;
      const auto fit = static_cast<std::int64_t>(kPlacesBytes / place_bytes(rows));
      most = waits ? std::clamp<std::int64_t>(fit, 1, knows_steps() ? kGivenSteps : kAttempts) : 1;
    }
  }
  places_.assign(static_cast<std::size_t>(most) + 1, {});
  round_ = std::make_unique<Workspace>(*device_);
  for (Place& place : places_) {
    round_->add(member_specs(dynamics_), &place.state);
    round_->add(start_.carry, &place.carry);
    round_->add(attempt_.dense, &place.dense);
    if (!request_.extra_at) round_->add(attempt_.extra, &place.extra);
  }
  const std::size_t decisions = knows_steps() ? kMostTrusted : places_.size();
  begin_at_ = places_.size() * control_count_ + decisions * decision_values_.size();
  scalars_.assign(begin_at_ + StartProgram::begin_size, 0.0);
  scalars_view_.clear();
  round_->add(numbers(scalars_.size()), &scalars_view_);
  round_->place(rows);
  placed_rows_ = rows;
  return true;
}

View StepLoop::decision_view(std::size_t index) const {
  const std::size_t number = places_.size() * control_count_ + index * decision_values_.size();
  return scalars_view_[0] + number * sizeof(double);
}

/// Puts the call's state, constants and this loop's memory into the programs' argument lists.
void StepLoop::bind(const SolveCall& call) {
  const bool same =
      std::equal(call.constants.begin(), call.constants.end(), constants_.begin(),
                 [](View a, View b) { return a.base == b.base && a.offset == b.offset; });
  std::copy(call.constants.begin(), call.constants.end(), constants_.begin());
  const bool placed = workspace_->place(call.rows);
  if (lay_out_places(call.rows) || placed || !same) {
    for (std::size_t i = 0; i < places_.size(); ++i) bind_place(i);
  }
  current_ = 0;
  if (watch_) watch_->begin(call.rows);
  const std::vector<ValueSpec> members = member_specs(dynamics_);
  for (std::size_t m = 0; m < members.size(); ++m) {
    device_->copy(now().state[m], call.initial[m], bytes_of(members[m], call.rows));
  }
}

void StepLoop::bind_place(std::size_t index) {
  Place& place = places_[index];
  const Place& other = places_[behind(index)];
  const auto control = [this](std::size_t i) {
    return scalars_view_[0] + i * control_count_ * sizeof(double);
  };
  place.control = {control(index)};
  place.start_in = start_control_;
  append(place.start_in, place.state);
  append(place.start_in, constants_);
  place.start_out = {scalars_view_[0] + begin_at_ * sizeof(double)};
  if (forecasts_first()) place.start_out.push_back(control(index));
  append(place.start_out, place.carry);

  place.attempt_in = place.control;
  append(place.attempt_in, place.state);
  append(place.attempt_in, place.carry);
  append(place.attempt_in, constants_);
  place.attempt_out = {decision_view(0)};
  if (following_ == Following::forecast) place.attempt_out.push_back(control(behind(index)));
  append(place.attempt_out, other.state);
  append(place.attempt_out, other.carry);
  append(place.attempt_out, place.dense);
  if (request_.extra_at) {
    place.attempt_out.resize(place.attempt_out.size() + attempt_.extra.size());
  } else {
    append(place.attempt_out, place.extra);
  }

  place.interpolate_in = point_;
  append(place.interpolate_in, place.state);
  append(place.interpolate_in, place.carry);
  append(place.interpolate_in, other.state);
  append(place.interpolate_in, other.carry);
  append(place.interpolate_in, place.dense);

  place.watch_in.assign(place.interpolate_in.begin() + 1, place.interpolate_in.end());
  append(place.watch_in, constants_);
  place.steady_in = steady_time_;
  append(place.steady_in, other.state);
  append(place.steady_in, constants_);
}

}  // namespace odeum::solve
