// SPDX-License-Identifier: Apache-2.0
#include "../along_the_flow.hpp"
#include "odeum/plugin.hpp"
#include "odeum/regularizer.hpp"

namespace odeum::regularizers {
namespace {

class Directional final : public Regularizer {
 public:
  static Schema schema() {
    Schema s(
        "Squared derivative of the field along its own flow, 0.5 |J f|^2 / D with J = df/dz and D "
        "features, integrated along the path. For a field without time it is the acceleration's "
        "square");
    AlongTheFlow::declare(s);
    return s;
  }

  explicit Directional(const Config& config) : along_(config) {}

  Tensor running_cost(Path& path) const override {
    return 0.5 * mean_features(square(along_(path)));
  }

 private:
  AlongTheFlow along_;
};

ODEUM_PLUGIN(regularizer, "directional", Directional, "1.0.0",
             "Derivative of the field along its flow")

}  // namespace
}  // namespace odeum::regularizers
