// SPDX-License-Identifier: Apache-2.0
// Quantities on a grid of times, interpolated linearly between its points.
#pragma once

#include <cstdint>
#include <vector>

#include "odeum/tensor.hpp"

namespace odeum::layers {

/// Points 0, spacing, 2 spacing, ...; times outside the grid count as its nearer end.
struct TimeGrid {
  std::int64_t points = 101;
  double spacing = 0.01;

  /// How much each point counts at t: its hat function, [points] for t [1], [rows, points] for
  /// t [rows, 1]. The two points beside t have 1 - distance / spacing, all others 0.
  Tensor weights(Tensor t) const;

  /// The same from those points alone that have been visited (visits [points] above 0): between
  /// the nearest two around t, or from the nearest one where t lies outside them. All zero where
  /// none has been visited.
  Tensor weights_of_visited(Tensor t, Tensor visits) const;

  /// The nearest point counts 1, all others 0: [points] or [rows, points] as in weights(); of two
  /// equally near ones each 1/2. Only points with `visited` [points] 1, not 0, are there; where
  /// there is none, all are.
  Tensor nearest(Tensor t, Tensor visited) const;

  /// Values [points, channels] at weights [points] or [rows, points]: [channels] or [rows,
  /// channels].
  static Tensor at(Tensor weights, Tensor values);

  /// The points where an interpolation has kinks: all but those at the ends of [0, end].
  std::vector<double> kinks(double end) const;
  /// The times half-way between points, where the nearest one changes.
  std::vector<double> borders() const;

 private:
  Tensor position(Tensor t) const;
};

}  // namespace odeum::layers
