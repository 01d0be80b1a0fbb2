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

class AveragePool final : public Block {
 public:
  static Schema schema() {
    return Schema(
               "The mean of each channel over windows of the image; without `kernel` over the "
               "whole image, which leaves [channels]")
        .integer("kernel", "height and width of a window [pixels]; left out: all of the image")
        .optional()
        .at_least(1)
        .integer("stride",
                 "between two windows [pixels]; left out: as the kernel, so that they do "
                 "not overlap")
        .optional()
        .at_least(1);
  }

  explicit AveragePool(const Config& config) : config_(config) {
    if (!config.has("kernel")) {
      if (config.has("stride")) config.fail("stride", "goes with `kernel`");
      return;
    }
    const std::int64_t kernel = config.integer("kernel");
    window_ =
        layers::square_window(kernel, config.has("stride") ? config.integer("stride") : kernel, 0);
  }

  Output forward(Scope& /*scope*/, Tensor x) const override {
    if (!config_.has("kernel")) return {mean(x, {2, 3}), {}};
    return {average_pool(x, window_), {}};
  }

  Shape output_shape(const Shape& input) const override {
    layers::require_image(config_, input);
    if (!config_.has("kernel")) return {input[0]};
    Shape result = layers::window_shape(input, window_, input[0]);
    if (result.rank() == 0) {
      config_.fail("kernel", "is larger than an image of shape " + input.text());
    }
    return result;
  }

  std::string why_no_inverse() const override { return layers::no_way_back("average_pool"); }
  std::string why_no_log_determinant() const override { return layers::no_density("average_pool"); }

 private:
  Config config_;
  Window window_;
};

ODEUM_PLUGIN(block, "average_pool", AveragePool, "1.0.0", "Means over windows, or whole images")

}  // namespace
}  // namespace odeum::blocks
