// SPDX-License-Identifier: Apache-2.0
// cuBLAS: large contractions.
#pragma once

#include <cstdint>
#include <memory>

#include "api.hpp"
#include "kernelgen/library_product.hpp"
#include "stream.hpp"

namespace odeum::cuda {

/// What float32 factors are rounded to before they are multiplied; sums are float32 always.
enum class Rounding : std::uint8_t { float32, tf32, bfloat16 };

/// Empty where cuBLAS can be opened, else why not.
std::string why_no_products();

class Products {
 public:
  /// RunError where the library or one of its functions is missing.
  Products(std::shared_ptr<Stream> stream, Rounding rounding);
  ~Products();
  Products(const Products&) = delete;
  Products& operator=(const Products&) = delete;

  void multiply(const kernelgen::LibraryProduct& product, std::int64_t rows, CUdeviceptr a,
                CUdeviceptr b, CUdeviceptr c);

 private:
  std::shared_ptr<Stream> stream_;
  Rounding rounding_;
  cublasHandle_t handle_ = nullptr;
  CUdeviceptr workspace_ = 0;
};

}  // namespace odeum::cuda
