// SPDX-License-Identifier: Apache-2.0
#include "products.hpp"

#include <string>

#include "machine.hpp"
#include "odeum/error.hpp"

#ifdef ODEUM_WITH_CLBLAST
#include <clblast.h>
#endif

namespace odeum::opencl {

#ifdef ODEUM_WITH_CLBLAST

namespace {

template <class T>
clblast::StatusCode multiply(const kernelgen::LibraryProduct& p, std::int64_t rows, const Matrix& a,
                             const Matrix& b, const Matrix& c, cl_command_queue queue) {
  const auto size = [](std::int64_t x) { return static_cast<std::size_t>(x); };
  const auto turned = [](bool transposed) {
    return transposed ? clblast::Transpose::kYes : clblast::Transpose::kNo;
  };
  const std::size_t m = size(p.m.at(rows)), n = size(p.n.at(rows)), k = size(p.k.at(rows));
  if (p.batch.at(rows) == 1) {
    return clblast::Gemm<T>(clblast::Layout::kRowMajor, turned(p.transpose_a),
                            turned(p.transpose_b), m, n, k, T(1), a.memory, a.offset, size(p.lda),
                            b.memory, b.offset, size(p.ldb), T(0), c.memory, c.offset, size(p.ldc),
                            &queue);
  }
  return clblast::GemmStridedBatched<T>(
      clblast::Layout::kRowMajor, turned(p.transpose_a), turned(p.transpose_b), m, n, k, T(1),
      a.memory, a.offset, size(p.lda), size(p.stride_a), b.memory, b.offset, size(p.ldb),
      size(p.stride_b), T(0), c.memory, c.offset, size(p.ldc), size(p.stride_c),
      size(p.batch.at(rows)), &queue);
}

}  // namespace

bool has_library() { return true; }

void multiply_by_library(const kernelgen::LibraryProduct& product, std::int64_t rows,
                         const Matrix& a, const Matrix& b, const Matrix& c,
                         cl_command_queue queue) {
  const auto run = product.type == DType::f32 ? multiply<float> : multiply<double>;
  const clblast::StatusCode code = run(product, rows, a, b, c, queue);
  if (code != clblast::StatusCode::kSuccess)
    throw RunError("device opencl: CLBlast could not multiply: its status " +
                   std::to_string(static_cast<int>(code)));
}

#else

bool has_library() { return false; }

void multiply_by_library(const kernelgen::LibraryProduct&, std::int64_t, const Matrix&,
                         const Matrix&, const Matrix&, cl_command_queue) {
  throw RunError("device opencl: built without CLBlast");
}

#endif

}  // namespace odeum::opencl
