// SPDX-License-Identifier: Apache-2.0
#include "../points.hpp"
#include "odeum/plugin.hpp"

namespace odeum::points {
namespace {

class Circles final : public PointDataset {
 public:
  static Schema schema() {
    return Schema(
               "Two circles of radii 3 and 1.5 with noise 0.24; even samples on the outer one; "
               "column points {2}")
        .cite(kCitation);
  }

  Point draw(std::uint64_t index, RandomStream& random) const override {
    const double radius = index % 2 == 0 ? 3.0 : 1.5;
    return add_noise(on_circle(radius, kTurn * random.uniform()), 3.0 * 0.08, random);
  }

  // By radial quadrature of the density, mean over the circles of a Bessel function.
  std::optional<double> entropy() const override { return 3.26814; }
};

ODEUM_PLUGIN(dataset, "circles", Circles, "1.0.0", "Two concentric circles")

}  // namespace
}  // namespace odeum::points
