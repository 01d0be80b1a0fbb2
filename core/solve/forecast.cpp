// SPDX-License-Identifier: Apache-2.0
#include "solve/forecast.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "odeum/solve.hpp"
#include "solve/pace.hpp"

namespace odeum::solve {
namespace {

Tensor entry(Tensor values, int index) { return slice(values, 0, index, index + 1); }

Tensor number(Tensor like, double value) { return full(like, {1}, value); }

Tensor at_most(Tensor a, Tensor b) { return 1.0 - less(b, a); }

/// Pace's, with the number next to h in the direction of 0 as h (1 - u) rounds: u |h| is half to
/// one unit in the last place. Once is enough: what rounding end - t added is at most half of one.
Tensor step_up_to(Tensor t, Tensor end) {
  const Tensor h = end - t;
  const Tensor passes = select(less(t, end), less(end, t + h), less(t + h, end));
  return select(passes, h * std::nextafter(1.0, 0.0), h);
}

Tensor within_limits(Tensor proposal, const SolveOptions& options) {
  const Tensor enough = max(proposal, options.min_step);
  return std::isfinite(options.max_step) ? min(enough, options.max_step) : enough;
}

/// Magnitude of the next proposal.
Tensor proposal_after(const Attempted& attempt, Tensor landed, const SolveOptions& options) {
  const Tensor wished = abs(attempt.next_h);
  const Tensor before = entry(attempt.course, Course::proposal);
  const Tensor accepted = select(landed, max(wished, before), wished);
  const Tensor repeated = select(attempt.finite, wished, abs(kShrink * attempt.h));
  return within_limits(select(attempt.accepted, accepted, repeated), options);
}

/// Pace::next.
Forecast attempt_from(Tensor t, Tensor proposal, const std::vector<Tensor>& targets,
                      const SolveOptions& options) {
  const Tensor target = targets.front();
  const Tensor left = abs(target - t);
  const Tensor direction = select(less(target, t), number(t, -1.0), number(t, 1.0));
  Tensor stretches = at_most(left, kStretch * proposal);
  if (std::isfinite(options.max_step)) {
    stretches = stretches * at_most(left, number(t, options.max_step));
  }
  const Tensor lands = max(at_most(left, proposal), stretches);
  const Tensor h = select(lands, step_up_to(t, target), direction * proposal);
  const Tensor end = select(lands, target, t + h);
  std::vector<Tensor> course{end, lands, proposal};
  course.insert(course.end(), targets.begin(), targets.end());
  return {t, h, std::move(course)};
}

}  // namespace

Forecast record_forecast(const Attempted& attempt, const SolveOptions& options) {
  const Tensor landed = attempt.accepted * entry(attempt.course, Course::lands);
  std::vector<Tensor> targets;
  for (int i = Course::targets; i < Course::size; ++i) {
    const Tensor later = entry(attempt.course, std::min(i + 1, Course::size - 1));
    targets.push_back(select(landed, later, entry(attempt.course, i)));
  }

  const Tensor t = select(attempt.accepted, entry(attempt.course, Course::end), attempt.t);
  return attempt_from(t, proposal_after(attempt, landed, options), targets, options);
}

Forecast record_first_attempt(Tensor t, Tensor step, Tensor targets, const SolveOptions& options) {
  std::vector<Tensor> ahead;
  for (int i = 0; i < Course::size - Course::targets; ++i) ahead.push_back(entry(targets, i));
  return attempt_from(t, within_limits(abs(step), options), ahead, options);
}

}  // namespace odeum::solve
