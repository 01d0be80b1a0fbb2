// SPDX-License-Identifier: Apache-2.0
#include "../coefficient.hpp"
#include "odeum/field.hpp"
#include "odeum/plugin.hpp"

namespace odeum::fields {
namespace {

class Lorenz63 final : public VectorField {
 public:
  static Schema schema() {
    Schema s(
        "Lorenz' three equations of convection, state (x, y, z): x' = sigma (y - x), y' = x (rho - "
        "z) - y, z' = x y - beta z");
    s.cite("Lorenz, Deterministic nonperiodic flow, J. Atmos. Sci. 20 (1963) 130-141");
    s.number("sigma", 10.0, "Prandtl number [1]");
    s.number("rho", 28.0, "Rayleigh number over its critical value [1]");
    s.number("beta", 8.0 / 3.0, "geometry of the convection cell [1]");
    Coefficients::declare(s);
    return s;
  }

  explicit Lorenz63(const Config& config) : coefficient_(config) {}

  Tensor operator()(Scope& scope, Tensor /*t*/, Tensor state) const override {
    const auto [x, y, z] = split<1, 1, 1>(state);
    Tensor sigma = coefficient_(scope, "sigma", state);
    Tensor rho = coefficient_(scope, "rho", state);
    Tensor beta = coefficient_(scope, "beta", state);
    return concat({sigma * (y - x), x * (rho - z) - y, x * y - beta * z});
  }

  std::int64_t features() const override { return 3; }
  std::vector<std::string> components() const override { return {"x", "y", "z"}; }

 private:
  Coefficients coefficient_;
};

ODEUM_PLUGIN(field, "lorenz63", Lorenz63, "1.0.0", "Lorenz 1963")

}  // namespace
}  // namespace odeum::fields
