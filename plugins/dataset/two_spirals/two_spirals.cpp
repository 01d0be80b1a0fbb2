// SPDX-License-Identifier: Apache-2.0
#include "../points.hpp"
#include "odeum/plugin.hpp"

namespace odeum::points {
namespace {

class TwoSpirals final : public PointDataset {
 public:
  static Schema schema() {
    return Schema(
               "Two spiral arms, a = 3 pi sqrt(u) at (-a cos a, a sin a) plus uniform (0, 0.5) in "
               "both coordinates, and its mirror image, divided by 3, with noise 0.1; column "
               "points {2}")
        .cite(kCitation);
  }

  Point draw(std::uint64_t index, RandomStream& random) const override {
    const double a = 3.0 * std::numbers::pi * std::sqrt(random.uniform());
    const double x = -a * std::cos(a) + 0.5 * random.uniform();
    const double y = a * std::sin(a) + 0.5 * random.uniform();
    const double arm = index % 2 == 0 ? 1.0 : -1.0;
    return add_noise({arm * x / 3.0, arm * y / 3.0}, 0.1, random);
  }

  // By quadrature of the density (the curve under its two noises) on a 400 x 400 grid.
  std::optional<double> entropy() const override { return 2.64545; }
};

ODEUM_PLUGIN(dataset, "two_spirals", TwoSpirals, "1.0.0", "Two spiral arms")

}  // namespace
}  // namespace odeum::points
