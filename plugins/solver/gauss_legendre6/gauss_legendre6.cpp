// SPDX-License-Identifier: Apache-2.0
#include "odeum/implicit.hpp"

namespace {

// Collocation at (5 -+ sqrt(15)) / 10 and 1/2.
const odeum::Tableau kTableau{
    .order = 6,
    .a = {{"0.1388888888888888888888888888888888888889", "-0.0359766675249389034563954710966044185",
           "0.0097894440153083260495800422294755685278"},
          {"0.3002631949808645924380249472131555393403",
           "0.2222222222222222222222222222222222222222",
           "-0.0224854172030868146602471694353777615625"},
          {"0.26798833376246945172819773554830220925", "0.4804211119693833479008399155410488629444",
           "0.1388888888888888888888888888888888888889"}},
    .b = {"0.2777777777777777777777777777777777777778",
          "0.4444444444444444444444444444444444444444",
          "0.2777777777777777777777777777777777777778"},
    .c = {"0.1127016653792583114820734600217600389167", "0.5",
          "0.8872983346207416885179265399782399610833"},
    .dense = {{"1.4788305577012361475298775666303999351388",
               "-2.3121638910345694808632108999637332684722",
               "1.1111111111111111111111111111111111111111"},
              {"-0.6666666666666666666666666666666666666667",
               "3.3333333333333333333333333333333333333333",
               "-2.2222222222222222222222222222222222222222"},
              {"0.1878361089654305191367891000362667315278",
               "-1.0211694422987638524701224333696000648612",
               "1.1111111111111111111111111111111111111111"}},
    .dense_order = 3,
};

class GaussLegendre6 final : public odeum::FullyImplicit {
 public:
  static odeum::Schema schema() {
    return odeum::Schema(
               "Gauss-Legendre of three stages, order 6, A-stable, symmetric and symplectic with "
               "given steps; adaptive by the defect of its collocation polynomial at the step's "
               "beginning, which goes to zero as h^4, filtered. Errors in very stiff components "
               "stay: radau5 damps them")
        .cite("J. C. Butcher, Implicit Runge-Kutta processes, Math. Comp. 18 (1964) 50-64")
        .cite(
            "E. Hairer, G. Wanner, Solving Ordinary Differential Equations II (1996), IV.8, eq. "
            "(8.19): the estimate")
        .include(odeum::newton_keys());
  }
  explicit GaussLegendre6(const odeum::Config& config)
      : FullyImplicit(odeum::newton_options(config)) {}
  const odeum::Tableau& tableau() const override { return kTableau; }
  // The real eigenvalue of A.
  odeum::Coefficient error_weight() const override {
    return "0.2153144231161121782447335303806954707519";
  }
};

}  // namespace

ODEUM_PLUGIN(solver, "gauss_legendre6", GaussLegendre6, "1.0.0",
             "Gauss-Legendre of order 6, A-stable")
