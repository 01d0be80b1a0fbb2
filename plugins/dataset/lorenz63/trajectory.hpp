// SPDX-License-Identifier: Apache-2.0
// A solution of Lorenz' equations at equally spaced times, by Dormand and Prince's 5(4) with the
// step control and the dense output that numerical libraries have as their default (Hairer,
// Norsett, Wanner, Solving Ordinary Differential Equations I, 1993, II.4 to II.6).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace odeum::datasets {

using Point = std::array<double, 3>;

struct Lorenz {
  double sigma = 10.0;
  double rho = 28.0;
  double beta = 8.0 / 3.0;
  Point operator()(const Point& p) const {
    return {sigma * (p[1] - p[0]), p[0] * (rho - p[2]) - p[1], p[0] * p[1] - beta * p[2]};
  }
};

/// Where the points between come from.
enum class Between : std::uint8_t {
  steps,         ///< a step ends at each
  dense_output,  ///< steps are as long as the tolerance allows
};

struct Accuracy {
  double rtol = 1e-10;
  double atol = 1e-10;
  Between between = Between::steps;
};

/// `count` points, the first one `start`, `spacing` (> 0) apart in time. Fewer where the solution
/// leaves the numbers, or the tolerance cannot be met, behind the last one.
std::vector<Point> trajectory(const Lorenz& rate, const Point& start, double spacing,
                              std::size_t count, const Accuracy& accuracy);

}  // namespace odeum::datasets
