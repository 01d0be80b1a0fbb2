// SPDX-License-Identifier: Apache-2.0
#include <odeum/solver.hpp>

namespace {

const odeum::Tableau kTableau{
    .order = 4,
    .embedded_order = 3,
    .a = {{}, {"1/3"}, {"1/6", "1/6"}, {"1/8", "0", "3/8"}, {"1/2", "0", "-3/2", "2"}},
    .b = {"1/6", "0", "0", "2/3", "1/6"},
    .c = {"0", "1/3", "1/3", "1/2", "1"},
    .b_embedded = {"1/2", "0", "-3/2", "2", "0"},
    .dense_order = 2,
};

class Merson final : public odeum::RungeKutta {
 public:
  static odeum::Schema schema() {
    return odeum::Schema("Merson's five-stage method of order four with its error estimate")
        .cite(
            "R. H. Merson, An operational method for the study of integration processes, Proc. "
            "Symp. Data Processing, Weapons Research Establishment, Salisbury 1957");
  }
  const odeum::Tableau& tableau() const override { return kTableau; }
};

}  // namespace

ODEUM_PLUGIN(solver, "merson", Merson, "1.0.0", "Merson's method of order 4(3)")
