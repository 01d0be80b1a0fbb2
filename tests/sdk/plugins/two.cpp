// SPDX-License-Identifier: Apache-2.0
// One file with a field and a controller.
#include <odeum/controller.hpp>
#include <odeum/field.hpp>

namespace {

using namespace odeum;

class Rotor final : public VectorField {
 public:
  static Schema schema() {
    return Schema("Rotation, x' = -rate y, y' = rate x").number("rate", 1.0, "angular rate [1/s]");
  }
  explicit Rotor(const Config& config) : rate_(config.number("rate")) {}
  Tensor operator()(Scope&, Tensor, Tensor state) const override {
    const auto [x, y] = split<1, 1>(state);
    return concat({-rate_ * y, rate_ * x});
  }
  std::int64_t features() const override { return 2; }

 private:
  double rate_;
};

/// Half the step where the error is over the tolerance, twice where it is far below, else as it is.
class Halving final : public Controller {
 public:
  static Schema schema() { return Schema("Halves and doubles the step"); }
  ControlOutputs decide(const ControlInputs& in) const override {
    const Tensor one = ones_like(in.error_ratio);
    // An error that is not a number is not less than one.
    const Tensor accept = max(less(in.error_ratio, one), equal(in.error_ratio, one));
    const Tensor spare = less(in.error_ratio, 0.01 * one);
    const Tensor factor = select(accept, select(spare, 2.0 * one, one), 0.5 * one);
    return {.accept = accept, .next_h = factor * in.h, .memory = {}};
  }
};

}  // namespace

ODEUM_PLUGIN(field, "rotor", Rotor, "1.0.0", "Rotation in the plane")
ODEUM_PLUGIN(controller, "halving", Halving, "2.0.0", "Halves and doubles the step")
