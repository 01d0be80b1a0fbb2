// SPDX-License-Identifier: Apache-2.0
#include "../points.hpp"
#include "odeum/plugin.hpp"

namespace odeum::points {
namespace {

class Pinwheel final : public PointDataset {
 public:
  static Schema schema() {
    return Schema(
               "Five arms, sample i on arm i mod 5: (1 + 0.3 n, 0.1 n) turned clockwise by 2 pi "
               "arm / 5 + 0.25 exp(first coordinate), then doubled; column points {2}")
        .cite(kCitation);
  }

  Point draw(std::uint64_t index, RandomStream& random) const override {
    const double radial = 1.0 + 0.3 * random.normal();
    const double tangential = 0.1 * random.normal();
    const double angle = kTurn * static_cast<double>(index % 5) / 5.0 + 0.25 * std::exp(radial);
    const double c = std::cos(angle);
    const double s = std::sin(angle);
    return {2.0 * (radial * c + tangential * s), 2.0 * (tangential * c - radial * s)};
  }

  // By polar quadrature over the preimages of each point in the five arms.
  std::optional<double> entropy() const override { return 2.31779; }
};

ODEUM_PLUGIN(dataset, "pinwheel", Pinwheel, "1.0.0", "Five bent arms")

}  // namespace
}  // namespace odeum::points
