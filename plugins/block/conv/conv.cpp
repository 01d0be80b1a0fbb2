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

class Conv final : public Block {
 public:
  static Schema schema() {
    return Schema(
               "A convolution of images [channels, height, width] with zero padding. Weights and "
               "biases start uniform within 1 / sqrt(fan in)")
        .integer("channels", 64, "of the result")
        .at_least(1)
        .integer("kernel", 3, "its height and width [pixels]")
        .at_least(1)
        .integer("stride", 1, "between two places of the kernel [pixels]")
        .at_least(1)
        .integer("padding", 0, "zeros on all four sides [pixels]")
        .at_least(0)
        .flag("bias", true, "whether every channel has one");
  }

  explicit Conv(const Config& config)
      : config_(config),
        layer_{"conv", config.integer("channels"),
               layers::square_window(config.integer("kernel"), config.integer("stride"),
                                     config.integer("padding")),
               config.flag("bias") ? layers::Bias::learned : layers::Bias::none} {}

  Output forward(Scope& scope, Tensor x) const override {
    return {layers::convolve(scope, layer_, x), {}};
  }

  Shape output_shape(const Shape& input) const override {
    layers::require_image(config_, input);
    Shape result = layers::window_shape(input, layer_.window, layer_.out);
    if (result.rank() == 0) {
      config_.fail("kernel",
                   "does not fit into an image of shape " + input.text() + " with this padding");
    }
    return result;
  }

  std::string why_no_inverse() const override { return layers::no_way_back("conv"); }
  std::string why_no_log_determinant() const override { return layers::no_density("conv"); }

 private:
  Config config_;
  layers::Convolution layer_;
};

ODEUM_PLUGIN(block, "conv", Conv, "1.0.0", "A convolution of images")

}  // namespace
}  // namespace odeum::blocks
