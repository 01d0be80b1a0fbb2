// SPDX-License-Identifier: Apache-2.0
#include "odeum/solver.hpp"

namespace {

// The dense output integrates the parabola through the three stages' rates.
const odeum::Tableau kTableau{
    .order = 3,
    .a = {{}, {"1/3"}, {"0", "2/3"}},
    .b = {"1/4", "0", "3/4"},
    .c = {"0", "1/3", "2/3"},
    .dense = {{"1", "-9/4", "3/2"}, {"0", "3", "-3"}, {"0", "-3/4", "3/2"}},
    .dense_order = 2,
};

class Heun3 final : public odeum::RungeKutta {
 public:
  static odeum::Schema schema() {
    return odeum::Schema(
               "Heun's third-order method, given steps; cubic dense output of order 2, of order 3 "
               "on quadratures")
        .cite(
            "K. Heun, Neue Methode zur approximativen Integration der Differentialgleichungen "
            "einer unabhaengigen Veraenderlichen, Z. Math. Phys. 45 (1900) 23-38");
  }
  const odeum::Tableau& tableau() const override { return kTableau; }
};

}  // namespace

ODEUM_PLUGIN(solver, "heun3", Heun3, "1.0.0", "Heun's method of order 3, given steps")
