// SPDX-License-Identifier: Apache-2.0
#include "odeum/controller.hpp"

namespace {

using namespace odeum;

class Constant final : public Controller {
 public:
  static Schema schema() { return Schema("Keeps the given step and accepts every attempt"); }
  bool adaptive() const override { return false; }
  ControlOutputs decide(const ControlInputs& in) const override {
    return {.accept = ones_like(in.h), .next_h = in.h, .memory = {}};
  }
};

}  // namespace

ODEUM_PLUGIN(controller, "constant", Constant, "1.0.0", "Given steps, every one accepted")
