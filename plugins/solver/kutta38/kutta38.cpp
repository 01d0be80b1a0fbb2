// SPDX-License-Identifier: Apache-2.0
#include "odeum/solver.hpp"

namespace {

// The dense output, of order 3, is the one that the four stages determine: its weights solve the
// four order conditions up to order 3 for every x.
const odeum::Tableau kTableau{
    .order = 4,
    .a = {{}, {"1/3"}, {"-1/3", "1"}, {"1", "-1", "1"}},
    .b = {"1/8", "3/8", "3/8", "1/8"},
    .c = {"0", "1/3", "2/3", "1"},
    .dense = {{"1", "-15/8", "1"}, {"0", "15/8", "-3/2"}, {"0", "3/8", "0"}, {"0", "-3/8", "1/2"}},
    .dense_order = 3,
};

class Kutta38 final : public odeum::RungeKutta {
 public:
  static odeum::Schema schema() {
    return odeum::Schema(
               "Kutta's 3/8 rule, order 4, given steps: what published neural-ODE results call rk4")
        .cite(
            "W. Kutta, Beitrag zur naeherungsweisen Integration totaler Differentialgleichungen, "
            "Z. Math. Phys. 46 (1901) 435-453");
  }
  const odeum::Tableau& tableau() const override { return kTableau; }
};

}  // namespace

ODEUM_PLUGIN(solver, "kutta38", Kutta38, "1.0.0", "Kutta's 3/8 rule, order 4, given steps")
