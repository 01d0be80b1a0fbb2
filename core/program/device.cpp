// SPDX-License-Identifier: Apache-2.0
// Out-of-line parts of the device interface, so that plugins share one type information.
#include "odeum/device.hpp"

#include "odeum/successive.hpp"
#include "odeum/tuning.hpp"

namespace odeum::inline v1 {

Executable::~Executable() = default;
Device::~Device() = default;
DeviceTraffic Device::traffic() const { return {}; }
Successive::~Successive() = default;
TunedDevice::~TunedDevice() = default;

}  // namespace odeum::inline v1
