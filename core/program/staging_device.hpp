// SPDX-License-Identifier: Apache-2.0
// A device that takes programs with host calls too: they are cut there (staged.hpp).
#pragma once

#include <memory>

#include "odeum/device.hpp"

namespace odeum::program {

/// The same device; programs with host calls are compiled in pieces.
std::shared_ptr<Device> with_host_calls(std::shared_ptr<Device> device);

}  // namespace odeum::program
