// SPDX-License-Identifier: Apache-2.0
// The OpenCL machine: one context, one queue of work in order, buffers.
#pragma once

#include <CL/cl.h>

#include <memory>
#include <string>

#include "kernelgen/cache.hpp"
#include "kernelgen/machine.hpp"
#include "pinned.hpp"
#include "platform.hpp"
#include "staging.hpp"

namespace odeum::opencl {

/// Is CLBlast, the library of matrix products, built in?
bool has_library();

/// A view's base is the address of one of these.
struct Buffer {
  cl_mem memory = nullptr;
  std::size_t bytes = 0;
};

class OpenClMachine final : public kernelgen::Machine {
 public:
  /// library_from: as kernelgen::Machine's.
  OpenClMachine(const Found& found, kernelgen::Cache cache,
                std::int64_t library_from = kernelgen::kNoLibrary);
  ~OpenClMachine() override;
  OpenClMachine(const OpenClMachine&) = delete;
  OpenClMachine& operator=(const OpenClMachine&) = delete;

  kernelgen::Dialect dialect() const override { return kernelgen::Dialect::opencl; }
  std::int64_t local_bytes() const override;
  std::shared_ptr<void> allocate(std::size_t bytes) override;
  void upload(View to, const void* from, std::size_t bytes) override;
  void download(void* to, View from, std::size_t bytes) override;
  std::unique_ptr<Readback> readback(std::size_t bytes) override;
  void copy(View to, View from, std::size_t bytes) override;
  void fill_zero(View to, std::size_t bytes) override;
  void synchronize() override;
  std::int64_t library_from() const override { return library_from_; }
  void multiply(const kernelgen::LibraryProduct& product, std::int64_t rows, View a, View b,
                View c) override;
  std::unique_ptr<kernelgen::Module> build(const kernelgen::Source& source) override;

 private:
  cl_program from_cache(const std::string& kept) const;
  std::string built_binary(cl_program program) const;

  cl_device_id device_;
  std::string name_;
  kernelgen::Cache cache_;
  std::int64_t library_from_;
  Queues queues_;
  std::unique_ptr<Staging> staging_;
};

}  // namespace odeum::opencl
