// SPDX-License-Identifier: Apache-2.0
#include "odeum/solver.hpp"

namespace {

// The dense output integrates the parabola through the three stages' rates.
const odeum::Tableau kTableau{
    .order = 3,
    .embedded_order = 2,
    .a = {{}, {"1"}, {"1/4", "1/4"}},
    .b = {"1/6", "1/6", "2/3"},
    .c = {"0", "1", "1/2"},
    .b_embedded = {"1/2", "1/2", "0"},
    .dense = {{"1", "-3/2", "2/3"}, {"0", "-1/2", "2/3"}, {"0", "2", "-4/3"}},
    .dense_order = 2,
};

class Fehlberg32 final : public odeum::RungeKutta {
 public:
  static odeum::Schema schema() {
    return odeum::Schema(
               "Fehlberg 3(2) of three stages: the companion is Heun's method; cubic dense output "
               "of order 2, of order 3 on quadratures")
        .cite(
            "E. Fehlberg, Low-order classical Runge-Kutta formulas with stepsize control and their "
            "application to some heat transfer problems, NASA TR R-315 (1969)")
        .cite(
            "A. Allauzen, T. Petrilli Maffei Dardis, H. Plath, Experimental study of neural ODE "
            "training with adaptive solver for dynamical systems modeling, arXiv 2211.06972 "
            "(2022)");
  }
  const odeum::Tableau& tableau() const override { return kTableau; }
};

}  // namespace

ODEUM_PLUGIN(solver, "fehlberg32", Fehlberg32, "1.0.0", "Fehlberg 3(2)")
