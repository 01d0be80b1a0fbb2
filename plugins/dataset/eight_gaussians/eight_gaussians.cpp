// SPDX-License-Identifier: Apache-2.0
#include "../points.hpp"
#include "odeum/plugin.hpp"

namespace odeum::points {
namespace {

class EightGaussians final : public PointDataset {
 public:
  static Schema schema() {
    return Schema(
               "Eight normal densities of deviation 0.5 around 4 times the compass points, all "
               "divided by 1.414; column points {2}")
        .cite(kCitation);
  }

  Point draw(std::uint64_t /*index*/, RandomStream& random) const override {
    const auto direction = static_cast<double>(random.below(8));
    const Point p = add_noise(on_circle(4.0, kTurn * direction / 8.0), 0.5, random);
    return {p.x / 1.414, p.y / 1.414};
  }

  // By quadrature of the mixture on a 400 x 400 grid.
  std::optional<double> entropy() const override { return 2.83188; }
};

ODEUM_PLUGIN(dataset, "eight_gaussians", EightGaussians, "1.0.0",
             "Eight normal densities on a circle")

}  // namespace
}  // namespace odeum::points
