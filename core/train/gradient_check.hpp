// SPDX-License-Identifier: Apache-2.0
// Comparing gradient methods with a tight reference in float64, and that with differences.
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
  double seconds = 0.0;                   ///< of forward and backward, after a first run
  std::optional<std::size_t> kept_bytes;  ///< between forward and backward, where it is known
  std::string failure;                    ///< why there is no gradient; empty: there is
};

struct GradientCheck {
  std::vector<GradientRow> rows;
  std::int64_t variables = 0;
  /// Of the reference against central differences: the largest error along `directions`, over the
  /// largest difference.
  double differences_error = 0.0;
  std::int64_t directions = 0;
  /// What a method's relative error and the reference's may be.
  double allowed = 0.0;
  double allowed_differences = 1e-5;

  bool passed() const;
};

/// `methods`: components of kind gradient. The reference is the first of them that is named
/// `backprop` (else the first), in float64 at tolerances of 1e-12; with given steps, with the same
/// steps. `allowed`: 0 stands for 1000 times the larger of rtol and the rounding of the precision,
/// at most 1e-2; 1e-2 with given steps.
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
