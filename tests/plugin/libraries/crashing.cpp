// SPDX-License-Identifier: Apache-2.0
// A plugin that kills the process as soon as it is asked for its schema.
#include <csignal>

#include "odeum/controller.hpp"
#include "odeum/plugin.hpp"

namespace odeum::test {
namespace {

class Crashing final : public Controller {
 public:
  static Schema schema() {
    std::raise(SIGKILL);  // a signal that no sanitizer catches
    return Schema("Never said");
  }
  ControlOutputs decide(const ControlInputs& in) const override { return {in.h, in.h, {}}; }
};

ODEUM_PLUGIN(controller, "crashing", Crashing, "1.0.0", "Kills the process")

}  // namespace
}  // namespace odeum::test
