// SPDX-License-Identifier: Apache-2.0
#include "odeum/solver.hpp"

namespace {

const odeum::Tableau kTableau{
    .order = 2,
    .embedded_order = 1,
    .a = {{}, {"1"}},
    .b = {"1/2", "1/2"},
    .c = {"0", "1"},
    .b_embedded = {"1", "0"},
    .dense = {{"1", "-1/2"}, {"0", "1/2"}},
    .dense_order = 2,
};

class AdaptiveHeun final : public odeum::RungeKutta {
 public:
  static odeum::Schema schema() {
    return odeum::Schema(
               "Heun-Euler 2(1): the method of solver/heun under the name that torchdiffeq gives "
               "it; adaptive, or with given steps; parabolic dense output")
        .cite(
            "K. Heun, Neue Methode zur approximativen Integration der Differentialgleichungen "
            "einer unabhaengigen Veraenderlichen, Z. Math. Phys. 45 (1900) 23-38")
        .cite("R. T. Q. Chen, torchdiffeq (2018): adaptive_heun");
  }
  const odeum::Tableau& tableau() const override { return kTableau; }
};

}  // namespace

ODEUM_PLUGIN(solver, "adaptive_heun", AdaptiveHeun, "1.0.0", "Heun-Euler 2(1)")
