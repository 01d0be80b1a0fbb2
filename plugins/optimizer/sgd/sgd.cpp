// SPDX-License-Identifier: Apache-2.0
#include "odeum/optimizer.hpp"
#include "odeum/plugin.hpp"

namespace odeum::optimizers {
namespace {

class Sgd final : public Optimizer {
 public:
  static Schema schema() {
    Schema s(
        "Stochastic gradient descent, with momentum on request: v = momentum v + g, step by v");
    s.cite(
        "Sutskever, Martens, Dahl, Hinton, ICML 2013 (momentum and nesterov, in the form without "
        "dampening)");
    s.number("momentum", 0.0, "share of the last step's velocity kept").at_least(0).below(1);
    s.flag("nesterov", false, "step by g + momentum v; needs a momentum above 0");
    s.number("weight_decay", 0.0,
             "coupled L2 penalty: this times the parameters is added to the gradient")
        .at_least(0);
    return s;
  }

  explicit Sgd(const Config& config)
      : momentum_(config.number("momentum")),
        nesterov_(config.flag("nesterov")),
        weight_decay_(config.number("weight_decay")) {
    if (nesterov_ && momentum_ == 0.0)
      config.fail("nesterov", "needs a momentum above 0, e.g. momentum: 0.9");
  }

  std::vector<std::string> slots() const override {
    if (momentum_ == 0.0) return {};
    return {"velocity"};
  }

  UpdateOutputs update(const UpdateInputs& in) const override {
    Tensor gradient = in.gradient;
    if (weight_decay_ != 0.0) gradient = gradient + weight_decay_ * in.parameters;
    if (momentum_ == 0.0) return {in.parameters - in.learning_rate * gradient, {}};
    Tensor velocity = momentum_ * in.slots[0] + gradient;
    Tensor direction = nesterov_ ? gradient + momentum_ * velocity : velocity;
    return {in.parameters - in.learning_rate * direction, {velocity}};
  }

 private:
  double momentum_;
  bool nesterov_;
  double weight_decay_;
};

ODEUM_PLUGIN(optimizer, "sgd", Sgd, "1.0.0", "Stochastic gradient descent")

}  // namespace
}  // namespace odeum::optimizers
