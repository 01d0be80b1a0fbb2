// SPDX-License-Identifier: Apache-2.0
// What the toy densities of the plane have in common: one column "points" of shape {2}, samples
// without end in every split, and each sample a function of (key, index) alone. The recipes are
// those of FFJORD (Grathwohl et al., ICLR 2019, arXiv 1810.01367, appendix B.1 and its published
// code), sample by sample: where the code gives the parts of a batch equal counts, sample i
// belongs to part i mod k; where it spaces points evenly along a curve, they are drawn uniformly.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <optional>
#include <span>
#include <vector>

#include "odeum/dataset.hpp"
#include "odeum/random.hpp"

namespace odeum::points {

struct Point {
  double x = 0.0;
  double y = 0.0;
};

inline Point on_circle(double radius, double angle) {
  return {radius * std::cos(angle), radius * std::sin(angle)};
}

/// Adds independent N(0, deviation^2) to both coordinates, x first.
inline Point add_noise(Point p, double deviation, RandomStream& random) {
  p.x += deviation * random.normal();
  p.y += deviation * random.normal();
  return p;
}

inline constexpr double kTurn = 2.0 * std::numbers::pi;

inline constexpr char kCitation[] =
    "Grathwohl, Chen, Bettencourt, Sutskever, Duvenaud, FFJORD, ICLR 2019, arXiv 1810.01367; "
    "recipe of the published code (lib/toy_data.py)";

/// A density of the plane, given by how to draw sample `index`.
class PointDataset : public Dataset {
 public:
  virtual Point draw(std::uint64_t index, RandomStream& random) const = 0;

  std::vector<Column> columns() const final { return {{"points", {2}}}; }
  std::optional<std::int64_t> count(Split /*split*/) const final { return std::nullopt; }

  void read(Split /*split*/, std::uint64_t key, std::span<const std::int64_t> samples,
            std::span<const std::span<double>> out) const final {
    const std::span<double> points = out.front();
    if (points.empty()) return;
    for (std::size_t i = 0; i < samples.size(); ++i) {
      const auto index = static_cast<std::uint64_t>(samples[i]);
      RandomStream random(key, index);
      const Point p = draw(index, random);
      points[2 * i] = p.x;
      points[2 * i + 1] = p.y;
    }
  }
};

}  // namespace odeum::points
