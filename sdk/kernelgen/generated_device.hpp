// SPDX-License-Identifier: Apache-2.0
// GeneratedDevice: the device interface on top of a machine (kernelgen/machine.hpp). A plugin says
// why its machine cannot be used (`probe`) and opens it; the rest is the same for all.
#pragma once

#include <memory>
#include <string>

#include "kernelgen/machine.hpp"
#include "odeum/device.hpp"

namespace odeum::kernelgen {

class GeneratedDevice : public Device {
 public:
  /// name: the plugin's, for errors.
  explicit GeneratedDevice(std::string name) : name_(std::move(name)) {}

  std::shared_ptr<void> allocate(std::size_t bytes) final;
  void upload(View to, const void* from, std::size_t bytes) final;
  void download(void* to, View from, std::size_t bytes) final;
  void copy(View to, View from, std::size_t bytes) final;
  void fill_zero(View to, std::size_t bytes) final;
  void synchronize() final;
  std::unique_ptr<Executable> compile(const Program& program, const CompileOptions& options) final;
  DeviceTraffic traffic() const final;
  std::unique_ptr<Readback> readback(std::size_t bytes) final;

 protected:
  /// Called once, when the device is first used and `probe` finds nothing wrong.
  virtual std::shared_ptr<Machine> open() = 0;

 private:
  Machine& machine();

  std::string name_;
  std::shared_ptr<Machine> machine_;
};

/// From how many multiplications on a contraction goes to the library, by the key `products`:
/// generated, library, or automatic, which is this many.
std::int64_t library_from(const std::string& products, std::int64_t automatic);

}  // namespace odeum::kernelgen
