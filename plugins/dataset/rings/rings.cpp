// SPDX-License-Identifier: Apache-2.0
#include "../points.hpp"
#include "odeum/plugin.hpp"

namespace odeum::points {
namespace {

class Rings final : public PointDataset {
 public:
  static Schema schema() {
    return Schema(
               "Four circles of radii 3, 2.25, 1.5, 0.75 with noise 0.08; sample i on circle i mod "
               "4; column points {2}")
        .cite(kCitation);
  }

  Point draw(std::uint64_t index, RandomStream& random) const override {
    const double radius = 3.0 - 0.75 * static_cast<double>(index % 4);
    return add_noise(on_circle(radius, kTurn * random.uniform()), 0.08, random);
  }

  // By radial quadrature of the density, mean over the circles of a Bessel function.
  std::optional<double> entropy() const override { return 2.62318; }
};

ODEUM_PLUGIN(dataset, "rings", Rings, "1.0.0", "Four concentric circles")

}  // namespace
}  // namespace odeum::points
