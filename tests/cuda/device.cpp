// SPDX-License-Identifier: Apache-2.0
#include "cuda/device.hpp"

#include <dlfcn.h>

#include <stdexcept>

#include "plugins/loaded.hpp"

namespace odeum::cuda_tests {
namespace {

void* open(const std::string& name) {
  const std::string file = std::string(FAKE_CUDA_LIBRARIES) + "/" + name;
  void* library = dlopen(file.c_str(), RTLD_NOW | RTLD_GLOBAL);
  if (library == nullptr) throw std::runtime_error(dlerror());
  return library;
}

template <class Function>
void find(void* library, const char* name, Function& function) {
  function = reinterpret_cast<Function>(dlsym(library, name));
  if (function == nullptr) throw std::runtime_error(name);
}

Driver open_driver() {
  const std::string major = "." FAKE_CUDA_MAJOR;
  void* library = open("libcuda.so.1");
  for (const char* name : {"libnvrtc.so", "libcublasLt.so"}) open(name + major);
#ifdef FAKE_CUDNN_MAJOR
  open("libcudnn.so." FAKE_CUDNN_MAJOR);
#endif
  Driver driver{};
  find(library, "fake_reset", driver.reset);
  find(library, "fake_calls", driver.calls);
  find(library, "fake_fail", driver.fail);
  find(library, "fake_memory", driver.memory);
  find(library, "fake_memory_limit", driver.memory_limit);
  find(library, "fake_pinned", driver.pinned);
  return driver;
}

}  // namespace

const Driver& driver() {
  static const Driver opened = open_driver();
  return opened;
}

void CudaDevice::SetUp() {
  driver().reset();
  device_ = with("");
}

void CudaDevice::TearDown() {
  device_.reset();
  driver().reset();
}

std::shared_ptr<Device> CudaDevice::with(const std::string& yaml) {
  return plugin_tests::make<Device>("cuda", "cache: none\n" + yaml);
}

std::string CudaDevice::calls() { return driver().calls(); }

int CudaDevice::called(const std::string& function) {
  const std::string all = "\n" + calls(), line = "\n" + function + "\n";
  int count = 0;
  for (auto at = all.find(line); at != std::string::npos; at = all.find(line, at + 1)) ++count;
  return count;
}

}  // namespace odeum::cuda_tests
