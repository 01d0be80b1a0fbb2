// SPDX-License-Identifier: Apache-2.0
// Two plugins in one file, as they should be.
#include "odeum/controller.hpp"
#include "odeum/plugin.hpp"

namespace odeum::test {
namespace {

class Good final : public Controller {
 public:
  static Schema schema() {
    return Schema("A good controller").number("value", 3.0, "returned as its memory").at_least(0);
  }
  explicit Good(const Config& config) : value_(config.number("value")) {}
  std::vector<double> initial_memory() const override { return {value_}; }
  ControlOutputs decide(const ControlInputs& in) const override { return {in.h, in.h, {}}; }

 private:
  double value_;
};

class AlsoGood final : public Controller {
 public:
  static Schema schema() { return Schema("Another, without keys and without a Config"); }
  bool adaptive() const override { return false; }
  ControlOutputs decide(const ControlInputs& in) const override { return {in.h, in.h, {}}; }
};

ODEUM_PLUGIN(controller, "good", Good, "1.2.3", "A good controller")
ODEUM_PLUGIN(controller, "also_good", AlsoGood, "1.0.0", "Another one")

}  // namespace
}  // namespace odeum::test
