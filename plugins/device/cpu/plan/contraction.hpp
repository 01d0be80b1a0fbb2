// SPDX-License-Identifier: Apache-2.0
// Contractions by labels as loops around one strided matrix product.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "plan/layout.hpp"

namespace odeum::cpu {

/// An axis that a loop or a side of the product runs over: extent * (rows of the block, if set).
struct Side {
  std::int64_t extent = 1;
  bool rows = false;
  std::int64_t a = 0, b = 0, c = 0;  ///< strides, in elements

  std::int64_t size(std::int64_t block_rows) const { return rows ? extent * block_rows : extent; }
};

/// C[m, n] += A[m, k] B[k, n] for every index of `loops`. With `first` a loop index contracts: C is
/// overwritten by the first of them and added to by the others.
struct ContractionShape {
  std::vector<Side> loops;
  Side m, n, k;
  std::int64_t a_offset = 0, b_offset = 0;
};

/// Merges labels into as few axes as memory allows. The result is contiguous, row-major, in the
/// order of the labels `out`.
ContractionShape contraction_shape(const std::string& a_labels, const std::string& b_labels,
                                   const std::string& out_labels, const Layout& a, const Layout& b);

/// A and B, m and n exchanged: the transposed product.
ContractionShape exchanged(ContractionShape shape);

}  // namespace odeum::cpu
