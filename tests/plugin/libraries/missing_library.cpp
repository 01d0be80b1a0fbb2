// SPDX-License-Identifier: Apache-2.0
// Needs a library that is not found when it is loaded.
#include "odeum/controller.hpp"
#include "odeum/plugin.hpp"

extern "C" double odeum_test_absent();

namespace odeum::test {
namespace {

class Missing final : public Controller {
 public:
  static Schema schema() { return Schema("Missing"); }
  std::vector<double> initial_memory() const override { return {odeum_test_absent()}; }
  ControlOutputs decide(const ControlInputs& in) const override { return {in.h, in.h, {}}; }
};

ODEUM_PLUGIN(controller, "missing_library", Missing, "1.0.0", "Needs a library")

}  // namespace
}  // namespace odeum::test
