// SPDX-License-Identifier: Apache-2.0
#include "odeum/implicit.hpp"

namespace {

// Numerators and denominators as published: they approximate the roots to about 25 digits.
const odeum::Tableau kExplicit{
    .order = 3,
    .embedded_order = 2,
    .a = {{},
          {"1767732205903/2027836641118"},
          {"5535828885825/10492691773637", "788022342437/10882634858940"},
          {"6485989280629/16251701735622", "-4246266847089/9704473918619",
           "10755448449292/10357097424841"}},
    .b = {"1471266399579/7840856788654", "-4482444167858/7529755066697",
          "11266239266428/11593286722821", "1767732205903/4055673282236"},
    .c = {"0", "1767732205903/2027836641118", "3/5", "1"},
    .b_embedded = {"2756255671327/12835298489170", "-10771552573575/22201958757719",
                   "9247589265047/10645013368117", "2193209047091/5459859503100"},
    .dense_order = 2,
};

const odeum::Tableau kImplicit{
    .order = 3,
    .embedded_order = 2,
    .a = {{},
          {"1767732205903/4055673282236", "1767732205903/4055673282236"},
          {"2746238789719/10658868560708", "-640167445237/6845629431997",
           "1767732205903/4055673282236"},
          {"1471266399579/7840856788654", "-4482444167858/7529755066697",
           "11266239266428/11593286722821", "1767732205903/4055673282236"}},
    .b = {"1471266399579/7840856788654", "-4482444167858/7529755066697",
          "11266239266428/11593286722821", "1767732205903/4055673282236"},
    .c = {"0", "1767732205903/2027836641118", "3/5", "1"},
    .b_embedded = {"2756255671327/12835298489170", "-10771552573575/22201958757719",
                   "9247589265047/10645013368117", "2193209047091/5459859503100"},
    .dense = {{"4655552711362/22874653954995", "-215264564351/13552729205753"},
              {"-18682724506714/9892148508045", "17870216137069/13817060693119"},
              {"34259539580243/13192909600954", "-28141676662227/17317692491321"},
              {"584795268549/6622622206610", "2508943948391/7218656332882"}},
    .dense_order = 2,
};

class KenCarp3 final : public odeum::ImplicitExplicit {
 public:
  static odeum::Schema schema() {
    return odeum::Schema(
               "ARK3(2)4L[2]SA, implicit-explicit of order 3: the field's stiff part by an "
               "L-stable, stiffly accurate ESDIRK, the rest explicitly")
        .cite(
            "C. A. Kennedy, M. H. Carpenter, Additive Runge-Kutta schemes for "
            "convection-diffusion-reaction equations, Appl. Numer. Math. 44 (2003) 139-181")
        .include(odeum::newton_keys());
  }
  explicit KenCarp3(const odeum::Config& config)
      : ImplicitExplicit(odeum::newton_options(config)) {}
  const odeum::Tableau& explicit_tableau() const override { return kExplicit; }
  const odeum::Tableau& implicit_tableau() const override { return kImplicit; }
};

}  // namespace

ODEUM_PLUGIN(solver, "kencarp3", KenCarp3, "1.0.0", "Kennedy-Carpenter ARK 3(2), implicit-explicit")
