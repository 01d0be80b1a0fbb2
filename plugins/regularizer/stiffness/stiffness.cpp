// SPDX-License-Identifier: Apache-2.0
#include <stdexcept>

#include "../row_norm.hpp"
#include "odeum/plugin.hpp"
#include "odeum/regularizer.hpp"

namespace odeum::regularizers {
namespace {

using Evaluation = SolverStep::Evaluation;

/// The last two evaluations of a step at one time: only then is the difference of their rates due
/// to the states alone.
std::pair<Evaluation, Evaluation> last_pair_at_one_time(const std::vector<Evaluation>& all) {
  for (std::size_t i = all.size(); i-- > 1;) {
    for (std::size_t j = i; j-- > 0;) {
      if (all[i].t.id() == all[j].t.id() && all[i].z.id() != all[j].z.id()) return {all[j], all[i]};
    }
  }
  throw std::invalid_argument(
      "its cost compares two stages of a step at one time, which this solver does not have; use "
      "one that does, as dopri5, tsit5 or rk4");
}

class Stiffness final : public Regularizer {
 public:
  static Schema schema() {
    return Schema(
               "The solver's own estimate of the largest eigenvalue of df/dz, |f(t, x) - f(t, y)| "
               "/ "
               "|x - y| of the last two stages x, y of a step that are at one time, summed over "
               "the "
               "accepted steps. Free: the stages are there. Needs a solver with such stages and a "
               "gradient method that differentiates the steps")
        .cite(
            "Pal, Ma, Shah, Rackauckas, Opening the blackbox: accelerating neural differential "
            "equations by regularizing internal solver heuristics, ICML 2021, arXiv 2105.03918, "
            "R_S")
        .cite("Hairer, Wanner, Solving ordinary differential equations II, IV.2, for the estimate");
  }

  Tensor step_cost(const SolverStep& step) const override {
    const auto [x, y] = last_pair_at_one_time(step.evaluations);
    const Tensor rates = squared_distance(x.rate, y.rate);
    const Tensor states = squared_distance(x.z, y.z);
    const Tensor apart = less(full(states, {1}, kVanishing), states);
    return select(apart, root_or_zero(rates / max(states, kVanishing)), zeros_like(rates));
  }

 private:
  static Tensor squared_distance(Tensor a, Tensor b) {
    return sum_features(square(cast(a, DType::f64) - cast(b, DType::f64)));
  }
};

ODEUM_PLUGIN(regularizer, "stiffness", Stiffness, "1.0.0",
             "The solver's estimate of the field's stiffness")

}  // namespace
}  // namespace odeum::regularizers
