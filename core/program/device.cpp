// SPDX-License-Identifier: Apache-2.0
// Out-of-line parts of the device interface, so that every plugin shares one type information.
#include "odeum/device.hpp"

namespace odeum::inline v1 {

Executable::~Executable() = default;
Device::~Device() = default;
DeviceTraffic Device::traffic() const { return {}; }

}  // namespace odeum::inline v1
