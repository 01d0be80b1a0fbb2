// SPDX-License-Identifier: Apache-2.0
#include "../coefficient.hpp"
#include "odeum/field.hpp"
#include "odeum/plugin.hpp"

namespace odeum::fields {
namespace {

class FallingBody final : public VectorField {
 public:
  static Schema schema() {
    Schema s(
        "Body in free fall, state (height [m], velocity [m/s], upwards): height' = velocity, "
        "velocity' = -gravity - drag velocity |velocity|. Event `ground`: height 0");
    s.number("gravity", 9.81, "acceleration downwards [m/s^2]");
    s.number("drag", 0.0, "deceleration at unit speed [1/m]").at_least(0);
    Coefficients::declare(s);
    return s;
  }

  explicit FallingBody(const Config& config) : coefficient_(config) {}

  Tensor operator()(Scope& scope, Tensor /*t*/, Tensor state) const override {
    const auto [height, velocity] = split<1, 1>(state);
    Tensor gravity = coefficient_(scope, "gravity", state);
    Tensor drag = coefficient_(scope, "drag", state);
    return concat({velocity, -gravity - drag * velocity * abs(velocity)});
  }

  std::vector<std::string> events() const override { return {"ground"}; }
  Tensor event_functions(Scope& /*scope*/, Tensor /*t*/, Tensor state) const override {
    return slice(state, 1, 0, 1);
  }

  std::int64_t features() const override { return 2; }
  std::vector<std::string> components() const override { return {"height", "velocity"}; }

 private:
  Coefficients coefficient_;
};

ODEUM_PLUGIN(field, "falling_body", FallingBody, "1.0.0", "Body in free fall, with drag")

}  // namespace
}  // namespace odeum::fields
