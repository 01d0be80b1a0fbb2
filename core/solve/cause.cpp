// SPDX-License-Identifier: Apache-2.0
#include "solve/cause.hpp"

#include <algorithm>

namespace odeum::solve {
namespace {

// A step that is held by stability swings about the limit, between roughly half and twice of it;
// one held by the tolerance stays well below (Hairer, Wanner II, IV.2).
constexpr double kNearTheLimit = 0.7;
// The largest eigenvalue decays; a rotation is as stiff, but only beyond the limit is it told from
// a solution that itself turns that fast.
constexpr double kDecaying = -0.5;
constexpr double kGrowing = 0.5;
// Blowing up: by extrapolation over within this part of the time that the solve has come ...
constexpr double kSoon = 1e-6;
// ... or already this near to the largest number, by exponents.
constexpr double kNearOverflow = 0.6;
// An error estimate is a difference of stages that are each off by the noise; this many times the
// noise of one stage is as much as it can show.
constexpr double kOfNoise = 30.0;
// Errors far below the tolerance did not stop anything.
constexpr double kMatters = 0.01;
// A halving after which the error falls by this many powers of two more than a smooth one has
// stepped off a jump, if the error of the longer steps hardly fell.
constexpr double kCliff = 6.0;

}  // namespace

bool held_by_stability(double stiffness, double stability, double direction) {
  const double limit = direction < kDecaying ? kNearTheLimit : 1.0;
  return stability > 0.0 && stiffness >= limit * stability && direction < kGrowing;
}

double Evidence::time_to_blow_up() const {
  const bool ever_faster = growth > 0.0 && growth_rate > 0.0 && std::isfinite(growth_rate);
  return ever_faster ? growth / growth_rate : std::numeric_limits<double>::infinity();
}

namespace {

bool blows_up(const Evidence& e) {
  if (e.growth > 0.0 && e.time_to_blow_up() <= kSoon * e.elapsed) return true;
  // The step that was not finite reaches there.
  if (e.status == Status::non_finite && e.direction > kGrowing &&
      e.time_to_blow_up() <= 2.0 * std::abs(e.h)) {
    return true;
  }
  const double exponent = std::log(e.magnitude) / std::log(e.largest_number);
  return e.growth > 0.0 && exponent > kNearOverflow;
}

bool is_stiff(const Evidence& e) {
  return held_by_stability(e.stiffness(), e.stability, e.direction);
}

/// The noise of a rate as an error ratio of the k-th step tried.
double noise_at(const Evidence& e, std::size_t k) {
  if (!std::isfinite(e.noise)) return 0.0;
  return e.noise * std::abs(std::ldexp(e.h, kAsTried - static_cast<int>(k)));
}

/// By how many powers of two the error falls from the k-th step tried to the next.
double slope(const Evidence& e, std::size_t k) {
  return std::log2(e.errors[k] / std::max(e.errors[k + 1], 1e-300));
}

bool is_rounding(const Evidence& e) {
  if (e.errors.size() <= kAsTried + 2 || !(e.errors[kAsTried] >= kMatters)) return false;
  const bool of_noise_size = e.errors[kAsTried] <= kOfNoise * noise_at(e, kAsTried);
  const double fall = (slope(e, kAsTried) + slope(e, kAsTried + 1)) / 2.0;
  return of_noise_size && fall < 0.5 * (1.0 + e.error_order);
}

/// The error falls off a cliff, once the step ends before the jump.
bool has_cliff(const Evidence& e) {
  for (std::size_t k = 0; k + 2 < e.errors.size(); ++k) {
    if (!std::isfinite(e.errors[k]) || e.errors[k + 1] < kMatters) continue;
    if (slope(e, k) < 0.5 * e.error_order && slope(e, k + 1) > e.error_order + kCliff) return true;
  }
  return false;
}

/// The error falls by a low power of the step down to where rounding hides it.
bool falls_too_slowly(const Evidence& e) {
  std::vector<double> slopes;
  for (std::size_t k = 0; k + 1 < e.errors.size(); ++k) {
    if (!std::isfinite(e.errors[k]) || e.errors[k + 1] <= kOfNoise * noise_at(e, k + 1)) continue;
    slopes.push_back(slope(e, k));
  }
  if (slopes.size() < 3) return false;
  const double limit = std::min(2.5, e.error_order - 0.8);
  return std::all_of(slopes.end() - 3, slopes.end(),
                     [&](double one) { return one > 0.2 && one < limit; });
}

}  // namespace

Cause cause_of(const Evidence& e) {
  if (e.status == Status::non_finite) {
    if (is_stiff(e)) return Cause::stiffness;
    if (blows_up(e)) return Cause::blow_up;
    return std::isfinite(e.magnitude) ? Cause::domain : Cause::unknown;
  }
  if (e.status != Status::max_steps && e.status != Status::step_too_small) return Cause::unknown;
  if (blows_up(e)) return Cause::blow_up;
  if (e.error_order == 0) return Cause::unknown;
  if (is_stiff(e)) return Cause::stiffness;
  if (is_rounding(e)) return Cause::rounding;
  if (has_cliff(e) || falls_too_slowly(e)) return Cause::discontinuity;
  return e.errors.size() < 2 ? Cause::unknown : Cause::accuracy;
}

}  // namespace odeum::solve
