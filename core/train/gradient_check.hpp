// SPDX-License-Identifier: Apache-2.0
// Comparing gradient methods with a tight reference in float64, and that with differences; and what
// explains a method that is off.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "odeum/config.hpp"

namespace odeum::plugin {
class Registry;
}

namespace odeum::train {

/// One gradient method under the configured precision and tolerances.
struct GradientRow {
  std::string method;
  double relative_error = 0.0;  ///< |g - g_ref| / |g_ref|, Euclidean, over all variables
  std::int64_t forward = 0;     ///< evaluations of the field
  std::int64_t backward = 0;
  double seconds = 0.0;        ///< of forward and backward, after a first run
  std::size_t kept_bytes = 0;  ///< between forward and backward
  std::string refusal;         ///< why the method is not for such a solve; empty: it is
  std::string failure;         ///< why there is no gradient though there could be; empty: there is

  bool has_gradient() const { return refusal.empty() && failure.empty(); }
};

/// What the configured solve's result and gradient (by the reference method) change by, relatively,
/// when its tolerances, or its given steps, are halved.
struct Halving {
  bool given_steps = false;
  double result = 0.0;  ///< the last state of a solve file, the loss of a training file
  double gradient = 0.0;
};

/// The state integrated to the last time and back again, by the configured solver.
struct RoundTrip {
  double mismatch = 0.0;    ///< |z - z0| / |z0|, Euclidean
  double tolerances = 0.0;  ///< RMS of (z - z0) over atol + rtol |z0|
  std::string failure;      ///< why there is no way back; empty: there is
};

struct GradientCheck {
  std::vector<GradientRow> rows;
  std::string reference;  ///< the method that the reference is by
  std::int64_t variables = 0;
  /// Of the reference against central differences: the largest error along `directions`, over the
  /// largest difference.
  double differences_error = 0.0;
  std::int64_t directions = 0;
  /// Why there is no difference along some directions, where a solve beside the configured one
  /// fails; empty: there is along all.
  std::string no_difference;
  /// What a method's relative error and the reference's may be.
  double allowed = 0.0;
  double allowed_differences = 1e-5;
  /// How much an error at the start grows until the end: |dL/dz0| over |dL/dz1|; 0: not known.
  double growth = 0.0;
  std::optional<Halving> halved;
  std::optional<RoundTrip> round_trip;  ///< of solve files

  /// No method that is not refused is off, nor the reference.
  bool passed() const;
  /// What to know about these dynamics, a sentence or two each: that they are not the equation's
  /// any more, and why methods are off. Empty where all is well.
  std::vector<std::string> remarks() const;
};

/// `methods`: components of kind gradient. The reference is the first of them that can
/// differentiate such a solve, `backprop` first of all, in float64 at tolerances of 1e-12, or less
/// where less is configured; with given steps, with the same steps. `allowed`: 0 stands for 1000
/// times the larger of rtol and the rounding of the precision, at most 1e-2; 1e-2 with given steps.
///
/// Of a solve file: the derivative of the sum of the state at the last time by the initial state,
/// the parameters and the times of start and end. With a terminal event: of the sum of the state at
/// the event and the event's time.
GradientCheck check_problem(const Config& root, const std::vector<Config>& methods, double allowed,
                            plugin::Registry& registry);
/// Of a training file: the derivative of the loss of the first batch (at most 64 rows) at the
/// initial parameters.
GradientCheck check_training(const Config& root, const std::vector<Config>& methods, double allowed,
                             plugin::Registry& registry);

}  // namespace odeum::train
