// SPDX-License-Identifier: Apache-2.0
// A record of another ABI, in a library that leaves a mark when any of its code runs.
#include <cstdlib>

#include "odeum/plugin.hpp"

namespace odeum::test {
namespace {

[[gnu::section(".odeum"), gnu::used, gnu::retain]] constexpr PluginRecord record =
    detail::make_record("abi0-cxx1002-libstdc++11-0", "controller", "other_abi", "1.0.0",
                        "Of another time");

[[gnu::constructor]] void leave_a_mark() { ::setenv("ODEUM_TEST_OTHER_ABI_RAN", "1", 1); }

}  // namespace
}  // namespace odeum::test
