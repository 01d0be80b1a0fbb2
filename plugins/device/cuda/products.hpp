// SPDX-License-Identifier: Apache-2.0
// cuBLASLt: large contractions, with the bias that is added to one.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>

#include "api.hpp"
#include "kernelgen/library_product.hpp"
#include "rounding.hpp"
#include "stream.hpp"

namespace odeum::cuda {

/// Empty where cuBLASLt can be opened, else why not.
std::string why_no_products();

class Products {
 public:
  /// RunError where the library or one of its functions is missing.
  Products(std::shared_ptr<Stream> stream, Rounding rounding);
  ~Products();
  Products(const Products&) = delete;
  Products& operator=(const Products&) = delete;

  /// C = A B, or A B + bias in every row; bias 0: none.
  void multiply(const kernelgen::LibraryProduct& product, std::int64_t rows, CUdeviceptr a,
                CUdeviceptr b, CUdeviceptr bias, CUdeviceptr c);

 private:
  /// A product of these sizes and alignments as the library knows it; its algorithm is chosen once,
  /// so that the same product is the same bits.
  struct Prepared;
  using Sizes = std::array<std::int64_t, 17>;

  Prepared& prepared(const kernelgen::LibraryProduct& product, std::int64_t rows, CUdeviceptr a,
                     CUdeviceptr b, CUdeviceptr bias, CUdeviceptr c);

  std::shared_ptr<Stream> stream_;
  Rounding rounding_;
  cublasLtHandle_t handle_ = nullptr;
  CUdeviceptr workspace_ = 0;
  std::map<Sizes, std::unique_ptr<Prepared>> prepared_;
};

}  // namespace odeum::cuda
