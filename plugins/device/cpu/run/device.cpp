// SPDX-License-Identifier: Apache-2.0
#include "run/device.hpp"

#include <cstring>

#include "run/executable.hpp"

namespace odeum::cpu {

namespace {

std::shared_ptr<const Kernels> chosen_kernels(const Settings& settings) {
  const auto chosen = std::make_shared<Kernels>(kernels(settings.instructions));
  chosen->products = std::make_shared<const ProductTable>(settings.products);
  return chosen;
}

}  // namespace

CpuDevice::CpuDevice(const Settings& settings)
    : settings_(settings),
      kernels_(chosen_kernels(settings)),
      threads_(std::make_shared<Threads>(settings.threads)) {}

std::shared_ptr<void> CpuDevice::allocate(std::size_t bytes) {
  return std::shared_ptr<void>(allocate_memory(bytes).release(), Free());
}

void CpuDevice::upload(View to, const void* from, std::size_t bytes) {
  if (bytes > 0) std::memcpy(to.host<std::byte>(), from, bytes);
}
void CpuDevice::download(void* to, View from, std::size_t bytes) {
  if (bytes > 0) std::memcpy(to, from.host<std::byte>(), bytes);
}
void CpuDevice::copy(View to, View from, std::size_t bytes) {
  if (bytes > 0) std::memmove(to.host<std::byte>(), from.host<std::byte>(), bytes);
}
void CpuDevice::fill_zero(View to, std::size_t bytes) {
  if (bytes > 0) std::memset(to.host<std::byte>(), 0, bytes);
}

std::string CpuDevice::table() const { return text_of(*kernels_->products); }

std::unique_ptr<Executable> CpuDevice::compile(const Program& program,
                                               const CompileOptions& options) {
  return std::make_unique<CpuExecutable>(program, options, settings_.schedule,
                                         settings_.machine_code, kernels_, threads_);
}

}  // namespace odeum::cpu
