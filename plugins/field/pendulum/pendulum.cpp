// SPDX-License-Identifier: Apache-2.0
#include "../coefficient.hpp"
#include "odeum/field.hpp"
#include "odeum/plugin.hpp"

namespace odeum::fields {
namespace {

class Pendulum final : public VectorField {
 public:
  static Schema schema() {
    Schema s(
        "Damped pendulum, state (angle [rad], from hanging; rate [rad/s]): angle' = rate, rate' = "
        "-stiffness sin(angle) - damping rate");
    s.number("stiffness", 1.0,
             "gravity over length, the squared frequency of small swings [1/s^2]");
    s.number("damping", 0.1, "friction coefficient [1/s]").at_least(0);
    Coefficients::declare(s);
    return s;
  }

  explicit Pendulum(const Config& config) : coefficient_(config) {}

  Tensor operator()(Scope& scope, Tensor /*t*/, Tensor state) const override {
    const auto [angle, rate] = split<1, 1>(state);
    Tensor stiffness = coefficient_(scope, "stiffness", state);
    Tensor damping = coefficient_(scope, "damping", state);
    return concat({rate, -(stiffness * sin(angle)) - damping * rate});
  }

  std::int64_t features() const override { return 2; }
  std::vector<std::string> components() const override { return {"angle", "rate"}; }

 private:
  Coefficients coefficient_;
};

ODEUM_PLUGIN(field, "pendulum", Pendulum, "1.0.0", "Damped pendulum")

}  // namespace
}  // namespace odeum::fields
