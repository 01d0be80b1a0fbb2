// SPDX-License-Identifier: Apache-2.0
// A stand-in for cuBLASLt: products of strided matrices, with a bias added if asked for.
#include <cublasLt.h>

#include <cstdint>
#include <cstring>

#include "driver.hpp"

namespace {

struct Layout {
  cudaDataType type;
  std::int64_t rows, columns, leading;
  std::int32_t batch = 1;
  std::int64_t stride = 0;

  std::size_t entry() const { return type == CUDA_R_64F ? 8 : 4; }
  std::size_t bytes() const {
    return static_cast<std::size_t>((batch - 1) * stride + (columns - 1) * leading + rows) *
           entry();
  }
};
struct Product {
  cublasComputeType_t compute;
  std::int32_t transpose_a = CUBLAS_OP_N, transpose_b = CUBLAS_OP_N;
  std::uint32_t epilogue = CUBLASLT_EPILOGUE_DEFAULT;
  const void* bias = nullptr;
};
struct Preference {
  std::uint64_t workspace = 0;
  std::uint32_t alignment[4] = {256, 256, 256, 256};
};

template <class Real, class Opaque>
Real& real(Opaque* opaque) {
  return *reinterpret_cast<Real*>(opaque);
}
template <class T>
bool take(T& to, const void* from, std::size_t bytes) {
  if (bytes != sizeof(T)) return false;
  std::memcpy(&to, from, bytes);
  return true;
}
cublasStatus_t status(bool good) {
  return good ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_INVALID_VALUE;
}

/// D(n x m, columns first) = op(A) op(B) + bias.
template <class T>
void multiply(const Product& p, const Layout& la, const T* a, const Layout& lb, const T* b,
              const Layout& ld, T* d) {
  const std::int64_t depth = p.transpose_a == CUBLAS_OP_N ? la.columns : la.rows;
  for (std::int64_t z = 0; z < ld.batch; ++z) {
    for (std::int64_t j = 0; j < ld.columns; ++j) {
      for (std::int64_t i = 0; i < ld.rows; ++i) {
        double sum = 0;
        for (std::int64_t k = 0; k < depth; ++k) {
          const std::int64_t at_a =
              p.transpose_a == CUBLAS_OP_N ? i + k * la.leading : k + i * la.leading;
          const std::int64_t at_b =
              p.transpose_b == CUBLAS_OP_N ? k + j * lb.leading : j + k * lb.leading;
          sum += static_cast<double>(a[z * la.stride + at_a]) *
                 static_cast<double>(b[z * lb.stride + at_b]);
        }
        if (p.bias != nullptr) sum += static_cast<double>(static_cast<const T*>(p.bias)[i]);
        d[z * ld.stride + i + j * ld.leading] = static_cast<T>(sum);
      }
    }
  }
}

bool fits(const Product& p, const Layout& a, const Layout& b, const Layout& d) {
  const bool plain_a = p.transpose_a == CUBLAS_OP_N, plain_b = p.transpose_b == CUBLAS_OP_N;
  const auto leads = [](const Layout& x) {
    return x.rows > 0 && x.columns > 0 && x.leading >= x.rows;
  };
  return leads(a) && leads(b) && leads(d) && a.type == b.type && a.type == d.type &&
         (plain_a ? a.rows : a.columns) == d.rows && (plain_b ? b.columns : b.rows) == d.columns &&
         (plain_a ? a.columns : a.rows) == (plain_b ? b.rows : b.columns) && a.batch == d.batch &&
         b.batch == d.batch;
}

bool supported(const Product& p, const Layout& d) {
  if (d.type == CUDA_R_64F)
    return p.compute == CUBLAS_COMPUTE_64F && p.epilogue == CUBLASLT_EPILOGUE_DEFAULT;
  return p.compute == CUBLAS_COMPUTE_32F || p.compute == CUBLAS_COMPUTE_32F_FAST_TF32 ||
         p.compute == CUBLAS_COMPUTE_32F_FAST_16BF;
}

}  // namespace

cublasStatus_t cublasLtCreate(cublasLtHandle_t* handle) {
  *handle = reinterpret_cast<cublasLtHandle_t>(new int);
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtDestroy(cublasLtHandle_t handle) {
  delete reinterpret_cast<int*>(handle);
  return CUBLAS_STATUS_SUCCESS;
}
const char* cublasLtGetStatusString(cublasStatus_t) { return "what cuBLASLt says"; }

cublasStatus_t cublasLtMatmulDescCreate(cublasLtMatmulDesc_t* made, cublasComputeType_t compute,
                                        cudaDataType_t) {
  *made = reinterpret_cast<cublasLtMatmulDesc_t>(new Product{compute});
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulDescDestroy(cublasLtMatmulDesc_t product) {
  delete &real<Product>(product);
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulDescSetAttribute(cublasLtMatmulDesc_t product,
                                              cublasLtMatmulDescAttributes_t attribute,
                                              const void* value, std::size_t bytes) {
  auto& p = real<Product>(product);
  switch (attribute) {
    case CUBLASLT_MATMUL_DESC_TRANSA:
      return status(take(p.transpose_a, value, bytes));
    case CUBLASLT_MATMUL_DESC_TRANSB:
      return status(take(p.transpose_b, value, bytes));
    case CUBLASLT_MATMUL_DESC_EPILOGUE:
      return status(take(p.epilogue, value, bytes));
    case CUBLASLT_MATMUL_DESC_BIAS_POINTER:
      return status(take(p.bias, value, bytes));
    default:
      return CUBLAS_STATUS_NOT_SUPPORTED;
  }
}

cublasStatus_t cublasLtMatrixLayoutCreate(cublasLtMatrixLayout_t* made, cudaDataType type,
                                          std::uint64_t rows, std::uint64_t columns,
                                          std::int64_t leading) {
  *made = reinterpret_cast<cublasLtMatrixLayout_t>(new Layout{
      type, static_cast<std::int64_t>(rows), static_cast<std::int64_t>(columns), leading});
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatrixLayoutDestroy(cublasLtMatrixLayout_t layout) {
  delete &real<Layout>(layout);
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatrixLayoutSetAttribute(cublasLtMatrixLayout_t layout,
                                                cublasLtMatrixLayoutAttribute_t attribute,
                                                const void* value, std::size_t bytes) {
  auto& l = real<Layout>(layout);
  if (attribute == CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT) return status(take(l.batch, value, bytes));
  if (attribute == CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET)
    return status(take(l.stride, value, bytes));
  return CUBLAS_STATUS_NOT_SUPPORTED;
}

cublasStatus_t cublasLtMatmulPreferenceCreate(cublasLtMatmulPreference_t* made) {
  *made = reinterpret_cast<cublasLtMatmulPreference_t>(new Preference);
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulPreferenceDestroy(cublasLtMatmulPreference_t preference) {
  delete &real<Preference>(preference);
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulPreferenceSetAttribute(cublasLtMatmulPreference_t preference,
                                                    cublasLtMatmulPreferenceAttributes_t attribute,
                                                    const void* value, std::size_t bytes) {
  auto& p = real<Preference>(preference);
  if (attribute == CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES)
    return status(take(p.workspace, value, bytes));
  const int which = attribute - CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES;
  return which >= 0 && which < 4 ? status(take(p.alignment[which], value, bytes))
                                 : CUBLAS_STATUS_NOT_SUPPORTED;
}

cublasStatus_t cublasLtMatmulAlgoGetHeuristic(cublasLtHandle_t, cublasLtMatmulDesc_t product,
                                              cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b,
                                              cublasLtMatrixLayout_t, cublasLtMatrixLayout_t d,
                                              cublasLtMatmulPreference_t preference, int,
                                              cublasLtMatmulHeuristicResult_t* found, int* count) {
  const auto& p = real<Product>(product);
  *count = 0;
  if (!fits(p, real<Layout>(a), real<Layout>(b), real<Layout>(d)))
    return CUBLAS_STATUS_INVALID_VALUE;
  if (!supported(p, real<Layout>(d))) return CUBLAS_STATUS_NOT_SUPPORTED;
  *count = 1;
  *found = {};
  found->workspaceSize = real<Preference>(preference).workspace / 2;
  // The algorithm is this stand-in's own: the alignment that it may count on.
  std::memcpy(found->algo.data, real<Preference>(preference).alignment,
              sizeof real<Preference>(preference).alignment);
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmul(cublasLtHandle_t, cublasLtMatmulDesc_t product, const void* alpha,
                              const void* a, cublasLtMatrixLayout_t layout_a, const void* b,
                              cublasLtMatrixLayout_t layout_b, const void* beta, const void* c,
                              cublasLtMatrixLayout_t, void* d, cublasLtMatrixLayout_t layout_d,
                              const cublasLtMatmulAlgo_t* algorithm, void* workspace,
                              std::size_t workspace_bytes, cudaStream_t stream) {
  if (fake::enter("cublasLtMatmul") != CUDA_SUCCESS) return CUBLAS_STATUS_EXECUTION_FAILED;
  const Product p = real<Product>(product);
  const Layout la = real<Layout>(layout_a), lb = real<Layout>(layout_b),
               ld = real<Layout>(layout_d);
  std::uint32_t alignment[4];
  std::memcpy(alignment, algorithm->data, sizeof alignment);
  const auto aligned = [](const void* place, std::uint32_t to) {
    return to != 0 && reinterpret_cast<std::uintptr_t>(place) % to == 0;
  };
  const bool wide = ld.type == CUDA_R_64F;
  const double one = wide ? *static_cast<const double*>(alpha)
                          : static_cast<double>(*static_cast<const float*>(alpha));
  const double zero = wide ? *static_cast<const double*>(beta)
                           : static_cast<double>(*static_cast<const float*>(beta));
  const bool good =
      fits(p, la, lb, ld) && c == d && one == 1.0 && zero == 0.0 &&
      (p.epilogue == CUBLASLT_EPILOGUE_BIAS) == (p.bias != nullptr) && aligned(a, alignment[0]) &&
      aligned(b, alignment[1]) && aligned(d, alignment[3]) && fake::lives(a, la.bytes()) &&
      fake::lives(b, lb.bytes()) && fake::lives(d, ld.bytes()) &&
      fake::lives(workspace, workspace_bytes) &&
      (p.bias == nullptr || fake::lives(p.bias, static_cast<std::size_t>(ld.rows) * ld.entry()));
  if (!good) return CUBLAS_STATUS_INVALID_VALUE;
  const CUresult queued = fake::queue(stream, [=] {
    if (wide) {
      multiply(p, la, static_cast<const double*>(a), lb, static_cast<const double*>(b), ld,
               static_cast<double*>(d));
    } else {
      multiply(p, la, static_cast<const float*>(a), lb, static_cast<const float*>(b), ld,
               static_cast<float*>(d));
    }
    return CUDA_SUCCESS;
  });
  return queued == CUDA_SUCCESS ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_EXECUTION_FAILED;
}
