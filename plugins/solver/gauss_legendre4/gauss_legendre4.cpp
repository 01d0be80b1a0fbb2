// SPDX-License-Identifier: Apache-2.0
#include "odeum/implicit.hpp"

namespace {

// Collocation at (3 -+ sqrt(3)) / 6.
const odeum::Tableau kTableau{
    .order = 4,
    .a = {{"0.25", "-0.0386751345948128822545743902509787278238"},
          {"0.5386751345948128822545743902509787278238", "0.25"}},
    .b = {"0.5", "0.5"},
    .c = {"0.2113248654051871177454256097490212721762",
          "0.7886751345948128822545743902509787278238"},
    .dense = {{"1.3660254037844386467637231707529361834714",
               "-0.8660254037844386467637231707529361834714"},
              {"-0.3660254037844386467637231707529361834714",
               "0.8660254037844386467637231707529361834714"}},
    .dense_order = 2,
};

class GaussLegendre4 final : public odeum::FullyImplicit {
 public:
  static odeum::Schema schema() {
    return odeum::Schema(
               "Gauss-Legendre of two stages, order 4, A-stable, symmetric and symplectic with "
               "given steps; adaptive by the defect of its collocation polynomial at the step's "
               "beginning, which goes to zero as h^3, filtered. Errors in very stiff components "
               "stay: radau5 damps them")
        .cite("J. C. Butcher, Implicit Runge-Kutta processes, Math. Comp. 18 (1964) 50-64")
        .cite(
            "E. Hairer, G. Wanner, Solving Ordinary Differential Equations II (1996), IV.8, eq. "
            "(8.19): the estimate")
        .include(odeum::newton_keys());
  }
  explicit GaussLegendre4(const odeum::Config& config)
      : FullyImplicit(odeum::newton_options(config)) {}
  const odeum::Tableau& tableau() const override { return kTableau; }
  // The modulus of the eigenvalues of A, 1 / sqrt(12).
  odeum::Coefficient error_weight() const override {
    return "0.2886751345948128822545743902509787278238";
  }
};

}  // namespace

ODEUM_PLUGIN(solver, "gauss_legendre4", GaussLegendre4, "1.0.0",
             "Gauss-Legendre of order 4, A-stable")
