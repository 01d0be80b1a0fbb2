// SPDX-License-Identifier: Apache-2.0
#include "program/staging_device.hpp"

#include <algorithm>

#include "program/staged.hpp"

namespace odeum::program {
namespace {

class StagingDevice final : public Device {
 public:
  explicit StagingDevice(std::shared_ptr<Device> device) : device_(std::move(device)) {}

  std::string probe() const override { return device_->probe(); }
  bool host_addressable() const override { return device_->host_addressable(); }
  std::shared_ptr<void> allocate(std::size_t bytes) override { return device_->allocate(bytes); }
  void upload(View to, const void* from, std::size_t bytes) override {
    device_->upload(to, from, bytes);
  }
  void download(void* to, View from, std::size_t bytes) override {
    device_->download(to, from, bytes);
  }
  void copy(View to, View from, std::size_t bytes) override { device_->copy(to, from, bytes); }
  void fill_zero(View to, std::size_t bytes) override { device_->fill_zero(to, bytes); }
  void synchronize() override { device_->synchronize(); }
  DeviceTraffic traffic() const override { return device_->traffic(); }
  std::unique_ptr<Readback> readback(std::size_t bytes) override {
    return device_->readback(bytes);
  }

  std::unique_ptr<Executable> compile(const Program& program,
                                      const CompileOptions& options) override {
    const bool calls_host = std::any_of(program.nodes.begin(), program.nodes.end(),
                                        [](const Node& node) { return node.op == Op::host_call; });
    if (!calls_host) return device_->compile(program, options);
    return std::make_unique<Staged>(program, *device_, options);
  }

 private:
  std::shared_ptr<Device> device_;
};

}  // namespace

std::shared_ptr<Device> with_host_calls(std::shared_ptr<Device> device) {
  return std::make_shared<StagingDevice>(std::move(device));
}

}  // namespace odeum::program
