// SPDX-License-Identifier: Apache-2.0
#include "../coefficient.hpp"
#include "odeum/field.hpp"
#include "odeum/plugin.hpp"

namespace odeum::fields {
namespace {

class LotkaVolterra final : public VectorField {
 public:
  static Schema schema() {
    Schema s(
        "Prey and predator, state (prey, predator): prey' = alpha prey - beta prey predator, "
        "predator' = delta prey predator - gamma predator");
    s.cite("Lotka, Proc. Natl. Acad. Sci. 6 (1920) 410-415; Volterra, Nature 118 (1926) 558-560");
    s.number("alpha", 1.5, "growth rate of the prey [1/time]");
    s.number("beta", 1.0, "rate at which a predator takes prey [1/(predator time)]");
    s.number("gamma", 3.0, "death rate of the predator [1/time]");
    s.number("delta", 1.0, "growth rate of the predator per prey [1/(prey time)]");
    Coefficients::declare(s);
    return s;
  }

  explicit LotkaVolterra(const Config& config) : coefficient_(config) {}

  Tensor operator()(Scope& scope, Tensor /*t*/, Tensor state) const override {
    const auto [prey, predator] = split<1, 1>(state);
    Tensor alpha = coefficient_(scope, "alpha", state);
    Tensor beta = coefficient_(scope, "beta", state);
    Tensor gamma = coefficient_(scope, "gamma", state);
    Tensor delta = coefficient_(scope, "delta", state);
    Tensor meetings = prey * predator;
    return concat({alpha * prey - beta * meetings, delta * meetings - gamma * predator});
  }

  std::int64_t features() const override { return 2; }
  std::vector<std::string> components() const override { return {"prey", "predator"}; }

 private:
  Coefficients coefficient_;
};

ODEUM_PLUGIN(field, "lotka_volterra", LotkaVolterra, "1.0.0",
             "Lotka and Volterra's prey and predator")

}  // namespace
}  // namespace odeum::fields
