// SPDX-License-Identifier: Apache-2.0
#include <cstdint>

#include "../../layers/convolution.hpp"
#include "../../layers/group_norm.hpp"
#include "odeum/field.hpp"
#include "odeum/plugin.hpp"

namespace odeum::fields {
namespace {

class OdeNet final : public VectorField {
 public:
  static Schema schema() {
    return Schema(
               "The ODE-net's field on images [channels, height, width]: norm(conv(t, relu(norm("
               "conv(t, relu(norm(z))))))), group normalisations, kernels of 3, t as one more "
               "channel of both convolutions")
        .cite(
            "Chen, Rubanova, Bettencourt, Duvenaud, NeurIPS 2018, arXiv 1806.07366, section 3; as "
            "in torchdiffeq's odenet_mnist example")
        .integer("groups", 32, "of the normalisations")
        .at_least(1);
  }

  explicit OdeNet(const Config& config) : groups_(config.integer("groups")) {}

  Tensor operator()(Scope& scope, Tensor t, Tensor z) const override {
    layers::require_images("odenet", z);
    const std::int64_t channels = z.extent(1);
    const auto layer = [&](const char* name) {
      return layers::Convolution{name, channels, layers::square_window(3, 1, 1)};
    };
    Tensor x = relu(layers::group_norm(scope, "norm1", groups_, z));
    x = layers::convolve(scope, layer("conv1"), t, x);
    x = relu(layers::group_norm(scope, "norm2", groups_, x));
    x = layers::convolve(scope, layer("conv2"), t, x);
    return layers::group_norm(scope, "norm3", groups_, x);
  }

 private:
  std::int64_t groups_;
};

ODEUM_PLUGIN(field, "odenet", OdeNet, "1.0.0", "Two convolutions with group normalisation")

}  // namespace
}  // namespace odeum::fields
