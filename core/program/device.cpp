// SPDX-License-Identifier: Apache-2.0
// Out-of-line parts of the device interface, so that plugins share one type information.
#include "odeum/device.hpp"

#include <memory>
#include <vector>

#include "odeum/successive.hpp"
#include "odeum/tuning.hpp"

namespace odeum::inline v1 {

namespace {

/// Of a device whose transfers are waited for anyway.
class Awaited final : public Readback {
 public:
  Awaited(Device& device, std::size_t bytes) : device_(device), memory_(bytes) {}
  void read(std::size_t at, View from, std::size_t bytes) override {
    device_.download(memory_.data() + at, from, bytes);
  }
  const std::byte* wait() override { return memory_.data(); }

 private:
  Device& device_;
  std::vector<std::byte> memory_;
};

}  // namespace

Executable::~Executable() = default;
Device::~Device() = default;
DeviceTraffic Device::traffic() const { return {}; }
std::unique_ptr<Readback> Device::readback(std::size_t bytes) {
  return std::make_unique<Awaited>(*this, bytes);
}
Readback::~Readback() = default;
Successive::~Successive() = default;
TunedDevice::~TunedDevice() = default;

}  // namespace odeum::inline v1
