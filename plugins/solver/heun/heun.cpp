// SPDX-License-Identifier: Apache-2.0
#include "odeum/solver.hpp"

namespace {

const odeum::Tableau kTableau{
    .order = 2,
    .embedded_order = 1,
    .a = {{}, {"1"}},
    .b = {"1/2", "1/2"},
    .c = {"0", "1"},
    .b_embedded = {"1", "0"},
    .dense = {{"1", "-1/2"}, {"0", "1/2"}},
    .dense_order = 2,
};

class Heun final : public odeum::RungeKutta {
 public:
  static odeum::Schema schema() {
    return odeum::Schema(
               "Heun's method 2(1): the explicit trapezoidal rule with Euler's step as companion; "
               "adaptive, or with given steps")
        .cite(
            "K. Heun, Neue Methode zur approximativen Integration der Differentialgleichungen "
            "einer unabhaengigen Veraenderlichen, Z. Math. Phys. 45 (1900) 23-38");
  }
  const odeum::Tableau& tableau() const override { return kTableau; }
};

}  // namespace

ODEUM_PLUGIN(solver, "heun", Heun, "1.0.0", "Heun 2(1), the explicit trapezoidal rule")
