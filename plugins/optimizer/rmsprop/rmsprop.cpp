// SPDX-License-Identifier: Apache-2.0
#include <string>
#include <vector>

#include "odeum/optimizer.hpp"
#include "odeum/plugin.hpp"

namespace odeum::optimizers {
namespace {

class RmsProp final : public Optimizer {
 public:
  static Schema schema() {
    Schema s(
        "RMSprop, as PyTorch has it: steps by the gradient over the root of the running mean of "
        "its square, which is not corrected for its start at zero");
    s.cite(
        "Tieleman, Hinton, Lecture 6.5: rmsprop, COURSERA: Neural Networks for Machine "
        "Learning, 2012");
    s.cite("Graves, arXiv 1308.0850, equations 38 to 45 (centered)");
    s.number("alpha", 0.99, "decay of the running means, per update").at_least(0).below(1);
    s.number("epsilon", 1e-8, "added to the root of the mean square, in units of the gradient")
        .above(0);
    s.flag("centered", false,
           "divide by the gradient's deviation instead: take its mean off first");
    s.number("momentum", 0.0, "share of the last step's velocity kept").at_least(0).below(1);
    s.number("weight_decay", 0.0,
             "coupled L2 penalty: this times the parameters is added to the gradient")
        .at_least(0);
    return s;
  }

  explicit RmsProp(const Config& config)
      : alpha_(config.number("alpha")),
        epsilon_(config.number("epsilon")),
        centered_(config.flag("centered")),
        momentum_(config.number("momentum")),
        weight_decay_(config.number("weight_decay")) {}

  std::vector<std::string> slots() const override {
    std::vector<std::string> names{"mean_square"};
    if (centered_) names.emplace_back("mean");
    if (momentum_ != 0.0) names.emplace_back("velocity");
    return names;
  }

  UpdateOutputs update(const UpdateInputs& in) const override {
    Tensor gradient = in.gradient;
    if (weight_decay_ != 0.0) gradient = gradient + weight_decay_ * in.parameters;
    std::vector<Tensor> slots{alpha_ * in.slots[0] + (1.0 - alpha_) * square(gradient)};
    Tensor spread = slots[0];
    if (centered_) {
      slots.push_back(alpha_ * in.slots[1] + (1.0 - alpha_) * gradient);
      spread = max(spread - square(slots[1]), 0.0);
    }
    Tensor step = gradient / (sqrt(spread) + epsilon_);
    if (momentum_ != 0.0) {
      step = momentum_ * in.slots.back() + step;
      slots.push_back(step);
    }
    return {in.parameters - in.learning_rate * step, slots};
  }

 private:
  double alpha_;
  double epsilon_;
  bool centered_;
  double momentum_;
  double weight_decay_;
};

ODEUM_PLUGIN(optimizer, "rmsprop", RmsProp, "1.0.0", "RMSprop")

}  // namespace
}  // namespace odeum::optimizers
