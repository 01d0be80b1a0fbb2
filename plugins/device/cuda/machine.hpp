// SPDX-License-Identifier: Apache-2.0
// The CUDA machine: one stream, memory from the device's pool in the stream's order, what comes
// again as graphs.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "api.hpp"
#include "compiler.hpp"
#include "convolutions.hpp"
#include "kernelgen/cache.hpp"
#include "kernelgen/machine.hpp"
#include "products.hpp"
#include "staging.hpp"
#include "stream.hpp"

namespace odeum::cuda {

class CudaMachine final : public kernelgen::Machine {
 public:
  struct Settings {
    int index = 0;
    std::filesystem::path cache;
    std::int64_t library_from = kernelgen::kNoLibrary;  ///< as kernelgen::Machine's
    std::int64_t convolutions_from = kernelgen::kNoLibrary;
    Rounding rounding = Rounding::float32;
    bool graphs = true;
  };
  explicit CudaMachine(const Settings& settings);
  ~CudaMachine() override;

  kernelgen::Dialect dialect() const override { return kernelgen::Dialect::cuda; }
  std::shared_ptr<void> allocate(std::size_t bytes) override;
  void upload(View to, const void* from, std::size_t bytes) override;
  void download(void* to, View from, std::size_t bytes) override;
  std::unique_ptr<Readback> readback(std::size_t bytes) override;
  void copy(View to, View from, std::size_t bytes) override;
  void fill_zero(View to, std::size_t bytes) override;
  void synchronize() override;
  std::int64_t library_from() const override { return settings_.library_from; }
  void multiply(const kernelgen::LibraryProduct& product, std::int64_t rows, View a, View b,
                View c) override;
  bool adds_biases() const override { return true; }
  void multiply_and_add(const kernelgen::LibraryProduct& product, std::int64_t rows, View a, View b,
                        View bias, View c) override;
  std::int64_t convolutions_from() const override { return settings_.convolutions_from; }
  void convolve(const kernelgen::LibraryConvolution& convolution, std::int64_t rows, View first,
                View second, View result) override;
  std::unique_ptr<kernelgen::Module> build(const kernelgen::Source& source) override;
  bool records() const override { return settings_.graphs; }
  std::unique_ptr<kernelgen::Recorded> record(const std::function<void()>& queue) override;

 private:
  Products& products();

  Settings settings_;
  std::shared_ptr<Stream> stream_;
  kernelgen::Cache cache_;
  Staging staging_;
  std::unique_ptr<Products> products_;
  std::unique_ptr<Convolutions> convolutions_;
};

}  // namespace odeum::cuda
