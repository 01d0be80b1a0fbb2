// SPDX-License-Identifier: Apache-2.0
#include "../coefficient.hpp"
#include "odeum/field.hpp"
#include "odeum/plugin.hpp"

namespace odeum::fields {
namespace {

class Brusselator final : public VectorField {
 public:
  static Schema schema() {
    Schema s(
        "The Brusselator, an oscillating reaction, state (x, y): x' = a + x^2 y - (b + 1) x, y' = "
        "b x - x^2 y; a limit cycle where b > 1 + a^2");
    s.cite(
        "Prigogine, Lefever, Symmetry breaking instabilities in dissipative systems II, J. Chem. "
        "Phys. 48 (1968) 1695-1700");
    s.cite("Hairer, Norsett, Wanner, Solving Ordinary Differential Equations I (1993), I.16");
    s.number("a", 1.0, "supply of x [1]");
    s.number("b", 3.0, "conversion of x to y [1]");
    Coefficients::declare(s);
    return s;
  }

  explicit Brusselator(const Config& config) : coefficient_(config) {}

  Tensor operator()(Scope& scope, Tensor /*t*/, Tensor state) const override {
    const auto [x, y] = split<1, 1>(state);
    const Tensor a = coefficient_(scope, "a", state);
    const Tensor converted = coefficient_(scope, "b", state) * x;
    const Tensor grown = x * x * y;
    return concat({a + grown - converted - x, converted - grown});
  }

  std::int64_t features() const override { return 2; }
  std::vector<std::string> components() const override { return {"x", "y"}; }

 private:
  Coefficients coefficient_;
};

ODEUM_PLUGIN(field, "brusselator", Brusselator, "1.0.0", "The Brusselator")

}  // namespace
}  // namespace odeum::fields
