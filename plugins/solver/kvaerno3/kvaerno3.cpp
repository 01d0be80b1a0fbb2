// SPDX-License-Identifier: Apache-2.0
#include "odeum/implicit.hpp"

namespace {

// The paper's formulas for the root of 6 g^3 - 18 g^2 + 9 g - 1 near 0.436.
const odeum::Tableau kTableau{
    .order = 3,
    .embedded_order = 2,
    .a = {{},
          {"0.4358665215084589994160194511935568425293",
           "0.4358665215084589994160194511935568425293"},
          {"0.4905633884217805706284679584665446902307", "0.07357009006976042995551259033989846724",
           "0.4358665215084589994160194511935568425293"},
          {"0.30880996997674652334816246988670051092", "1.4905633884217805706284679584665446902307",
           "-1.23523987990698609339264987954680204368",
           "0.4358665215084589994160194511935568425293"}},
    .b = {"0.30880996997674652334816246988670051092", "1.4905633884217805706284679584665446902307",
          "-1.23523987990698609339264987954680204368",
          "0.4358665215084589994160194511935568425293"},
    .c = {"0", "0.8717330430169179988320389023871136850586", "1", "1"},
    .b_embedded = {"0.4905633884217805706284679584665446902307",
                   "0.07357009006976042995551259033989846724",
                   "0.4358665215084589994160194511935568425293", "0"},
    .dense_order = 3,
};

class Kvaerno3 final : public odeum::DiagonallyImplicit {
 public:
  static odeum::Schema schema() {
    return odeum::Schema(
               "Kvaerno's ESDIRK 3(2) of four stages; method and companion stiffly accurate, the "
               "method L-stable")
        .cite(
            "A. Kvaerno, Singly diagonally implicit Runge-Kutta methods with an explicit first "
            "stage, BIT 44 (2004) 489-502")
        .include(odeum::newton_keys());
  }
  explicit Kvaerno3(const odeum::Config& config)
      : DiagonallyImplicit(odeum::newton_options(config)) {}
  const odeum::Tableau& tableau() const override { return kTableau; }
};

}  // namespace

ODEUM_PLUGIN(solver, "kvaerno3", Kvaerno3, "1.0.0", "Kvaerno ESDIRK 3(2), L-stable")
