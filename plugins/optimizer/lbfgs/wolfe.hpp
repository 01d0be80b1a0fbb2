// SPDX-License-Identifier: Apache-2.0
// A line search for the strong Wolfe conditions (Nocedal, Wright, Numerical Optimization, 2nd
// edition, 2006, algorithms 3.5 and 3.6).
#pragma once

#include <cstdint>
#include <span>

#include "odeum/optimizer.hpp"
#include "vectors.hpp"

namespace odeum::optimizers {

/// Equations 3.7: loss(a) <= loss(0) + decrease a slope(0) and |slope(a)| <= curvature |slope(0)|.
struct WolfeConditions {
  double decrease = 1e-4;
  double curvature = 0.9;
};

/// A point of the line.
struct Trial {
  double step = 0.0;
  double loss = 0.0;
  double slope = 0.0;  ///< the gradient along the direction
  Vector parameters;
  Vector gradient;
  /// A point where a loss or a gradient is not finite is an endlessly high one.
  bool finite() const;
};

enum class SearchEnd : std::uint8_t {
  found,    ///< both conditions hold
  lower,    ///< evaluations ended, or points too close to tell apart: the loss has decreased
  nothing,  ///< the same without a decrease
};

struct Found {
  SearchEnd end = SearchEnd::nothing;
  Trial trial;
  std::int64_t evaluations = 0;
};

/// From `start`, where the slope is negative, along `direction`; `first` is the first step tried.
Found search_line(LossFunction& loss, const Trial& start, const Vector& direction, double first,
                  const WolfeConditions& conditions, std::int64_t most_evaluations);

}  // namespace odeum::optimizers
