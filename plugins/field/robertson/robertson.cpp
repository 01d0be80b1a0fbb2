// SPDX-License-Identifier: Apache-2.0
#include "../coefficient.hpp"
#include "odeum/field.hpp"
#include "odeum/plugin.hpp"

namespace odeum::fields {
namespace {

class Robertson final : public VectorField {
 public:
  static Schema schema() {
    Schema s(
        "Robertson's chemical kinetics, stiff, state (a, b, c): a' = -k1 a + k3 b c, b' = k1 a - "
        "k3 b c - k2 b^2, c' = k2 b^2; a + b + c is conserved");
    s.cite(
        "Robertson, The solution of a set of reaction rate equations, Numerical Analysis: An "
        "Introduction (1966) 178-182");
    s.number("k1", 0.04, "slow decay of a [1/s]");
    s.number("k2", 3e7, "very fast reaction of b with itself [1/s]");
    s.number("k3", 1e4, "fast reaction of b and c back to a [1/s]");
    Coefficients::declare(s);
    return s;
  }

  explicit Robertson(const Config& config) : coefficient_(config) {}

  Tensor operator()(Scope& scope, Tensor /*t*/, Tensor state) const override {
    const auto [a, b, c] = split<1, 1, 1>(state);
    const Tensor decay = coefficient_(scope, "k1", state) * a;
    const Tensor fast = coefficient_(scope, "k2", state) * b * b;
    const Tensor back = coefficient_(scope, "k3", state) * b * c;
    return concat({back - decay, decay - back - fast, fast});
  }

  std::int64_t features() const override { return 3; }
  std::vector<std::string> components() const override { return {"a", "b", "c"}; }

 private:
  Coefficients coefficient_;
};

ODEUM_PLUGIN(field, "robertson", Robertson, "1.0.0", "Robertson's stiff kinetics")

}  // namespace
}  // namespace odeum::fields
