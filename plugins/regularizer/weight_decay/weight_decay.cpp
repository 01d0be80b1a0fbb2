// SPDX-License-Identifier: Apache-2.0
#include "odeum/plugin.hpp"
#include "odeum/regularizer.hpp"

namespace odeum::regularizers {
namespace {

class WeightDecay final : public Regularizer {
 public:
  static Schema schema() {
    return Schema(
               "Half the squared norm 0.5 |theta|^2 of the parameters of this block's field, added "
               "to the loss; a learned span and other blocks are left alone. With adam it is not "
               "the decay of adamw, which acts on the update")
        .text("parameters", "all",
              "all of the field's; or weights: those of at least two axes, without biases")
        .choices({"all", "weights"})
        .cite("Krogh, Hertz, A simple weight decay can improve generalization, NIPS 1991")
        .cite(
            "Kelly, Bettencourt, Johnson, Duvenaud, NeurIPS 2020, whose density models have it on "
            "all parameters");
  }

  explicit WeightDecay(const Config& config)
      : weights_alone_(config.text("parameters") == "weights") {}

  Tensor parameter_cost(Tensor parameter) const override {
    if (weights_alone_ && parameter.rank() < 2) return {};
    std::vector<int> axes;
    for (int axis = 0; axis < parameter.rank(); ++axis) axes.push_back(axis);
    return 0.5 * reshape(sum(square(cast(parameter, DType::f64)), axes), {1});
  }

 private:
  bool weights_alone_;
};

ODEUM_PLUGIN(regularizer, "weight_decay", WeightDecay, "1.0.0",
             "Squared norm of the field's parameters")

}  // namespace
}  // namespace odeum::regularizers
