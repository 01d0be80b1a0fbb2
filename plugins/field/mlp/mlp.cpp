// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "odeum/field.hpp"
#include "odeum/plugin.hpp"

namespace odeum::fields {
namespace {

enum class TimeUse : std::uint8_t { ignore, concat, concatsquash, blend };

TimeUse time_use(const std::string& name) {
  if (name == "ignore") return TimeUse::ignore;
  if (name == "concat") return TimeUse::concat;
  if (name == "concatsquash") return TimeUse::concatsquash;
  return TimeUse::blend;
}

class Mlp final : public VectorField {
 public:
  static Schema schema() {
    Schema s(
        "Dense layers with an activation between them; the state is flattened to its features");
    s.cite(
        "Grathwohl, Chen, Bettencourt, Sutskever, Duvenaud, FFJORD, ICLR 2019, arXiv 1810.01367 "
        "(layers)");
    s.cite("Finlay, Jacobsen, Nurbekyan, Oberman, ICML 2020, arXiv 2002.02798 (zero_last)");
    s.integers("hidden", {64, 64},
               "widths of the hidden layers; [] leaves one layer without activation")
        .at_least(1);
    s.text("activation", "tanh",
           "between layers; smooth ones have the second derivatives that training needs")
        .choices({"tanh", "softplus", "sigmoid", "relu", "elu", "swish", "gelu", "sin", "square",
                  "identity"});
    s.text(
         "time", "concat",
         "how t enters each layer: not at all; W [t; x] + b; (W x + b) sigmoid(v t + c) + w t; or "
         "(W0 x + b0)(1 - t) + (W1 x + b1) t, which is meant for t in [0, 1]")
        .choices({"ignore", "concat", "concatsquash", "blend"});
    s.flag("zero_last", false,
           "start with the last layer's weights (those of t included) at zero and its biases "
           "random, so that the "
           "field starts constant in the state");
    return s;
  }

  explicit Mlp(const Config& config)
      : hidden_(config.integers("hidden")),
        activation_(config.text("activation")),
        time_(time_use(config.text("time"))),
        zero_last_(config.flag("zero_last")) {}

  Tensor operator()(Scope& scope, Tensor t, Tensor z) const override {
    // The recording's nodes move as it grows, and z's shape with them.
    const Shape shape = z.shape();  // NOLINT(performance-unnecessary-copy-initialization)
    const std::int64_t features = shape.elements_per_row();
    Tensor x = shape.rank() == 2 ? z : reshape(z, {kRows, features});
    std::vector<std::int64_t> widths = hidden_;
    widths.push_back(features);
    for (std::size_t i = 0; i < widths.size(); ++i) {
      const bool last = i + 1 == widths.size();
      x = layer(scope, "layer" + std::to_string(i), t, x, widths[i], last && zero_last_);
      if (!last) x = activation(activation_, x);
    }
    return shape.rank() == 2 ? x : reshape(x, shape);
  }

 private:
  Tensor layer(Scope& scope, const std::string& name, Tensor t, Tensor x, std::int64_t out,
               bool zero) const {
    const std::int64_t in = x.extent(-1);
    // Weights and biases start uniform within 1/sqrt(fan in), the initialisation of PyTorch's
    // Linear.
    const auto uniform = [](std::int64_t fan_in) {
      return Initializer::uniform(1.0 / std::sqrt(static_cast<double>(fan_in)));
    };
    const auto weight = [&](const std::string& suffix, std::int64_t fan_in) {
      return scope.parameter(name + ".weight" + suffix, {out, in},
                             zero ? Initializer::constant(0.0) : uniform(fan_in));
    };
    const auto vector = [&](const std::string& suffix, Initializer initializer) {
      return scope.parameter(name + "." + suffix, {out}, initializer);
    };
    const auto affine = [&](const std::string& suffix) {
      return linear(x, weight(suffix, in), vector("bias" + suffix, uniform(in)));
    };

    switch (time_) {
      case TimeUse::ignore:
        return affine("");
      case TimeUse::concat: {
        // t is one more entry of x: its column of the weights makes one more summand of the bias.
        Tensor column = vector("time", zero ? Initializer::constant(0.0) : uniform(in + 1));
        Tensor shift = vector("bias", uniform(in + 1)) + t * column;
        return linear(x, weight("", in + 1)) + shift;
      }
      case TimeUse::concatsquash: {
        Tensor gate = sigmoid(t * vector("gate", uniform(1)) + vector("gate_bias", uniform(1)));
        return affine("") * gate + t * vector("time", uniform(1));
      }
      case TimeUse::blend:
        return affine("0") * (1.0 - t) + affine("1") * t;
    }
    bug("mlp: no such use of time");
  }

  std::vector<std::int64_t> hidden_;
  std::string activation_;
  TimeUse time_;
  bool zero_last_;
};

ODEUM_PLUGIN(field, "mlp", Mlp, "1.0.0", "Dense layers, conditioned on time")

}  // namespace
}  // namespace odeum::fields
