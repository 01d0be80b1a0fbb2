// SPDX-License-Identifier: Apache-2.0
#include <odeum/regularizer.hpp>

namespace {

using namespace odeum;

/// |d^3 z/dt^3|^2: second derivatives of the field in the cost, third ones in its gradient.
class Jerk final : public Regularizer {
 public:
  static Schema schema() {
    return Schema(
        "Squared third derivative |z'''|^2 / D of a sample with D features, along its path");
  }
  Tensor running_cost(Path& path) const override {
    return mean_features(square(path.derivative(3)));
  }
};

}  // namespace

ODEUM_PLUGIN(regularizer, "jerk", Jerk, "1.0.0", "Third derivative of the path")
