// SPDX-License-Identifier: Apache-2.0
// Contractions that a library of matrix products takes: which dots are one product of strided
// matrices, and their numbers; and the bias that is added to one.
#pragma once

#include <cstdint>
#include <optional>

#include "kernelgen/graph.hpp"
#include "kernelgen/size.hpp"

namespace odeum::kernelgen {

/// Rows count as many when the size of a product is judged.
inline constexpr std::int64_t kUsualRows = 1024;

/// C[z] = A[z] B[z], row-major: C is m x n with rows `ldc` entries apart. A is m x k with rows
/// `lda` apart, or, transposed, stored as k x m; so is B, k x n or n x k. Matrix z lies z * stride
/// entries further.
struct LibraryProduct {
  DType type = DType::f32;
  Size m, n, k, batch;
  bool transpose_a = false, transpose_b = false;
  std::int64_t lda = 0, ldb = 0, ldc = 0;
  std::int64_t stride_a = 0, stride_b = 0, stride_c = 0;
  std::int64_t offset_a = 0, offset_b = 0;  ///< entries
  bool exchanged = false;                   ///< A is the dot's second operand
  bool biased = false;  ///< C[z] = A[z] B[z] + a vector of n entries in each row
  std::int64_t offset_bias = 0;
};

/// The dot as a library's product, if its memory allows that.
std::optional<LibraryProduct> library_product(const Graph& graph, ValueId id);

/// Makes one node of a large product and of what is added to each of its rows, where nothing else
/// reads the product: a dot with the bias as third operand. In float32, in which libraries do it.
void join_biases(Graph& graph, std::int64_t multiplications);

/// Is it worth a library's while? From `multiplications` on, with as many rows as are usual.
bool is_large(const LibraryProduct& product, std::int64_t multiplications);

}  // namespace odeum::kernelgen
