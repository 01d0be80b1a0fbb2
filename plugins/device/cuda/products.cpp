// SPDX-License-Identifier: Apache-2.0
#include "products.hpp"

#include <algorithm>
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
      trouble = "cuBLASLt of the CUDA toolkit cannot be opened: " + library.trouble();
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

/// A lost device shows in the library's calls as a failure of the library.
void check(cublasStatus_t status, const char* what, const Stream& stream) {
  if (status == CUBLAS_STATUS_SUCCESS) return;
  stream.require_device();
  throw RunError(std::string("device cuda: ") + what + ": " + cublas().api.error_text(status) +
                 "; products: generated does without cuBLASLt");
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

/// The largest power of two up to 256 that the address is a multiple of.
std::uint32_t alignment(CUdeviceptr address) {
  return std::uint32_t{1} << std::min(8, std::countr_zero(static_cast<std::uint64_t>(address)));
}

}  // namespace

std::string why_no_products() { return cublas().trouble; }

struct Products::Prepared {
  const Stream& stream;
  cublasLtMatmulDesc_t product = nullptr;
  cublasLtMatrixLayout_t first = nullptr, second = nullptr, result = nullptr;
  cublasLtMatmulAlgo_t algorithm = {};

  explicit Prepared(const Stream& of) : stream(of) {}
  ~Prepared() {
    for (cublasLtMatrixLayout_t layout : {first, second, result}) {
      if (layout != nullptr) cublas().api.layout_destroy(layout);
    }
    if (product != nullptr) cublas().api.product_destroy(product);
  }
  Prepared(const Prepared&) = delete;
  Prepared& operator=(const Prepared&) = delete;

  template <class T>
  void set(cublasLtMatmulDescAttributes_t attribute, T value) {
    check(cublas().api.product_set(product, attribute, &value, sizeof value),
          "cublasLtMatmulDescSetAttribute", stream);
  }
  /// `lines` lines of `length` neighbouring entries, `leading` apart: columns, to cuBLAS.
  cublasLtMatrixLayout_t layout(DType type, std::int64_t length, std::int64_t lines,
                                std::int64_t leading, std::int64_t batch, std::int64_t stride) {
    const Cublas& api = cublas().api;
    cublasLtMatrixLayout_t made = nullptr;
    check(api.layout_create(&made, type == DType::f32 ? CUDA_R_32F : CUDA_R_64F,
                            static_cast<std::uint64_t>(length), static_cast<std::uint64_t>(lines),
                            leading),
          "cublasLtMatrixLayoutCreate", stream);
    const auto count = static_cast<std::int32_t>(batch);
    check(api.layout_set(made, CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, &count, sizeof count),
          "cublasLtMatrixLayoutSetAttribute", stream);
    check(api.layout_set(made, CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET, &stride, sizeof stride),
          "cublasLtMatrixLayoutSetAttribute", stream);
    return made;
  }
  void choose(cublasLtHandle_t handle, const std::array<std::uint32_t, 4>& alignments) {
    const Cublas& api = cublas().api;
    cublasLtMatmulPreference_t made = nullptr;
    check(api.preference_create(&made), "cublasLtMatmulPreferenceCreate", stream);
    const std::unique_ptr<cublasLtMatmulPreferenceOpaque_t,
                          cublasStatus_t (*)(cublasLtMatmulPreference_t)>
        preference(made, api.preference_destroy);
    const std::uint64_t room = kWorkspace;
    check(api.preference_set(made, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &room, sizeof room),
          "cublasLtMatmulPreferenceSetAttribute", stream);
    constexpr cublasLtMatmulPreferenceAttributes_t kAlignments[4] = {
        CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES,
        CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES};
    for (std::size_t i = 0; i < 4; ++i) {
      check(api.preference_set(made, kAlignments[i], &alignments[i], sizeof alignments[i]),
            "cublasLtMatmulPreferenceSetAttribute", stream);
    }
    cublasLtMatmulHeuristicResult_t best = {};
    int found = 0;
    const cublasStatus_t status =
        api.algorithms(handle, product, first, second, result, result, made, 1, &best, &found);
    check(found == 0 && status == CUBLAS_STATUS_SUCCESS ? CUBLAS_STATUS_NOT_SUPPORTED : status,
          "cublasLtMatmulAlgoGetHeuristic", stream);
    algorithm = best.algo;
  }
};

Products::Products(std::shared_ptr<Stream> stream, Rounding rounding)
    : stream_(std::move(stream)), rounding_(rounding) {
  if (!cublas().trouble.empty()) throw RunError("device cuda: " + cublas().trouble);
  check(cublas().api.create(&handle_), "cublasLtCreate", *stream_);
  cuda::check(driver().api.allocate(&workspace_, kWorkspace, stream_->handle()),
              "memory for cuBLAS");
}

Products::~Products() {
  prepared_.clear();
  if (handle_ != nullptr) cublas().api.destroy(handle_);
  if (workspace_ != 0) stream_->release(workspace_);
}

Products::Prepared& Products::prepared(const kernelgen::LibraryProduct& p, std::int64_t rows,
                                       CUdeviceptr a, CUdeviceptr b, CUdeviceptr bias,
                                       CUdeviceptr c) {
  const std::int64_t m = p.m.at(rows), n = p.n.at(rows), k = p.k.at(rows), z = p.batch.at(rows);
  const std::array<std::uint32_t, 4> alignments = {alignment(b), alignment(a), alignment(c),
                                                   alignment(c)};
  const Sizes sizes = {static_cast<std::int64_t>(p.type),
                       m,
                       n,
                       k,
                       z,
                       p.transpose_a ? 1 : 0,
                       p.transpose_b ? 1 : 0,
                       p.lda,
                       p.ldb,
                       p.ldc,
                       p.stride_a,
                       p.stride_b,
                       p.stride_c,
                       alignments[0],
                       alignments[1],
                       alignments[2],
                       bias == 0 ? 0 : alignment(bias)};
  std::unique_ptr<Prepared>& known = prepared_[sizes];
  if (known) return *known;
  // cuBLAS counts columns first: what it sees are the transposed matrices, so C' = B' A'.
  auto made = std::make_unique<Prepared>(*stream_);
  check(cublas().api.product_create(&made->product, compute_type(p.type, rounding_),
                                    p.type == DType::f32 ? CUDA_R_32F : CUDA_R_64F),
        "cublasLtMatmulDescCreate", *stream_);
  const auto turned = [](bool transposed) { return transposed ? CUBLAS_OP_T : CUBLAS_OP_N; };
  made->set(CUBLASLT_MATMUL_DESC_TRANSA, turned(p.transpose_b));
  made->set(CUBLASLT_MATMUL_DESC_TRANSB, turned(p.transpose_a));
  if (bias != 0) {
    made->set(CUBLASLT_MATMUL_DESC_EPILOGUE, CUBLASLT_EPILOGUE_BIAS);
    made->set(CUBLASLT_MATMUL_DESC_BIAS_POINTER, std::bit_cast<const void*>(bias));
  }
  made->first =
      made->layout(p.type, p.transpose_b ? k : n, p.transpose_b ? n : k, p.ldb, z, p.stride_b);
  made->second =
      made->layout(p.type, p.transpose_a ? m : k, p.transpose_a ? k : m, p.lda, z, p.stride_a);
  made->result = made->layout(p.type, n, m, p.ldc, z, p.stride_c);
  made->choose(handle_, alignments);
  known = std::move(made);
  return *known;
}

void Products::multiply(const kernelgen::LibraryProduct& p, std::int64_t rows, CUdeviceptr a,
                        CUdeviceptr b, CUdeviceptr bias, CUdeviceptr c) {
  Prepared& known = prepared(p, rows, a, b, bias, c);
  if (bias != 0) known.set(CUBLASLT_MATMUL_DESC_BIAS_POINTER, std::bit_cast<const void*>(bias));
  const bool single = p.type == DType::f32;
  const float one_single = 1, zero_single = 0;
  const double one_double = 1, zero_double = 0;
  const void* one = single ? static_cast<const void*>(&one_single) : &one_double;
  const void* zero = single ? static_cast<const void*>(&zero_single) : &zero_double;
  auto* result = std::bit_cast<void*>(c);
  check(cublas().api.multiply(handle_, known.product, one, std::bit_cast<const void*>(b),
                              known.first, std::bit_cast<const void*>(a), known.second, zero,
                              result, known.result, result, known.result, &known.algorithm,
                              std::bit_cast<void*>(workspace_), kWorkspace, stream_->handle()),
        "cublasLtMatmul", *stream_);
}

}  // namespace odeum::cuda
