// SPDX-License-Identifier: Apache-2.0
#include "../moments.hpp"
#include "odeum/plugin.hpp"

namespace odeum::optimizers {
namespace {

class Adam final : public Optimizer {
 public:
  static Schema schema() {
    Schema s("Adam: steps by the running mean of the gradient over the root of that of its square");
    s.cite("Kingma, Ba, ICLR 2015, arXiv 1412.6980, algorithm 1");
    AdamMoments::declare(s);
    s.number("weight_decay", 0.0,
             "coupled L2 penalty: this times the parameters is added to the gradient")
        .at_least(0);
    return s;
  }

  explicit Adam(const Config& config)
      : moments_(config), weight_decay_(config.number("weight_decay")) {}

  std::vector<std::string> slots() const override { return AdamMoments::slots(); }

  UpdateOutputs update(const UpdateInputs& in) const override {
    Tensor gradient = in.gradient;
    if (weight_decay_ != 0.0) gradient = gradient + weight_decay_ * in.parameters;
    const AdamMoments::Step step = moments_(gradient, in.slots, in.step);
    return {in.parameters - in.learning_rate * step.direction, step.slots};
  }

 private:
  AdamMoments moments_;
  double weight_decay_;
};

ODEUM_PLUGIN(optimizer, "adam", Adam, "1.0.0", "Adam")

}  // namespace
}  // namespace odeum::optimizers
