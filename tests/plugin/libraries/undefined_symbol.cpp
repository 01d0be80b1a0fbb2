// SPDX-License-Identifier: Apache-2.0
// Needs a function that nobody has; linked without the check that refuses this.
#include "odeum/controller.hpp"
#include "odeum/plugin.hpp"

double a_function_that_nobody_has();

namespace odeum::test {
namespace {

class Undefined final : public Controller {
 public:
  static Schema schema() { return Schema("Undefined"); }
  std::vector<double> initial_memory() const override { return {a_function_that_nobody_has()}; }
  ControlOutputs decide(const ControlInputs& in) const override { return {in.h, in.h, {}}; }
};

ODEUM_PLUGIN(controller, "undefined_symbol", Undefined, "1.0.0", "Needs what nobody has")

}  // namespace
}  // namespace odeum::test
