// SPDX-License-Identifier: Apache-2.0
// A plugin whose constructor never returns.
#include <chrono>
#include <thread>

#include "odeum/controller.hpp"
#include "odeum/plugin.hpp"

namespace odeum::test {
namespace {

class Endless final : public Controller {
 public:
  static Schema schema() { return Schema("Takes for ever"); }
  Endless() {
    for (;;) std::this_thread::sleep_for(std::chrono::seconds(1));
  }
  ControlOutputs decide(const ControlInputs& in) const override { return {in.h, in.h, {}}; }
};

ODEUM_PLUGIN(controller, "endless", Endless, "1.0.0", "Never made")

}  // namespace
}  // namespace odeum::test
