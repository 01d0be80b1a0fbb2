// SPDX-License-Identifier: Apache-2.0
#include "odeum/plugin.hpp"
#include "odeum/regularizer.hpp"

namespace odeum::regularizers {
namespace {

class Kinetic final : public Regularizer {
 public:
  static Schema schema() {
    return Schema(
               "Kinetic energy 0.5 |f|^2 / D of a sample with D features, integrated along its "
               "path")
        .cite(
            "Finlay, Jacobsen, Nurbekyan, Oberman, How to train your neural ODE, ICML 2020, arXiv "
            "2002.02798");
  }

  Tensor running_cost(Path& path) const override {
    return 0.5 * mean_features(square(path.velocity()));
  }
};

ODEUM_PLUGIN(regularizer, "kinetic", Kinetic, "1.0.0", "Kinetic energy of the path")

}  // namespace
}  // namespace odeum::regularizers
