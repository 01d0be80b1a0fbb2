// SPDX-License-Identifier: Apache-2.0
#include "odeum/solver.hpp"

namespace {

// The dense output, of order 3, is the one that the four stages determine: its weights solve the
// four order conditions up to order 3 for every x.
const odeum::Tableau kTableau{
    .order = 4,
    .a = {{}, {"1/2"}, {"0", "1/2"}, {"0", "0", "1"}},
    .b = {"1/6", "1/3", "1/3", "1/6"},
    .c = {"0", "1/2", "1/2", "1"},
    .dense = {{"1", "-3/2", "2/3"}, {"0", "1", "-2/3"}, {"0", "1", "-2/3"}, {"0", "-1/2", "2/3"}},
    .dense_order = 3,
};

class Rk4 final : public odeum::RungeKutta {
 public:
  static odeum::Schema schema() {
    return odeum::Schema("The classical Runge-Kutta method, order 4, given steps")
        .cite(
            "W. Kutta, Beitrag zur naeherungsweisen Integration totaler Differentialgleichungen, "
            "Z. Math. Phys. 46 (1901) 435-453");
  }
  const odeum::Tableau& tableau() const override { return kTableau; }
};

}  // namespace

ODEUM_PLUGIN(solver, "rk4", Rk4, "1.0.0", "The classical Runge-Kutta method, order 4, given steps")
