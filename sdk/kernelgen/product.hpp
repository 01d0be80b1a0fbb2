// SPDX-License-Identifier: Apache-2.0
// Products: C[batch, m, n] = sum over k of A[batch, m, k] B[batch, k, n], where each of the four is
// a list of axes and A and B are read by formulas: strided memory, or a convolution's windows.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "kernelgen/lowering.hpp"

namespace odeum::kernelgen {

/// Axes, the one over rows first, with the strides of the result along them (0 for those of k).
struct ProductAxes {
  std::vector<std::int64_t> extents, strides;

  void add(std::int64_t extent, std::int64_t stride);
  Size size() const;
};

using Indices = std::vector<std::string>;
/// An entry of A (outer: indices of m) or of B (outer: of n).
using Entry = std::function<std::string(KernelText&, const Indices& batch, const Indices& outer,
                                        const Indices& k)>;

struct Product {
  ProductAxes batch, m, n, k;
  Entry a, b;
  /// Neighbouring threads read A (B) along k rather than along m (n).
  bool a_along_k = false, b_along_k = false;
};

/// Writes the product into node `id`'s memory; tiles in local memory where it is large, a thread an
/// entry where it is small. Long sums are cut into pieces, added up in order.
void write_product(Lowering& lowering, ValueId id, const Product& product);

}  // namespace odeum::kernelgen
