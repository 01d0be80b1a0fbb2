// SPDX-License-Identifier: Apache-2.0
#include <stdexcept>

#include "../row_norm.hpp"
#include "odeum/plugin.hpp"
#include "odeum/regularizer.hpp"

namespace odeum::regularizers {
namespace {

class LocalError final : public Regularizer {
 public:
  static Schema schema() {
    return Schema(
               "The solver's own local error estimates e, summed over the accepted steps h: E |h| "
               "with E = |e| / sqrt(D) over the D features. They are at most of the tolerance's "
               "size, so weights are large. Needs a solver with an error estimate and a gradient "
               "method that differentiates the steps")
        .text("form", "weighted",
              "weighted: E |h|, the paper's R_E; squared: E^2, smooth where the error vanishes")
        .choices({"weighted", "squared"})
        .cite(
            "Pal, Ma, Shah, Rackauckas, Opening the blackbox: accelerating neural differential "
            "equations by regularizing internal solver heuristics, ICML 2021, arXiv 2105.03918");
  }

  explicit LocalError(const Config& config) : squared_(config.text("form") == "squared") {}

  Tensor step_cost(const SolverStep& step) const override {
    if (!step.error) {
      throw std::invalid_argument(
          "its cost is the solver's error estimate, which this solver does not have; use one that "
          "does, as dopri5, tsit5 or bosh3");
    }
    const Tensor mean_square = mean_features(square(cast(step.error, DType::f64)));
    return squared_ ? mean_square : root_or_zero(mean_square) * abs(step.h);
  }

 private:
  bool squared_;
};

ODEUM_PLUGIN(regularizer, "local_error", LocalError, "1.0.0", "The solver's local error estimates")

}  // namespace
}  // namespace odeum::regularizers
