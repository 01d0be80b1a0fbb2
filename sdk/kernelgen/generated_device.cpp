// SPDX-License-Identifier: Apache-2.0
#include "kernelgen/generated_device.hpp"

#include <algorithm>

#include "odeum/error.hpp"

namespace odeum::kernelgen {
namespace {

bool overlap(View a, View b, std::size_t bytes) {
  return a.base == b.base && a.offset < b.offset + bytes && b.offset < a.offset + bytes;
}

}  // namespace

Machine& GeneratedDevice::machine() {
  if (!machine_) {
    const std::string reason = probe();
    if (!reason.empty()) throw RunError("device " + name_ + ": " + reason);
    machine_ = open();
  }
  return *machine_;
}

std::shared_ptr<void> GeneratedDevice::allocate(std::size_t bytes) {
  return machine().allocate(std::max<std::size_t>(bytes, 64));
}

void GeneratedDevice::upload(View to, const void* from, std::size_t bytes) {
  if (bytes == 0) return;
  ++machine().counts().uploads;
  machine().upload(to, from, bytes);
}

void GeneratedDevice::download(void* to, View from, std::size_t bytes) {
  if (bytes == 0) return;
  ++machine().counts().downloads;
  ++machine().counts().synchronizations;
  machine().download(to, from, bytes);
}

void GeneratedDevice::copy(View to, View from, std::size_t bytes) {
  if (bytes == 0 || (to.base == from.base && to.offset == from.offset)) return;
  if (!overlap(to, from, bytes)) return machine().copy(to, from, bytes);
  const std::shared_ptr<void> between = machine().allocate(bytes);
  machine().copy({between.get(), 0}, from, bytes);
  machine().copy(to, {between.get(), 0}, bytes);
  synchronize();
}

void GeneratedDevice::fill_zero(View to, std::size_t bytes) {
  if (bytes != 0) machine().fill_zero(to, bytes);
}

void GeneratedDevice::synchronize() {
  ++machine().counts().synchronizations;
  machine().synchronize();
}

std::unique_ptr<Executable> GeneratedDevice::compile(const Program& program,
                                                     const CompileOptions& options) {
  machine();
  return kernelgen::compile(program, options, machine_);
}

DeviceTraffic GeneratedDevice::traffic() const {
  return machine_ ? machine_->counts().traffic() : DeviceTraffic{};
}

std::unique_ptr<Readback> GeneratedDevice::readback(std::size_t bytes) {
  return machine().readback(bytes);
}

std::int64_t library_from(const std::string& products, std::int64_t automatic) {
  if (products == "generated") return kNoLibrary;
  return products == "library" ? 0 : automatic;
}

}  // namespace odeum::kernelgen
