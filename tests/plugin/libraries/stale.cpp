// SPDX-License-Identifier: Apache-2.0
// The record in the file is not the one that the loaded library hands over.
#include "odeum/controller.hpp"
#include "odeum/plugin.hpp"

namespace odeum::test {
namespace {

class Stale final : public Controller {
 public:
  static Schema schema() { return Schema("Stale"); }
  ControlOutputs decide(const ControlInputs& in) const override { return {in.h, in.h, {}}; }
};

[[gnu::section(".odeum"), gnu::used, gnu::retain]] constexpr PluginRecord in_the_file =
    detail::make_record(ODEUM_ABI_TAG, "controller", "stale", "1.0.0", "As of last year");
constexpr PluginRecord live =
    detail::make_record(ODEUM_ABI_TAG, "controller", "stale", "2.0.0", "As of today");
[[gnu::section("odeum_entries"), gnu::used, gnu::retain]] const PluginEntry entry = {
    &live, &Stale::schema, &detail::create<Controller, Stale>, &detail::destroy<Controller>};
[[gnu::used]] constexpr auto* entry_point = &::odeum_plugin_entries;

}  // namespace
}  // namespace odeum::test
