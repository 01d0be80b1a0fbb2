// SPDX-License-Identifier: Apache-2.0
// The CUDA machine: one stream, memory from the device's pool in the stream's order.
#pragma once

#include <memory>
#include <string>

#include "api.hpp"
#include "compiler.hpp"
#include "kernelgen/cache.hpp"
#include "kernelgen/machine.hpp"

namespace odeum::cuda {

/// The driver, opened once. Its functions, or why there is none.
struct OpenedDriver {
  Driver api{};
  std::string trouble;
};
const OpenedDriver& driver();

/// RunError naming what failed, the driver's words, and what to try.
[[noreturn]] void fail(const std::string& what, CUresult result);
void check(CUresult result, const char* what);

/// A device's primary context and a stream.
class Stream {
 public:
  explicit Stream(int index);
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  CUstream handle() const { return stream_; }
  const std::string& name() const { return name_; }
  Capability capability() const { return capability_; }
  /// Makes the context the calling thread's.
  void enter() const;

 private:
  CUdevice device_ = 0;
  CUcontext context_ = nullptr;
  CUstream stream_ = nullptr;
  std::string name_;
  Capability capability_;
};

class CudaMachine final : public kernelgen::Machine {
 public:
  CudaMachine(int index, kernelgen::Cache cache);
  ~CudaMachine() override;

  kernelgen::Dialect dialect() const override { return kernelgen::Dialect::cuda; }
  std::shared_ptr<void> allocate(std::size_t bytes) override;
  void upload(View to, const void* from, std::size_t bytes) override;
  std::unique_ptr<kernelgen::Module> build(const kernelgen::Source& source) override;

  void download(void* to, View from, std::size_t bytes);
  void copy(View to, View from, std::size_t bytes);
  void fill_zero(View to, std::size_t bytes);
  void synchronize();

 private:
  std::shared_ptr<Stream> stream_;
  kernelgen::Cache cache_;
};

}  // namespace odeum::cuda
