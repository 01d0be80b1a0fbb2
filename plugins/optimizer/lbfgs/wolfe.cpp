// SPDX-License-Identifier: Apache-2.0
#include "wolfe.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

namespace odeum::optimizers {
namespace {

// A longer step is sought between these multiples of the last one.
constexpr double kLeastGrowth = 1.1;
constexpr double kMostGrowth = 10.0;
// Interpolated points keep this share of the interval off its ends.
constexpr double kMargin = 0.1;
// Two interpolations that leave more than this share of the interval: it is halved instead (More,
// Thuente, ACM Trans. Math. Softw. 20 (1994) 286-307, section 4).
constexpr double kSlow = 0.66;
// Where the far end is not finite, so much of the interval is kept.
constexpr double kShrink = 0.1;
// Relative width of an interval whose ends rounding no longer tells apart.
constexpr double kNarrow = 1e-9;

/// Where the cubic through values and slopes of two points is least (equation 3.59).
std::optional<double> cubic_minimum(const Trial& a, const Trial& b) {
  const double d1 = a.slope + b.slope - 3.0 * (a.loss - b.loss) / (a.step - b.step);
  const double square = d1 * d1 - a.slope * b.slope;
  if (!(square >= 0.0)) return std::nullopt;
  const double d2 = std::copysign(std::sqrt(square), b.step - a.step);
  const double at = b.step - (b.step - a.step) * (b.slope + d2 - d1) / (b.slope - a.slope + 2 * d2);
  if (!std::isfinite(at)) return std::nullopt;
  return at;
}

class Line {
 public:
  Line(LossFunction& loss, const Trial& start, const Vector& direction, WolfeConditions conditions,
       std::int64_t most)
      : loss_(loss), start_(start), direction_(direction), conditions_(conditions), left_(most) {}

  /// Algorithm 3.5.
  Found search(double first) {
    Trial before = start_;
    double step = first;
    while (left_ > 0) {
      Trial trial = at(step);
      if (!decreases(trial) || trial.loss >= before.loss) return zoom(before, std::move(trial));
      if (flat(trial)) return ended(SearchEnd::found, std::move(trial));
      if (trial.slope >= 0.0) return zoom(std::move(trial), std::move(before));
      step = longer(before, trial);
      before = std::move(trial);
    }
    return best(std::move(before));
  }

 private:
  Trial at(double step) {
    --left_;
    ++evaluations_;
    Trial trial;
    trial.step = step;
    trial.parameters = along(start_.parameters, step, direction_);
    trial.gradient.resize(direction_.size());
    trial.loss = loss_(trial.parameters, trial.gradient);
    trial.slope = dot(trial.gradient, direction_);
    return trial;
  }

  bool decreases(const Trial& trial) const {
    return trial.finite() &&
           trial.loss <= start_.loss + conditions_.decrease * trial.step * start_.slope;
  }
  bool flat(const Trial& trial) const {
    return std::abs(trial.slope) <= -conditions_.curvature * start_.slope;
  }

  static double longer(const Trial& before, const Trial& trial) {
    const double least = kLeastGrowth * trial.step;
    const double most = kMostGrowth * trial.step;
    return std::clamp(cubic_minimum(before, trial).value_or(0.5 * (least + most)), least, most);
  }

  /// Between the lowest point so far that decreases enough and a second one behind which there is
  /// no need to look (algorithm 3.6).
  Found zoom(Trial low, Trial high) {
    double width[2] = {HUGE_VAL, HUGE_VAL};  // one and two interpolations ago
    while (left_ > 0) {
      const double interval = high.step - low.step;
      if (std::abs(interval) <= kNarrow * std::max(low.step, high.step)) break;
      const bool slow = std::abs(interval) > kSlow * width[1];
      width[1] = std::exchange(width[0], std::abs(interval));
      Trial trial = at(inside(low, high, slow));
      if (!decreases(trial) || trial.loss >= low.loss) {
        high = std::move(trial);
        continue;
      }
      if (flat(trial)) return ended(SearchEnd::found, std::move(trial));
      if (trial.slope * interval >= 0.0) high = low;
      low = std::move(trial);
    }
    return best(std::move(low));
  }

  static double inside(const Trial& low, const Trial& high, bool slow) {
    const double interval = high.step - low.step;
    if (!high.finite()) return low.step + kShrink * interval;
    if (slow) return low.step + 0.5 * interval;
    const double at = cubic_minimum(low, high).value_or(low.step + 0.5 * interval);
    const double share = std::clamp((at - low.step) / interval, kMargin, 1.0 - kMargin);
    return low.step + share * interval;
  }

  Found best(Trial trial) const {
    const SearchEnd end = trial.step > 0.0 ? SearchEnd::lower : SearchEnd::nothing;
    return ended(end, std::move(trial));
  }
  Found ended(SearchEnd end, Trial trial) const { return {end, std::move(trial), evaluations_}; }

  LossFunction& loss_;
  const Trial& start_;
  const Vector& direction_;
  WolfeConditions conditions_;
  std::int64_t left_;
  std::int64_t evaluations_ = 0;
};

}  // namespace

bool Trial::finite() const {
  return std::isfinite(loss) && std::isfinite(slope) &&
         std::all_of(gradient.begin(), gradient.end(), [](double g) { return std::isfinite(g); });
}

Found search_line(LossFunction& loss, const Trial& start, const Vector& direction, double first,
                  const WolfeConditions& conditions, std::int64_t most_evaluations) {
  return Line(loss, start, direction, conditions, most_evaluations).search(first);
}

}  // namespace odeum::optimizers
