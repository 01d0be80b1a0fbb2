// SPDX-License-Identifier: Apache-2.0
// Plugins whose constructor, or schema, throws one thing each.
#include <new>
#include <stdexcept>

#include "odeum/controller.hpp"
#include "odeum/plugin.hpp"

namespace odeum::test {
namespace {

class Silent : public Controller {
 public:
  static Schema schema() { return Schema("Throws").number("value", 1.0, "not liked"); }
  ControlOutputs decide(const ControlInputs& in) const override { return {in.h, in.h, {}}; }
};

struct ThrowsConfigError final : Silent {
  explicit ThrowsConfigError(const Config& config) { config.fail("value", "it is not liked"); }
};
struct ThrowsRunError final : Silent {
  explicit ThrowsRunError(const Config&) { throw RunError("the device is gone"); }
};
struct ThrowsException final : Silent {
  explicit ThrowsException(const Config&) { throw std::invalid_argument("three is no prime"); }
};
struct ThrowsBadAlloc final : Silent {
  explicit ThrowsBadAlloc(const Config&) { throw std::bad_alloc(); }
};
struct ThrowsInt final : Silent {
  explicit ThrowsInt(const Config&) { throw 5; }
};
struct ThrowsInSchema final : Silent {
  static Schema schema() {
    return Schema("Repeats a key").number("a", 1.0, "x").number("a", 2.0, "y");
  }
};

ODEUM_PLUGIN(controller, "throws_config_error", ThrowsConfigError, "1.0.0", "Throws")
ODEUM_PLUGIN(controller, "throws_run_error", ThrowsRunError, "1.0.0", "Throws")
ODEUM_PLUGIN(controller, "throws_exception", ThrowsException, "1.0.0", "Throws")
ODEUM_PLUGIN(controller, "throws_bad_alloc", ThrowsBadAlloc, "1.0.0", "Throws")
ODEUM_PLUGIN(controller, "throws_int", ThrowsInt, "1.0.0", "Throws")
ODEUM_PLUGIN(controller, "throws_in_schema", ThrowsInSchema, "1.0.0", "Throws")

}  // namespace
}  // namespace odeum::test
