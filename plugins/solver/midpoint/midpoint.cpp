// SPDX-License-Identifier: Apache-2.0
#include "odeum/solver.hpp"

namespace {

// The dense output is the parabola of order 2 that the two stages determine.
const odeum::Tableau kTableau{
    .order = 2,
    .a = {{}, {"1/2"}},
    .b = {"0", "1"},
    .c = {"0", "1/2"},
    .dense = {{"1", "-1"}, {"0", "1"}},
    .dense_order = 2,
};

class Midpoint final : public odeum::RungeKutta {
 public:
  static odeum::Schema schema() {
    return odeum::Schema("Explicit midpoint rule, order 2, given steps")
        .cite(
            "C. Runge, Ueber die numerische Aufloesung von Differentialgleichungen, Math. Ann. 46 "
            "(1895) 167-178");
  }
  const odeum::Tableau& tableau() const override { return kTableau; }
};

}  // namespace

ODEUM_PLUGIN(solver, "midpoint", Midpoint, "1.0.0", "Explicit midpoint rule, order 2, given steps")
