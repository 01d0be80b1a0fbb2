// SPDX-License-Identifier: Apache-2.0
#include "odeum/solver.hpp"

namespace {

// The dense output is the parabola of order 2 that the two stages determine.
const odeum::Tableau kTableau{
    .order = 2,
    .a = {{}, {"2/3"}},
    .b = {"1/4", "3/4"},
    .c = {"0", "2/3"},
    .dense = {{"1", "-3/4"}, {"0", "3/4"}},
    .dense_order = 2,
};

class Ralston final : public odeum::RungeKutta {
 public:
  static odeum::Schema schema() {
    return odeum::Schema(
               "Ralston's second-order method, which has the least bound on the local error of all "
               "two-stage methods; given steps; parabolic dense output")
        .cite(
            "A. Ralston, Runge-Kutta methods with minimum error bounds, Math. Comp. 16 (1962) "
            "431-437");
  }
  const odeum::Tableau& tableau() const override { return kTableau; }
};

}  // namespace

ODEUM_PLUGIN(solver, "ralston", Ralston, "1.0.0", "Ralston's method, order 2, given steps")
