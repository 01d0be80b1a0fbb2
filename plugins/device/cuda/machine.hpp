// SPDX-License-Identifier: Apache-2.0
// The CUDA machine: one stream, memory from the device's pool in the stream's order.
#pragma once

#include <memory>
#include <string>

#include "api.hpp"
#include "compiler.hpp"
#include "kernelgen/cache.hpp"
#include "kernelgen/machine.hpp"
#include "products.hpp"
#include "stream.hpp"

namespace odeum::cuda {

class CudaMachine final : public kernelgen::Machine {
 public:
  /// library_from: as kernelgen::Machine's.
  CudaMachine(int index, kernelgen::Cache cache, std::int64_t library_from, Rounding rounding);
  ~CudaMachine() override;

  kernelgen::Dialect dialect() const override { return kernelgen::Dialect::cuda; }
  std::shared_ptr<void> allocate(std::size_t bytes) override;
  void upload(View to, const void* from, std::size_t bytes) override;
  void download(void* to, View from, std::size_t bytes) override;
  void copy(View to, View from, std::size_t bytes) override;
  void fill_zero(View to, std::size_t bytes) override;
  void synchronize() override;
  std::int64_t library_from() const override { return library_from_; }
  void multiply(const kernelgen::LibraryProduct& product, std::int64_t rows, View a, View b,
                View c) override;
  std::unique_ptr<kernelgen::Module> build(const kernelgen::Source& source) override;

 private:
  std::shared_ptr<Stream> stream_;
  kernelgen::Cache cache_;
  std::int64_t library_from_;
  Rounding rounding_;
  std::unique_ptr<Products> products_;
};

}  // namespace odeum::cuda
