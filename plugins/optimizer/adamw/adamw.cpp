// SPDX-License-Identifier: Apache-2.0
#include "../moments.hpp"
#include "odeum/plugin.hpp"

namespace odeum::optimizers {
namespace {

class AdamW final : public Optimizer {
 public:
  static Schema schema() {
    Schema s("Adam with decoupled weight decay");
    s.cite("Loshchilov, Hutter, ICLR 2019, arXiv 1711.05101, algorithm 2");
    AdamMoments::declare(s);
    s.number("weight_decay", 0.01,
             "each update first takes learning rate times this off the parameters, relative")
        .at_least(0);
    return s;
  }

  explicit AdamW(const Config& config)
      : moments_(config), weight_decay_(config.number("weight_decay")) {}

  std::vector<std::string> slots() const override { return AdamMoments::slots(); }

  UpdateOutputs update(const UpdateInputs& in) const override {
    const AdamMoments::Step step = moments_(in.gradient, in.slots, in.step);
    Tensor decayed = in.parameters * (1.0 - weight_decay_ * in.learning_rate);
    return {decayed - in.learning_rate * step.direction, step.slots};
  }

 private:
  AdamMoments moments_;
  double weight_decay_;
};

ODEUM_PLUGIN(optimizer, "adamw", AdamW, "1.0.0", "Adam with decoupled weight decay")

}  // namespace
}  // namespace odeum::optimizers
