// SPDX-License-Identifier: Apache-2.0
#include "../along_the_flow.hpp"
#include "odeum/plugin.hpp"
#include "odeum/regularizer.hpp"

namespace odeum::regularizers {
namespace {

class TotalDerivative final : public Regularizer {
 public:
  static Schema schema() {
    Schema s(
        "Squared acceleration 0.5 |df/dt + J f|^2 / D of a sample with D features, J = df/dz, "
        "integrated along the path: 0 for straight paths of constant speed");
    AlongTheFlow::declare(s);
    return s;
  }

  explicit TotalDerivative(const Config& config) : along_(config) {}

  Tensor running_cost(Path& path) const override {
    return 0.5 * mean_features(square(along_(path) + path.time_derivative()));
  }

 private:
  AlongTheFlow along_;
};

ODEUM_PLUGIN(regularizer, "total_derivative", TotalDerivative, "1.0.0", "Acceleration of the path")

}  // namespace
}  // namespace odeum::regularizers
