// SPDX-License-Identifier: Apache-2.0
#include "odeum/solver.hpp"

namespace {

const odeum::Tableau kTableau{
    .order = 1,
    .a = {{}},
    .b = {"1"},
    .c = {"0"},
    .dense = {{"1"}},
    .dense_order = 1,
};

class Euler final : public odeum::RungeKutta {
 public:
  static odeum::Schema schema() {
    return odeum::Schema("Explicit Euler, order 1, given steps")
        .cite(
            "L. Euler, Institutionum calculi integralis I (1768), section 650; Hairer, Norsett, "
            "Wanner, Solving Ordinary Differential Equations I (1993), I.7");
  }
  const odeum::Tableau& tableau() const override { return kTableau; }
};

}  // namespace

ODEUM_PLUGIN(solver, "euler", Euler, "1.0.0", "Explicit Euler, order 1, given steps")
