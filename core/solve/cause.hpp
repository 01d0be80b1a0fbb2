// SPDX-License-Identifier: Apache-2.0
// From what a solve looked like where it ended to what made it fail.
#pragma once

#include <cmath>
#include <limits>
#include <vector>

#include "odeum/solve.hpp"

namespace odeum::solve {

/// Measured at the last accepted state, for the blamed sample (the worst one where none is).
/// Unmeasured numbers are not numbers. Rates of growth are per unit of time in the solve's
/// direction.
struct Evidence {
  Status status = Status::success;
  int error_order = 0;  ///< k in error ~ h^k; 0: steps were given
  double elapsed = 0.0;
  double t = 0.0;
  double h = 0.0;  ///< signed
  double stability =
      0.0;  ///< |h| times the spectral radius that the method bears; 0: no limit known
  double radius = std::nan("");  ///< spectral radius of df/dz
  double direction =
      std::nan("");              ///< SpectralRadius::Estimate::direction, in the solve's direction
  double growth = std::nan("");  ///< d ln|z| / dt
  double growth_rate = std::nan("");  ///< its derivative along the trajectory
  double magnitude = std::nan("");    ///< |z|; not finite where z is not
  double largest_number = std::numeric_limits<double>::max();  ///< of the state's type
  /// What rounding the state and the time changes a rate by, over the tolerance, per time.
  double noise = std::nan("");
  /// Error ratios of steps of 4 h, 2 h, h, h/2, ... from there; infinite where a step was not
  /// finite.
  std::vector<double> errors;

  double stiffness() const { return std::abs(h) * radius; }
  /// Time until the growth becomes infinite, as for z' = z^p: growth / growth_rate; infinite where
  /// it does not grow ever faster.
  double time_to_blow_up() const;
};

Cause cause_of(const Evidence& evidence);

/// Whether steps of this |h| times the spectral radius are as long as the method's stability lets
/// them be, on a mode that does not grow (SpectralRadius::Estimate::direction, in the solve's
/// direction).
bool held_by_stability(double stiffness, double stability, double direction);

/// How many steps are tried for Evidence::errors, and which of them is as long as h.
inline constexpr int kShorterSteps = 15;
inline constexpr int kAsTried = 2;

}  // namespace odeum::solve
