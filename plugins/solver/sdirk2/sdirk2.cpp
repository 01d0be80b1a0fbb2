// SPDX-License-Identifier: Apache-2.0
#include "odeum/implicit.hpp"

namespace {

// Diagonal 1 - sqrt(2) / 2; companion 2 - 5 sqrt(2) / 4.
const odeum::Tableau kTableau{
    .order = 2,
    .embedded_order = 1,
    .a = {{"0.2928932188134524755991556378951509607152"},
          {"0.7071067811865475244008443621048490392848",
           "0.2928932188134524755991556378951509607152"}},
    .b = {"0.7071067811865475244008443621048490392848",
          "0.2928932188134524755991556378951509607152"},
    .c = {"0.2928932188134524755991556378951509607152", "1"},
    .b_embedded = {"0.7677669529663688110021109052621225982121",
                   "0.2322330470336311889978890947378774017879"},
    .dense_order = 3,
};

class Sdirk2 final : public odeum::DiagonallyImplicit {
 public:
  static odeum::Schema schema() {
    return odeum::Schema(
               "Alexander's SDIRK of two stages, order 2, L-stable and stiffly accurate, with "
               "Ellsiepen's companion of order 1")
        .cite(
            "R. Alexander, Diagonally implicit Runge-Kutta methods for stiff ODEs, SIAM J. Numer. "
            "Anal. 14 (1977) 1006-1021")
        .cite(
            "P. Ellsiepen, S. Hartmann, Remarks on the interpretation of current non-linear finite "
            "element analyses as differential-algebraic equations, Int. J. Numer. Meth. Engng 51 "
            "(2001) 679-707: the companion")
        .include(odeum::newton_keys());
  }
  explicit Sdirk2(const odeum::Config& config)
      : DiagonallyImplicit(odeum::newton_options(config)) {}
  const odeum::Tableau& tableau() const override { return kTableau; }
};

}  // namespace

ODEUM_PLUGIN(solver, "sdirk2", Sdirk2, "1.0.0", "Alexander SDIRK 2(1), L-stable")
