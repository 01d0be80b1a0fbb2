// SPDX-License-Identifier: Apache-2.0
// What a plugin takes from the process and has to give back.
#pragma once

#include <functional>

#include "verify/verify.hpp"

namespace odeum::verify {

/// The check that open files, threads and memory do not grow with every use: `use` makes the
/// component, works with it and destroys it; of a device it runs a program, as a process makes the
/// device once. The first uses may fill caches. Left out where a use takes long.
void check_resources(Checks& checks, const std::function<void()>& use);

}  // namespace odeum::verify
