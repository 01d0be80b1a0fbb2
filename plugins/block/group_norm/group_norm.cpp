// SPDX-License-Identifier: Apache-2.0
#include "../../layers/group_norm.hpp"

#include <cstdint>
#include <string>

#include "../../layers/image_shape.hpp"
#include "../../layers/no_density.hpp"
#include "odeum/block.hpp"
#include "odeum/plugin.hpp"

namespace odeum::blocks {
namespace {

class GroupNorm final : public Block {
 public:
  static Schema schema() {
    return Schema(
               "Each sample's channels in groups of neighbours, every group with mean 0 and "
               "variance 1 over its channels and pixels, then scaled and shifted by channel")
        .cite("Wu, He, Group normalization, ECCV 2018, arXiv 1803.08494")
        .integer("groups", 32, "that the channels are divided into")
        .at_least(1);
  }

  explicit GroupNorm(const Config& config) : config_(config), groups_(config.integer("groups")) {}

  Output forward(Scope& scope, Tensor x) const override {
    return {layers::group_norm(scope, "norm", groups_, x), {}};
  }

  Shape output_shape(const Shape& input) const override {
    layers::require_image(config_, input);
    layers::require_groups(config_, input, groups_);
    return input;
  }

  std::string why_no_inverse() const override { return layers::no_way_back("group_norm"); }
  std::string why_no_log_determinant() const override { return layers::no_density("group_norm"); }

 private:
  Config config_;
  std::int64_t groups_;
};

ODEUM_PLUGIN(block, "group_norm", GroupNorm, "1.0.0", "Group normalisation of images")

}  // namespace
}  // namespace odeum::blocks
