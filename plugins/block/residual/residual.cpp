// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <string>

#include "../../layers/convolution.hpp"
#include "../../layers/group_norm.hpp"
#include "../../layers/image_shape.hpp"
#include "../../layers/no_density.hpp"
#include "odeum/block.hpp"
#include "odeum/plugin.hpp"

namespace odeum::blocks {
namespace {

class Residual final : public Block {
 public:
  static Schema schema() {
    return Schema(
               "x + conv(relu(norm(conv(relu(norm(x)))))): a residual block with its activations "
               "in front, group normalisation, kernels of 3 and no biases; what one step of a "
               "residual network has in the place of a solve")
        .cite("He, Zhang, Ren, Sun, Identity mappings in deep residual networks, ECCV 2016")
        .cite(
            "Chen, Rubanova, Bettencourt, Duvenaud, NeurIPS 2018, arXiv 1806.07366, section 3: the "
            "residual network beside the ODE-net")
        .integer("groups", 32, "of the normalisations")
        .at_least(1);
  }

  explicit Residual(const Config& config) : config_(config), groups_(config.integer("groups")) {}

  Output forward(Scope& scope, Tensor x) const override {
    const std::int64_t channels = x.extent(1);
    Tensor y = x;
    for (const char* number : {"1", "2"}) {
      const layers::Convolution layer{std::string("conv") + number, channels,
                                      layers::square_window(3, 1, 1), layers::Bias::none};
      y = relu(layers::group_norm(scope, std::string("norm") + number, groups_, y));
      y = layers::convolve(scope, layer, y);
    }
    return {x + y, {}};
  }

  Shape output_shape(const Shape& input) const override {
    layers::require_image(config_, input);
    layers::require_groups(config_, input, groups_);
    return input;
  }

  std::string why_no_inverse() const override { return layers::no_way_back("residual"); }
  std::string why_no_log_determinant() const override { return layers::no_density("residual"); }

 private:
  Config config_;
  std::int64_t groups_;
};

ODEUM_PLUGIN(block, "residual", Residual, "1.0.0", "A residual block with activations in front")

}  // namespace
}  // namespace odeum::blocks
