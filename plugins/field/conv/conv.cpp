// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include "layer.hpp"
#include "odeum/field.hpp"
#include "odeum/plugin.hpp"

namespace odeum::fields {
namespace {

class Conv final : public VectorField {
 public:
  static Schema schema() {
    Schema s(
        "Convolutions with an activation between them, for images [channels, height, width]: "
        "stride 1, zero padding that keeps the size, the last one back to the state's channels");
    s.cite(
        "Grathwohl, Chen, Bettencourt, Sutskever, Duvenaud, FFJORD, ICLR 2019, arXiv 1810.01367 "
        "(layers)");
    s.cite("Finlay, Jacobsen, Nurbekyan, Oberman, ICML 2020, arXiv 2002.02798 (zero_last)");
    s.integers("hidden", {64, 64, 64}, "channels of the hidden layers; [] leaves one convolution")
        .at_least(1);
    s.integer("kernel", 3, "height and width of all kernels, an odd number [pixels]").at_least(1);
    s.text("activation", "softplus",
           "between layers; smooth ones have the second derivatives that training needs")
        .choices({"tanh", "softplus", "sigmoid", "relu", "elu", "swish", "gelu", "sin", "square",
                  "identity"});
    s.text("time", "concat",
           "how t enters each layer: not at all; as one more channel, exactly as it looks under "
           "zero padding; (W x + b) sigmoid(v t + c); the same + w t; (W0 x + b0)(1 - t) + (W1 x + "
           "b1) t, which is meant for t in [0, 1]; (W + W' t) x + b + b' t")
        .choices({"ignore", "concat", "squash", "concatsquash", "blend", "hyper"});
    s.flag("zero_last", false,
           "start with the last layer's kernels (that of t included) at zero and its biases "
           "random, so that the field starts constant in the state");
    return s;
  }

  explicit Conv(const Config& config)
      : hidden_(config.integers("hidden")),
        kernel_(config.integer("kernel")),
        activation_(config.text("activation")),
        time_(conv_time(config.text("time"))),
        zero_last_(config.flag("zero_last")) {
    if (kernel_ % 2 == 0) {
      config.fail("kernel", "is " + std::to_string(kernel_) +
                                "; only an odd kernel has a middle and keeps the image's size");
    }
  }

  Tensor operator()(Scope& scope, Tensor t, Tensor z) const override {
    if (z.rank() != 4) {
      throw std::invalid_argument(
          "conv takes images [channels, height, width], not samples of shape " + z.shape().text());
    }
    std::vector<std::int64_t> widths = hidden_;
    widths.push_back(z.extent(1));
    Tensor x = z;
    for (std::size_t i = 0; i < widths.size(); ++i) {
      const bool last = i + 1 == widths.size();
      const ConvLayer layer{"layer" + std::to_string(i), widths[i], kernel_, time_,
                            last && zero_last_ ? ConvStart::zero_kernel : ConvStart::random};
      x = layer(scope, t, x);
      if (!last) x = activation(activation_, x);
    }
    return x;
  }

 private:
  std::vector<std::int64_t> hidden_;
  std::int64_t kernel_;
  std::string activation_;
  ConvTime time_;
  bool zero_last_;
};

ODEUM_PLUGIN(field, "conv", Conv, "1.0.0", "Convolutions, conditioned on time")

}  // namespace
}  // namespace odeum::fields
