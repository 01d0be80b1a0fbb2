// SPDX-License-Identifier: Apache-2.0
#include "odeum/solver.hpp"

namespace {

const odeum::Tableau kTableau{
    .order = 3,
    .embedded_order = 2,
    .a = {{}, {"1/2"}, {"0", "3/4"}, {"2/9", "1/3", "4/9"}},
    .b = {"2/9", "1/3", "4/9", "0"},
    .c = {"0", "1/2", "3/4", "1"},
    .b_embedded = {"7/24", "1/4", "1/3", "1/8"},
    .dense = {},
    .dense_order = 3,
};

class Bosh3 final : public odeum::RungeKutta {
 public:
  static odeum::Schema schema() {
    return odeum::Schema("Bogacki-Shampine 3(2), first same as last, cubic Hermite dense output")
        .cite(
            "P. Bogacki, L. F. Shampine, A 3(2) pair of Runge-Kutta formulas, Appl. Math. Lett. 2 "
            "(1989) 321-325");
  }
  const odeum::Tableau& tableau() const override { return kTableau; }
};

}  // namespace

ODEUM_PLUGIN(solver, "bosh3", Bosh3, "1.0.0", "Bogacki-Shampine 3(2)")
