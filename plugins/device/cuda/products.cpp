// SPDX-License-Identifier: Apache-2.0
#include "products.hpp"

#include <bit>

#include "library.hpp"
#include "odeum/error.hpp"

namespace odeum::cuda {
namespace {

/// cuBLAS's recommendation for Hopper; fixed, so that the same product takes the same algorithm.
constexpr std::size_t kWorkspace = std::size_t{32} << 20U;

struct OpenedCublas {
  Library library{Cublas::names(), toolkit_folders()};
  Cublas api{};
  std::string trouble;

  OpenedCublas() {
    if (!library) {
      trouble = "cuBLAS of the CUDA toolkit cannot be opened: " + library.trouble();
      return;
    }
    const auto missing = resolve(api, library);
    if (!missing.empty()) trouble = library.name() + " has no function " + missing.front();
  }
};

const OpenedCublas& cublas() {
  static const OpenedCublas opened;
  return opened;
}

void check(cublasStatus_t status, const char* what) {
  if (status != CUBLAS_STATUS_SUCCESS)
    throw RunError(std::string("device cuda: ") + what + ": " + cublas().api.error_text(status));
}

cublasComputeType_t compute_type(DType type, Rounding rounding) {
  if (type == DType::f64) return CUBLAS_COMPUTE_64F;
  switch (rounding) {
    case Rounding::tf32:
      return CUBLAS_COMPUTE_32F_FAST_TF32;
    case Rounding::bfloat16:
      return CUBLAS_COMPUTE_32F_FAST_16BF;
    case Rounding::float32:
      break;
  }
  return CUBLAS_COMPUTE_32F;
}

}  // namespace

std::string why_no_products() { return cublas().trouble; }

Products::Products(std::shared_ptr<Stream> stream, Rounding rounding)
    : stream_(std::move(stream)), rounding_(rounding) {
  if (!cublas().trouble.empty()) throw RunError("device cuda: " + cublas().trouble);
  const Cublas& api = cublas().api;
  check(api.create(&handle_), "cublasCreate");
  check(api.set_stream(handle_, stream_->handle()), "cublasSetStream");
  cuda::check(driver().api.allocate(&workspace_, kWorkspace, stream_->handle()),
              "memory for cuBLAS");
  check(api.set_workspace(handle_, std::bit_cast<void*>(workspace_), kWorkspace),
        "cublasSetWorkspace");
}

Products::~Products() {
  if (handle_ != nullptr) cublas().api.destroy(handle_);
  if (workspace_ != 0) driver().api.release_memory(workspace_, stream_->handle());
}

void Products::multiply(const kernelgen::LibraryProduct& p, std::int64_t rows, CUdeviceptr a,
                        CUdeviceptr b, CUdeviceptr c) {
  const bool single = p.type == DType::f32;
  const float one_single = 1, zero_single = 0;
  const double one_double = 1, zero_double = 0;
  const void* one = single ? static_cast<const void*>(&one_single) : &one_double;
  const void* zero = single ? static_cast<const void*>(&zero_single) : &zero_double;
  const cudaDataType type = single ? CUDA_R_32F : CUDA_R_64F;
  const auto turned = [](bool transposed) { return transposed ? CUBLAS_OP_T : CUBLAS_OP_N; };
  // cuBLAS counts columns first: what it sees are the transposed matrices, so C' = B' A'.
  check(
      cublas().api.multiply(handle_, turned(p.transpose_b), turned(p.transpose_a), p.n.at(rows),
                            p.m.at(rows), p.k.at(rows), one, std::bit_cast<const void*>(b), type,
                            p.ldb, p.stride_b, std::bit_cast<const void*>(a), type, p.lda,
                            p.stride_a, zero, std::bit_cast<void*>(c), type, p.ldc, p.stride_c,
                            p.batch.at(rows), compute_type(p.type, rounding_), CUBLAS_GEMM_DEFAULT),
      "cublasGemmStridedBatchedEx");
}

}  // namespace odeum::cuda
