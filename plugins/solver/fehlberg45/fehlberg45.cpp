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
          {"1/4"},
          {"3/32", "9/32"},
          {"1932/2197", "-7200/2197", "7296/2197"},
          {"439/216", "-8", "3680/513", "-845/4104"},
          {"-8/27", "2", "-3544/2565", "1859/4104", "-11/40"},
          {"16/135", "0", "6656/12825", "28561/56430", "-9/50", "2/55"}},
    .b = {"16/135", "0", "6656/12825", "28561/56430", "-9/50", "2/55", "0"},
    .c = {"0", "1/4", "3/8", "12/13", "1", "1/2", "1"},
    .b_embedded = {"25/216", "0", "1408/2565", "2197/4104", "-1/5", "0", "0"},
    .dense = {{"1", "-71/30", "298/135", "-13/18"},
              {"0", "0", "0", "0"},
              {"0", "1664/475", "-3328/675", "1664/855"},
              {"0", "-15379/3135", "17576/1485", "-2197/342"},
              {"0", "54/25", "-126/25", "27/10"},
              {"0", "6/55", "-4/55", "0"},
              {"0", "3/2", "-4", "5/2"}},
    .dense_order = 4,
};

class Fehlberg45 final : public odeum::RungeKutta {
 public:
  static odeum::Schema schema() {
    return odeum::Schema(
               "Fehlberg 4(5) with local extrapolation, as in RKF45: the formula of order 5 is "
               "propagated, the one of order 4 is the companion; quartic dense output of order 4")
        .cite(
            "E. Fehlberg, Low-order classical Runge-Kutta formulas with stepsize control and their "
            "application to some heat transfer problems, NASA TR R-315 (1969)")
        .cite(
            "L. F. Shampine, H. A. Watts, S. M. Davenport, Solving nonstiff ordinary differential "
            "equations: the state of the art, SIAM Rev. 18 (1976) 376-411: the local "
            "extrapolation");
  }
  const odeum::Tableau& tableau() const override { return kTableau; }
};

}  // namespace

ODEUM_PLUGIN(solver, "fehlberg45", Fehlberg45, "1.0.0", "Fehlberg 4(5), propagating order 5")
