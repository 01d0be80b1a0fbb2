// SPDX-License-Identifier: Apache-2.0
// Cotangents of the times of a solve in which every sample has its own steps.
#include "round_solve.hpp"

namespace backprop {
namespace {

std::span<const double> times_of(const SolveCall& call, std::int64_t sample) {
  const std::size_t times = call.times.size();
  if (call.row_times.empty()) return call.times;
  return call.row_times.subspan(static_cast<std::size_t>(sample) * times, times);
}

/// The cotangent of a sample's i-th time; of the batch's, too, where that is the sample's.
void add_to_time(const SolveCall& call, const CotangentTargets& targets, std::int64_t sample,
                 std::size_t i, double cotangent) {
  if (!targets.times.empty() && call.row_times.empty()) targets.times[i] += cotangent;
  if (targets.row_times.empty()) return;
  targets.row_times[static_cast<std::size_t>(sample) * call.times.size() + i] += cotangent;
}

}  // namespace

/// What a step lies in: between two times of its sample, or a stop of all samples and one of them,
/// or two stops. It is at A + a (B - A) and b (B - A) long, a and b fixed, and stops stay where
/// they are.
RoundSolve::Stretch RoundSolve::stretch_of(const SolveCall& call, const RowStep& step) const {
  const std::span<const double> times = times_of(call, step.sample);
  Stretch stretch{times[step.interval], times[step.interval + 1], true, true};
  const double direction = stretch.end > stretch.begin ? 1.0 : -1.0;
  const auto cut = [&](double stop) {
    const bool inside =
        direction * (stop - stretch.begin) > 0.0 && direction * (stretch.end - stop) > 0.0;
    if (!inside) return;
    const bool behind = direction * (step.t + 0.5 * step.h - stop) > 0.0;
    (behind ? stretch.begin : stretch.end) = stop;
    (behind ? stretch.begins_at_time : stretch.ends_at_time) = false;
  };
  for (const double stop : setting_->options().step_times) cut(stop);
  for (const double stop : setting_->options().jump_times) cut(stop);
  return stretch;
}

void RoundSolve::add_time_cotangents(Pass& pass, const std::vector<RowStep>& rows) {
  std::vector<double> found(2 * rows.size());
  setting_->device().download(found.data(), times_.views()[0], found.size() * sizeof(double));
  for (std::size_t row = 0; row < rows.size(); ++row) {
    const RowStep& step = rows[row];
    if (!step.accepted) continue;
    const Stretch stretch = stretch_of(pass.call, step);
    const double span = stretch.end - stretch.begin;
    const double begin = (step.t - stretch.begin) / span, length = step.h / span;
    const double of_t = found[2 * row], of_h = found[2 * row + 1];
    const auto add = [&](std::size_t i, double cotangent) {
      add_to_time(pass.call, pass.targets, step.sample, i, cotangent);
    };
    if (stretch.begins_at_time) add(step.interval, of_t * (1.0 - begin) - of_h * length);
    if (stretch.ends_at_time) add(step.interval + 1, of_t * begin + of_h * length);
  }
}

/// A start lies at the first time of its sample, or at a jump, which is nobody's time.
void RoundSolve::add_start_time_cotangents(Pass& pass, const std::vector<RowStep>& rows) {
  std::vector<double> found(rows.size());
  setting_->device().download(found.data(), times_.views()[0], found.size() * sizeof(double));
  for (std::size_t row = 0; row < rows.size(); ++row) {
    if (!rows[row].anew) continue;
    const Stretch stretch = stretch_of(pass.call, rows[row]);
    if (!stretch.begins_at_time) continue;
    add_to_time(pass.call, pass.targets, rows[row].sample, rows[row].interval, found[row]);
  }
}

}  // namespace backprop
