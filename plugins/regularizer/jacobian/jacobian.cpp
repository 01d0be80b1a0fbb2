// SPDX-License-Identifier: Apache-2.0
#include "odeum/plugin.hpp"
#include "odeum/regularizer.hpp"

namespace odeum::regularizers {
namespace {

class Jacobian final : public Regularizer {
 public:
  static Schema schema() {
    return Schema(
               "Squared Frobenius norm of df/dz over the D features, |J|^2 / D, by its estimate "
               "|J^T e|^2 / D with "
               "the solve's probe e, integrated along the path")
        .cite(
            "Finlay, Jacobsen, Nurbekyan, Oberman, How to train your neural ODE, ICML 2020, arXiv "
            "2002.02798");
  }

  Tensor running_cost(Path& path) const override {
    return mean_features(square(path.vjp(path.probe())));
  }
};

ODEUM_PLUGIN(regularizer, "jacobian", Jacobian, "1.0.0", "Frobenius norm of the field's Jacobian")

}  // namespace
}  // namespace odeum::regularizers
