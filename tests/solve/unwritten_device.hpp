// SPDX-License-Identifier: Apache-2.0
// A device whose fresh memory holds no numbers, so that whoever reads what was not written is seen.
#pragma once

#include <cstring>
#include <memory>
#include <utility>

#include "odeum/device.hpp"

namespace odeum::testing {

class UnwrittenDevice final : public Device {
 public:
  /// `device` has to be host-addressable.
  explicit UnwrittenDevice(std::shared_ptr<Device> device) : device_(std::move(device)) {}

  std::string probe() const override { return device_->probe(); }
  bool host_addressable() const override { return true; }
  std::shared_ptr<void> allocate(std::size_t bytes) override {
    std::shared_ptr<void> memory = device_->allocate(bytes);
    std::memset(memory.get(), 0xff, bytes);
    return memory;
  }
  void upload(View to, const void* from, std::size_t bytes) override {
    device_->upload(to, from, bytes);
  }
  void download(void* to, View from, std::size_t bytes) override {
    device_->download(to, from, bytes);
  }
  void copy(View to, View from, std::size_t bytes) override { device_->copy(to, from, bytes); }
  void fill_zero(View to, std::size_t bytes) override { device_->fill_zero(to, bytes); }
  std::unique_ptr<Executable> compile(const Program& program,
                                      const CompileOptions& options) override {
    return device_->compile(program, options);
  }
  void synchronize() override { device_->synchronize(); }

 private:
  std::shared_ptr<Device> device_;
};

}  // namespace odeum::testing
