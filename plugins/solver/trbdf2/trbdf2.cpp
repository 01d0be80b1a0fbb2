// SPDX-License-Identifier: Apache-2.0
#include "odeum/implicit.hpp"

namespace {

// d = 1 - sqrt(2) / 2, w = sqrt(2) / 4.
const odeum::Tableau kTableau{
    .order = 2,
    .embedded_order = 3,
    .a = {{},
          {"0.2928932188134524755991556378951509607152",
           "0.2928932188134524755991556378951509607152"},
          {"0.3535533905932737622004221810524245196424",
           "0.3535533905932737622004221810524245196424",
           "0.2928932188134524755991556378951509607152"}},
    .b = {"0.3535533905932737622004221810524245196424",
          "0.3535533905932737622004221810524245196424",
          "0.2928932188134524755991556378951509607152"},
    .c = {"0", "0.5857864376269049511983112757903019214303", "1"},
    .b_embedded = {"0.2154822031355754125998592729825251601192",
                   "0.6868867239266070955337555143857578529758",
                   "0.0976310729378174918663852126317169869051"},
    .dense_order = 3,
};

class TrBdf2 final : public odeum::DiagonallyImplicit {
 public:
  static odeum::Schema schema() {
    return odeum::Schema(
               "TR-BDF2 as an ESDIRK of order 2, L-stable and stiffly accurate, with a companion "
               "of order 3 whose error estimate is filtered by (I - h d J)^-1")
        .cite(
            "R. E. Bank et al., Transient simulation of silicon devices and circuits, IEEE Trans. "
            "CAD 4 (1985) 436-451")
        .cite(
            "M. E. Hosea, L. F. Shampine, Analysis and implementation of TR-BDF2, Appl. Numer. "
            "Math. 20 (1996) 21-37")
        .include(odeum::newton_keys());
  }
  explicit TrBdf2(const odeum::Config& config)
      : DiagonallyImplicit(odeum::newton_options(config)) {}
  const odeum::Tableau& tableau() const override { return kTableau; }
  bool filters_error() const override { return true; }
};

}  // namespace

ODEUM_PLUGIN(solver, "trbdf2", TrBdf2, "1.0.0", "TR-BDF2, order 2(3), L-stable")
