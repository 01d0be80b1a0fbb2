// SPDX-License-Identifier: Apache-2.0
// The field of workload W4, for the comparison with peers alone: 3 x 3 convolutions
// 1-64-64-64-1 with t as one more channel of every layer's input. That channel is constant, so its
// part of a convolution is t times the convolution of ones: a bias that knows the border.
#include <cmath>
#include <cstdint>
#include <string>

#include "odeum/field.hpp"
#include "odeum/plugin.hpp"

namespace odeum::fields {
namespace {

class ConvFlow final : public VectorField {
 public:
  static Schema schema() {
    Schema s("3 x 3 convolutions with softplus between them, t as a channel of each input");
    s.integer("channels", 64, "channels of the hidden layers").at_least(1);
    s.integer("hidden", 3, "number of hidden layers").at_least(1);
    return s;
  }

  explicit ConvFlow(const Config& config)
      : channels_(config.integer("channels")), hidden_(config.integer("hidden")) {}

  Tensor operator()(Scope& scope, Tensor t, Tensor z) const override {
    const std::int64_t ends = z.extent(1);
    Tensor x = z;
    for (std::int64_t i = 0; i <= hidden_; ++i) {
      x = layer(scope, "layer" + std::to_string(i), t, x, i < hidden_ ? channels_ : ends);
      if (i < hidden_) x = softplus(x);
    }
    return x;
  }

 private:
  static Tensor layer(Scope& scope, const std::string& name, Tensor t, Tensor x, std::int64_t out) {
    const std::int64_t in = x.extent(1);
    const auto initial = Initializer::uniform(1.0 / std::sqrt(9.0 * static_cast<double>(in + 1)));
    const Window same{.kernel = {3, 3}, .pad_before = {1, 1}, .pad_after = {1, 1}};
    Tensor weight = scope.parameter(name + ".weight", {out, in, 3, 3}, initial);
    Tensor of_time = scope.parameter(name + ".time", {out, 1, 3, 3}, initial);
    Tensor bias = scope.parameter(name + ".bias", {out}, initial);
    Tensor ones = full(scope.anchor(), {1, 1, x.extent(2), x.extent(3)}, 1.0);
    const Shape scalars = t.shape().has_rows() ? Shape{kRows, 1, 1, 1} : Shape{1, 1, 1, 1};
    Tensor shift = reshape(t, scalars) * conv(ones, of_time, same);
    return conv(x, weight, same) + (shift + reshape(bias, {1, out, 1, 1}));
  }

  std::int64_t channels_;
  std::int64_t hidden_;
};

ODEUM_PLUGIN(field, "conv_flow", ConvFlow, "1.0.0", "Convolutions for the comparison with peers")

}  // namespace
}  // namespace odeum::fields
