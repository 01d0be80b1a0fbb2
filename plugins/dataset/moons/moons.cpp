// SPDX-License-Identifier: Apache-2.0
#include "../points.hpp"
#include "odeum/plugin.hpp"

namespace odeum::points {
namespace {

class Moons final : public PointDataset {
 public:
  static Schema schema() {
    return Schema(
               "Two interleaved half circles, (cos a, sin a) and (1 - cos a, 0.5 - sin a), with "
               "noise 0.1, then doubled and moved by (-1, -0.2); column points {2}")
        .cite(kCitation);
  }

  Point draw(std::uint64_t index, RandomStream& random) const override {
    Point p = on_circle(1.0, std::numbers::pi * random.uniform());
    if (index % 2 == 1) p = {1.0 - p.x, 0.5 - p.y};
    p = add_noise(p, 0.1, random);
    return {2.0 * p.x - 1.0, 2.0 * p.y - 0.2};
  }

  // By quadrature of the density (the curves under their noise) on a 300 x 300 grid.
  std::optional<double> entropy() const override { return 2.39388; }
};

ODEUM_PLUGIN(dataset, "moons", Moons, "1.0.0", "Two interleaved half circles")

}  // namespace
}  // namespace odeum::points
