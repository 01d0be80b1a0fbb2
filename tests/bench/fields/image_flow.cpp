// SPDX-License-Identifier: Apache-2.0
// The field of workload W4: 1-64-64-64-1 channels, 3 x 3, softplus, on images of 28 x 28 that lie
// flat in the state. Time is a channel whose convolution is a plane a layer: W * [t; x] =
// W_x * x + t (W_t * 1).
#include <cmath>

#include "odeum/field.hpp"
#include "odeum/plugin.hpp"

namespace odeum::bench {
namespace {

constexpr std::int64_t kSide = 28;

class ImageFlow final : public VectorField {
 public:
  static Schema schema() {
    return Schema("Convolutions on one-channel images of 28 x 28, time as a channel")
        .integer("channels", 64, "of the hidden layers")
        .at_least(1);
  }
  explicit ImageFlow(const Config& config) : channels_(config.integer("channels")) {}

  Tensor operator()(Scope& scope, Tensor t, Tensor z) const override {
    const Shape shape = z.shape();  // NOLINT(performance-unnecessary-copy-initialization)
    Tensor x = reshape(z, {kRows, 1, kSide, kSide});
    const std::int64_t widths[] = {1, channels_, channels_, channels_, 1};
    for (int i = 0; i < 4; ++i) {
      x = layer(scope, "layer" + std::to_string(i), t, x, widths[i], widths[i + 1]);
      if (i < 3) x = softplus(x);
    }
    return reshape(x, shape);
  }

 private:
  static Tensor layer(Scope& scope, const std::string& name, Tensor t, Tensor x, std::int64_t in,
                      std::int64_t out) {
    const Window window{{3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}};
    const auto start = Initializer::uniform(1.0 / std::sqrt(9.0 * static_cast<double>(in + 1)));
    const Tensor w = scope.parameter(name + ".weight", {out, in, 3, 3}, start);
    const Tensor w_t = scope.parameter(name + ".time", {out, 1, 3, 3}, start);
    const Tensor b = scope.parameter(name + ".bias", {out, 1, 1}, start);
    const Tensor plane = conv(
        ones_like(broadcast(reshape(scope.anchor(), {1, 1, 1}), {1, kSide, kSide})), w_t, window);
    return conv(x, w, window) + (reshape(t, {1, 1, 1}) * plane + b);
  }

  std::int64_t channels_;
};

}  // namespace
}  // namespace odeum::bench

ODEUM_PLUGIN(field, "image_flow", odeum::bench::ImageFlow, "1.0.0", "The field of workload W4")
