// SPDX-License-Identifier: Apache-2.0
#include "../points.hpp"
#include "odeum/plugin.hpp"

namespace odeum::points {
namespace {

class Checkerboard final : public PointDataset {
 public:
  static Schema schema() {
    return Schema(
               "Uniform on the eight dark squares, of side 2, of a four by four board on [-4, 4] x "
               "[-4, 4]; column points {2}")
        .cite(kCitation);
  }

  Point draw(std::uint64_t /*index*/, RandomStream& random) const override {
    const double x = 4.0 * random.uniform() - 2.0;
    const double lower = 2.0 * static_cast<double>(random.below(2));
    const double dark = std::fmod(std::floor(x) + 2.0, 2.0);
    return {2.0 * x, 2.0 * (random.uniform() - lower + dark)};
  }

  // By area 32.
  std::optional<double> entropy() const override { return std::log(32.0); }
};

ODEUM_PLUGIN(dataset, "checkerboard", Checkerboard, "1.0.0",
             "Uniform on the dark squares of a board")

}  // namespace
}  // namespace odeum::points
