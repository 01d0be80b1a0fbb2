// SPDX-License-Identifier: Apache-2.0
// A good record in a library that exports nothing.
#include "odeum/plugin.hpp"

namespace odeum::test {
namespace {

[[gnu::section(".odeum"), gnu::used, gnu::retain]] constexpr PluginRecord record =
    detail::make_record(ODEUM_ABI_TAG, "controller", "no_entry_point", "1.0.0", "Only a record");

}  // namespace
}  // namespace odeum::test
