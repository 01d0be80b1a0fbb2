// SPDX-License-Identifier: Apache-2.0
#include "solve/pace.hpp"

#include <algorithm>
#include <cmath>

namespace odeum::solve {
namespace {

// A fixed grid is cut short only by more than what rounding leaves over.
constexpr double kGridSlack = 1.0 + 1e-6;
// Under this many units in the last place of t a step no longer moves a state reliably.
constexpr double kUnitsInLastPlace = 10.0;

/// The step from t to `end`, short enough that t + h does not pass it: behind it may be a jump.
double step_up_to(double t, double end) {
  double h = end - t;
  while (end > t ? t + h > end : t + h < end) h = std::nextafter(h, 0.0);
  return h;
}

double unit_in_last_place(double t) {
  const double magnitude = std::abs(t);
  return std::nextafter(magnitude, HUGE_VAL) - magnitude;
}

}  // namespace

void Pace::aim(double from, double to) {
  from_ = from;
  target_ = to;
  taken_ = 0;
}

void Pace::propose(double h) {
  proposal_ = std::abs(h);
  if (stepping_ == Stepping::given) return;
  proposal_ = std::min(std::max(proposal_, options_.min_step), options_.max_step);
}

double Pace::shortest(double t) const {
  return std::max(kUnitsInLastPlace * unit_in_last_place(t), options_.min_step);
}

Pace::Step Pace::next(double t) const {
  const double left = std::abs(target_ - t);
  const double direction = target_ >= t ? 1.0 : -1.0;
  Step step;
  if (stepping_ == Stepping::given && options_.steps > 0) {
    const double share = static_cast<double>(taken_ + 1) / static_cast<double>(options_.steps);
    step.lands = taken_ + 1 >= options_.steps;
    step.end = step.lands ? target_ : from_ + share * (target_ - from_);
    step.h = step_up_to(t, step.end);
    return step;
  }
  const double slack = stepping_ == Stepping::given ? kGridSlack : kStretch;
  step.lands = left <= proposal_ || (left <= slack * proposal_ && left <= options_.max_step);
  step.h = step.lands ? step_up_to(t, target_) : direction * proposal_;
  step.end = step.lands ? target_ : t + step.h;
  step.too_small = !step.lands && proposal_ < kUnitsInLastPlace * unit_in_last_place(t);
  return step;
}

void Pace::accepted(const Step& step, double next_h) {
  ++taken_;
  // A step cut to land says nothing against the longer one that had been proposed.
  propose(step.lands ? std::max(std::abs(next_h), proposal_) : next_h);
}

// A step that was stretched to land would be stretched again.
bool Pace::can_shrink(double t, double h) const { return std::abs(h) > kStretch * shortest(t); }

bool Pace::clips(double h) const {
  return options_.at_min_step == AtMinStep::clip && std::abs(h) <= kStretch * options_.min_step;
}

}  // namespace odeum::solve
