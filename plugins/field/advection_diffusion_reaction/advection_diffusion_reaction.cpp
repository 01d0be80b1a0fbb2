// SPDX-License-Identifier: Apache-2.0
#include "../coefficient.hpp"
#include "odeum/field.hpp"
#include "odeum/plugin.hpp"

namespace odeum::fields {
namespace {

/// The values `by` grid points further on a ring.
Tensor shifted(Tensor u, std::int64_t by) {
  const std::int64_t n = u.extent(-1);
  const std::int64_t cut = (by % n + n) % n;
  if (cut == 0) return u;
  return concat({slice(u, -1, cut, n), slice(u, -1, 0, cut)});
}

/// Semidiscrete, central differences of second order: diffusion's eigenvalues grow with the square
/// of the number of points, advection's linearly, the reaction's not at all.
class AdvectionDiffusionReaction final : public VectorField {
 public:
  static Schema schema() {
    Schema s(
        "Advection, diffusion and logistic growth on a ring, u_t = -speed u_x + diffusivity u_xx + "
        "growth u (1 - u), by central differences on as many points as the state has components; "
        "its stiff part is the diffusion");
    s.cite(
        "Fisher, The wave of advance of advantageous genes, Annals of Eugenics 7 (1937) 355-369");
    s.cite(
        "Ascher, Ruuth, Wetton, Implicit-explicit methods for time-dependent partial differential "
        "equations, SIAM J. Numer. Anal. 32 (1995) 797-823: the splitting");
    s.number("length", 1.0, "circumference of the ring [length]").above(0);
    s.number("speed", 1.0, "advection to larger x [length/time]");
    s.number("diffusivity", 0.05, "diffusion [length^2/time]").at_least(0);
    s.number("growth", 1.0, "rate of growth at small u [1/time]");
    Coefficients::declare(s);
    return s;
  }

  explicit AdvectionDiffusionReaction(const Config& config)
      : coefficient_(config), length_(config.number("length")) {}

  Tensor operator()(Scope& scope, Tensor t, Tensor u) const override {
    return rest(scope, t, u) + stiff_part(scope, t, u);
  }
  bool has_stiff_part() const override { return true; }
  Tensor stiff_part(Scope& scope, Tensor /*t*/, Tensor u) const override {
    const Tensor bend = shifted(u, 1) - 2.0 * u + shifted(u, -1);
    return coefficient_(scope, "diffusivity", u) * (bend / (spacing(u) * spacing(u)));
  }
  Tensor rest(Scope& scope, Tensor /*t*/, Tensor u) const override {
    const Tensor slope = (shifted(u, 1) - shifted(u, -1)) / (2.0 * spacing(u));
    return coefficient_(scope, "growth", u) * (u * (1.0 - u)) -
           coefficient_(scope, "speed", u) * slope;
  }

 private:
  double spacing(Tensor u) const { return length_ / static_cast<double>(u.extent(-1)); }

  Coefficients coefficient_;
  double length_;
};

ODEUM_PLUGIN(field, "advection_diffusion_reaction", AdvectionDiffusionReaction, "1.0.0",
             "Advection, diffusion and growth on a ring, with a stiff part")

}  // namespace
}  // namespace odeum::fields
