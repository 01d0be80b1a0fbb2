// SPDX-License-Identifier: Apache-2.0
#include "odeum/solver.hpp"

namespace {

// The last stage, the rate at the step's end, costs nothing: it is the next step's first. The dense
// output is the quartic of order 4 that has the rates of both ends and no fourth power of the sixth
// stage; its weights solve the order conditions for every x.
const odeum::Tableau kTableau{
    .order = 5,
    .embedded_order = 4,
    .a = {{},
          {"1/5"},
          {"3/40", "9/40"},
          {"3/10", "-9/10", "6/5"},
          {"-11/54", "5/2", "-70/27", "35/27"},
          {"1631/55296", "175/512", "575/13824", "44275/110592", "253/4096"},
          {"37/378", "0", "250/621", "125/594", "0", "512/1771"}},
    .b = {"37/378", "0", "250/621", "125/594", "0", "512/1771", "0"},
    .c = {"0", "1/5", "3/10", "3/5", "1", "7/8", "1"},
    .b_embedded = {"2825/27648", "0", "18575/48384", "13525/55296", "277/14336", "1/4", "0"},
    .dense = {{"1", "-65/21", "677/189", "-25/18"},
              {"0", "0", "0", "0"},
              {"0", "2500/483", "-38000/4347", "250/63"},
              {"0", "-125/44", "3875/594", "-125/36"},
              {"0", "-45/28", "45/14", "-45/28"},
              {"0", "1536/1771", "-1024/1771", "0"},
              {"0", "3/2", "-4", "5/2"}},
    .dense_order = 4,
};

class CashKarp final : public odeum::RungeKutta {
 public:
  static odeum::Schema schema() {
    return odeum::Schema("Cash-Karp 5(4); quartic dense output of order 4")
        .cite(
            "J. R. Cash, A. H. Karp, A variable order Runge-Kutta method for initial value "
            "problems with rapidly varying right-hand sides, ACM Trans. Math. Softw. 16 (1990) "
            "201-222: its formulas of order 5 and 4");
  }
  const odeum::Tableau& tableau() const override { return kTableau; }
};

}  // namespace

ODEUM_PLUGIN(solver, "cash_karp", CashKarp, "1.0.0", "Cash-Karp 5(4)")
