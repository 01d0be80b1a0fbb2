// SPDX-License-Identifier: Apache-2.0
// Crossings of zero by one smooth function over one step, from samples of it.
#pragma once

#include <functional>
#include <span>
#include <vector>

namespace odeum::solve {

/// A function at a point x of a step, x in [0, 1], with its derivative by x.
struct Point {
  double x = 0.0, value = 0.0, slope = 0.0;
};
using Curve = std::function<Point(double x)>;

/// On which side of zero a function is; carried from step to step.
struct Side {
  bool known = false;
  bool seen = false;  ///< it has been there; else it is where a start on the surface moves to
  int sign = 0;       ///< the last one that was not zero since it arrived at zero
};

struct CrossedAt {
  double x = 0.0;
  int from = 0;  ///< the sign before: -1 rising, 1 falling
};

/// The crossings between the first and the last of `samples`, in order. `side` is that at the
/// first sample and becomes that at the last; where it is not known, values within `rounding` of
/// the largest one count as zero, which is no crossing. `width`: how closely a crossing is located.
std::vector<CrossedAt> crossings(std::span<const Point> samples, const Curve& curve, double width,
                                 double rounding, Side& side);

}  // namespace odeum::solve
