// SPDX-License-Identifier: Apache-2.0
#include "../points.hpp"
#include "odeum/plugin.hpp"

namespace odeum::points {
namespace {

class Swissroll final : public PointDataset {
 public:
  static Schema schema() {
    return Schema(
               "A spiral of one and a half turns, t = 1.5 pi (1 + 2u), at (t cos t, t sin t) with "
               "unit noise, all divided by 5; column points {2}")
        .cite(kCitation);
  }

  Point draw(std::uint64_t /*index*/, RandomStream& random) const override {
    const double t = 1.5 * std::numbers::pi * (1.0 + 2.0 * random.uniform());
    const Point p = add_noise(on_circle(t, t), 1.0, random);
    return {p.x / 5.0, p.y / 5.0};
  }

  // By quadrature of the density (the curve under its noise) on a 300 x 300 grid.
  std::optional<double> entropy() const override { return 2.66965; }
};

ODEUM_PLUGIN(dataset, "swissroll", Swissroll, "1.0.0", "A spiral in the plane")

}  // namespace
}  // namespace odeum::points
