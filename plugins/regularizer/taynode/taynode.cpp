// SPDX-License-Identifier: Apache-2.0
#include "odeum/plugin.hpp"
#include "odeum/regularizer.hpp"

namespace odeum::regularizers {
namespace {

class Taynode final : public Regularizer {
 public:
  static Schema schema() {
    return Schema(
               "Squared norm of the trajectory's total derivative d^K z/dt^K over the D features, "
               "|z^(K)|^2 / D, integrated along the path: what a solver of order K - 1 pays for. "
               "Each order costs about twice the evaluation of the one before")
        .integer("order", 2,
                 "K; 2 is what the authors' density models train with, 3 their Figure 1; 1 is "
                 "twice the kinetic energy [1]")
        .at_least(1)
        .at_most(6)
        .cite(
            "Kelly, Bettencourt, Johnson, Duvenaud, Learning differential equations that are easy "
            "to solve, NeurIPS 2020, arXiv 2007.04504, R_K; divided by D as in their code");
  }

  explicit Taynode(const Config& config) : order_(static_cast<int>(config.integer("order"))) {}

  Tensor running_cost(Path& path) const override {
    return mean_features(square(path.derivative(order_)));
  }

 private:
  int order_;
};

ODEUM_PLUGIN(regularizer, "taynode", Taynode, "1.0.0", "K-th total derivative of the path")

}  // namespace
}  // namespace odeum::regularizers
