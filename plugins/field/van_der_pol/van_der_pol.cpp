// SPDX-License-Identifier: Apache-2.0
#include "../coefficient.hpp"
#include "odeum/field.hpp"
#include "odeum/plugin.hpp"

namespace odeum::fields {
namespace {

class VanDerPol final : public VectorField {
 public:
  static Schema schema() {
    Schema s(
        "Van der Pol's oscillator, state (x, v): x' = v, v' = mu (1 - x^2) v - x; stiff for large "
        "mu, its stiff part the second equation");
    s.cite("van der Pol, On relaxation-oscillations, Phil. Mag. 2 (1926) 978-992");
    s.number("mu", 1.0, "strength of the nonlinear damping [1]");
    Coefficients::declare(s);
    return s;
  }

  explicit VanDerPol(const Config& config) : coefficient_(config) {}

  Tensor operator()(Scope& scope, Tensor /*t*/, Tensor state) const override {
    const auto [x, v] = split<1, 1>(state);
    Tensor mu = coefficient_(scope, "mu", state);
    return concat({v, mu * (1.0 - square(x)) * v - x});
  }

  bool has_stiff_part() const override { return true; }
  Tensor stiff_part(Scope& scope, Tensor /*t*/, Tensor state) const override {
    const auto [x, v] = split<1, 1>(state);
    Tensor mu = coefficient_(scope, "mu", state);
    return concat({zeros_like(v), mu * (1.0 - square(x)) * v - x});
  }
  Tensor rest(Scope& /*scope*/, Tensor /*t*/, Tensor state) const override {
    const auto [x, v] = split<1, 1>(state);
    return concat({v, zeros_like(x)});
  }

  std::int64_t features() const override { return 2; }
  std::vector<std::string> components() const override { return {"x", "v"}; }

 private:
  Coefficients coefficient_;
};

ODEUM_PLUGIN(field, "van_der_pol", VanDerPol, "1.0.0", "Van der Pol's oscillator")

}  // namespace
}  // namespace odeum::fields
