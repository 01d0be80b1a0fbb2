// SPDX-License-Identifier: Apache-2.0
#include "odeum/implicit.hpp"

namespace {

// The first stage is the last step's rate and serves the companion alone.
const odeum::Tableau kTableau{
    .order = 1,
    .embedded_order = 2,
    .a = {{}, {"0", "1"}},
    .b = {"0", "1"},
    .c = {"0", "1"},
    .b_embedded = {"1/2", "1/2"},
    .dense_order = 3,
};

class ImplicitEuler final : public odeum::DiagonallyImplicit {
 public:
  static odeum::Schema schema() {
    return odeum::Schema(
               "Implicit Euler, order 1, L-stable; adaptive: its difference to the trapezoidal "
               "rule, which is the divided difference h/2 (f1 - f0) of the rates")
        .cite("E. Hairer, G. Wanner, Solving Ordinary Differential Equations II (1996), IV.3")
        .cite(
            "K. E. Brenan, S. L. Campbell, L. R. Petzold, Numerical Solution of Initial-Value "
            "Problems in Differential-Algebraic Equations (1996), 5.2: local error from divided "
            "differences")
        .include(odeum::newton_keys());
  }
  explicit ImplicitEuler(const odeum::Config& config)
      : DiagonallyImplicit(odeum::newton_options(config)) {}
  const odeum::Tableau& tableau() const override { return kTableau; }
};

}  // namespace

ODEUM_PLUGIN(solver, "implicit_euler", ImplicitEuler, "1.0.0", "Implicit Euler, order 1, L-stable")
