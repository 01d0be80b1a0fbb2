// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <string>

#include "../../layers/convolution.hpp"
#include "../../layers/image_shape.hpp"
#include "../../layers/no_density.hpp"
#include "odeum/block.hpp"
#include "odeum/plugin.hpp"

namespace odeum::blocks {
namespace {

class MaxPool final : public Block {
 public:
  static Schema schema() {
    return Schema("The largest value of each channel in windows of the image")
        .integer("kernel", 2, "height and width of a window [pixels]")
        .at_least(1)
        .integer("stride",
                 "between two windows [pixels]; left out: as the kernel, so that they do "
                 "not overlap")
        .optional()
        .at_least(1);
  }

  explicit MaxPool(const Config& config)
      : config_(config),
        window_(layers::square_window(
            config.integer("kernel"),
            config.has("stride") ? config.integer("stride") : config.integer("kernel"), 0)) {}

  Output forward(Scope& /*scope*/, Tensor x) const override { return {max_pool(x, window_), {}}; }

  Shape output_shape(const Shape& input) const override {
    layers::require_image(config_, input);
    Shape result = layers::window_shape(input, window_, input[0]);
    if (result.rank() == 0) {
      config_.fail("kernel", "is larger than an image of shape " + input.text());
    }
    return result;
  }

  std::string why_no_inverse() const override { return layers::no_way_back("max_pool"); }
  std::string why_no_log_determinant() const override { return layers::no_density("max_pool"); }

 private:
  Config config_;
  Window window_;
};

ODEUM_PLUGIN(block, "max_pool", MaxPool, "1.0.0", "Largest values in windows of an image")

}  // namespace
}  // namespace odeum::blocks
