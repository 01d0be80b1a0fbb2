// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <utility>
#include <vector>

#include "odeum/block.hpp"
#include "odeum/plugin.hpp"

namespace odeum::blocks {
namespace {

class Augment final : public Block {
 public:
  static Schema schema() {
    Schema s(
        "Further features or channels that start at zero, behind the others: [n] to [n + "
        "channels], [c, h, w] to [c + channels, h, w], so that paths may pass each other. The "
        "result has no density; its inverse leaves them out again");
    s.cite("Dupont, Doucet, Teh, Augmented Neural ODEs, NeurIPS 2019, arXiv 1904.01681");
    s.integer("channels", 1, "how many").at_least(1);
    return s;
  }

  explicit Augment(const Config& config) : config_(config), channels_(config.integer("channels")) {}

  Shape output_shape(const Shape& input) const override {
    std::vector<std::int64_t> extents = input.extents();
    if (extents.empty()) config_.fail("", "takes features or images, not single numbers");
    extents.front() += channels_;
    return Shape(std::move(extents));
  }

  Output forward(Scope& /*scope*/, Tensor x) const override {
    return {pad(x, 1, 0, channels_), {}};
  }

  Tensor inverse(Scope& /*scope*/, Tensor y) const override {
    return slice(y, 1, 0, y.extent(1) - channels_);
  }

 private:
  Config config_;
  std::int64_t channels_;
};

ODEUM_PLUGIN(block, "augment", Augment, "1.0.0", "Further channels that start at zero")

}  // namespace
}  // namespace odeum::blocks
