// SPDX-License-Identifier: Apache-2.0
// A device that the tests put into the folder of the controllers.
#include "odeum/plugin.hpp"

namespace odeum::test {
namespace {

[[gnu::section(".odeum"), gnu::used, gnu::retain]] constexpr PluginRecord record =
    detail::make_record(ODEUM_ABI_TAG, "device", "wrong_kind", "1.0.0", "Lost");

}  // namespace
}  // namespace odeum::test
