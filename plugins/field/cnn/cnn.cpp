// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include "../../layers/convolution.hpp"
#include "../../layers/time_norm.hpp"
#include "odeum/field.hpp"
#include "odeum/plugin.hpp"

namespace odeum::fields {
namespace {

class Cnn final : public VectorField {
 public:
  static Schema schema() {
    return Schema(
               "Layers relu(norm(t, conv(t, x))) with kernels of 3 and t as one more channel, on "
               "images [channels, height, width]: down by strides of 2 and up again by transposed "
               "convolutions. The last layer leads back to the state's channels and ends in relu "
               "too, so that no component ever falls")
        .cite(
            "Zheng, Gao, Sun, Boning, Yu, Wong, NeurIPS 2024, section 5: the networks of 4 to 12 "
            "layers")
        .integers("channels", {32, 64, 128, 64, 32}, "of all layers but the last")
        .at_least(1)
        .integers("strides", {1, 2, 2, -2, -2, 1},
                  "of all layers: 1 keeps the size, 2 halves it, -2 doubles it")
        .section("norm", layers::TimeNorm::schema(), "behind each convolution");
  }

  explicit Cnn(const Config& config)
      : channels_(config.integers("channels")),
        strides_(config.integers("strides")),
        norm_(config.section("norm")) {
    if (strides_.size() != channels_.size() + 1) {
      config.fail("strides", "gives " + std::to_string(strides_.size()) + " strides for " +
                                 std::to_string(channels_.size() + 1) +
                                 " layers: one a layer, the last one included");
    }
    std::int64_t scale = 0;
    for (const std::int64_t stride : strides_) {
      if (stride != 1 && stride != 2 && stride != -2) {
        config.fail("strides",
                    "of a layer is 1, 2 or -2 (doubling), not " + std::to_string(stride));
      }
      scale += stride == 1 ? 0 : stride;
    }
    if (scale != 0) {
      config.fail("strides", "must double as often as they halve: a rate has its state's shape");
    }
  }

  Tensor operator()(Scope& scope, Tensor t, Tensor z) const override {
    layers::require_images("cnn", z);
    Tensor x = z;
    for (std::size_t i = 0; i < strides_.size(); ++i) {
      const std::int64_t out = i < channels_.size() ? channels_[i] : z.extent(1);
      x = layer(scope, "layer" + std::to_string(i), out, strides_[i], t, x);
    }
    if (x.shape() == z.shape()) return x;
    throw std::invalid_argument("cnn: halving and doubling lead from " + z.shape().text() + " to " +
                                x.shape().text() +
                                ": height and width must be multiples of its largest reduction");
  }

  std::vector<double> kinks() const override { return norm_.kinks(); }

 private:
  Tensor layer(Scope& scope, const std::string& name, std::int64_t out, std::int64_t stride,
               Tensor t, Tensor x) const {
    const layers::Convolution convolution{name, out,
                                          layers::square_window(3, stride == 2 ? 2 : 1, 1)};
    const Tensor y = stride < 0 ? layers::deconvolve(scope, convolution, t, x)
                                : layers::convolve(scope, convolution, t, x);
    return relu(norm_(scope, name, t, y));
  }

  std::vector<std::int64_t> channels_;
  std::vector<std::int64_t> strides_;
  layers::TimeNorm norm_;
};

ODEUM_PLUGIN(field, "cnn", Cnn, "1.0.0", "Convolutions down and up, normalised over the batch")

}  // namespace
}  // namespace odeum::fields
