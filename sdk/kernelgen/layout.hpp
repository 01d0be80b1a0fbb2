// SPDX-License-Identifier: Apache-2.0
// Layouts: values that are places in another value's memory. Reshape, permute, slice and broadcast
// move nothing; whoever reads through them reads with strides.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "odeum/program.hpp"

namespace odeum::kernelgen {

/// Element (i0, i1, ...) of a value is element offset + sum of i * stride of `root`.
struct Layout {
  ValueId root = -1;
  std::int64_t offset = 0;
  std::vector<std::int64_t> extents;  ///< kRows in front where the shape has rows
  std::vector<std::int64_t> strides;  ///< in elements; 0 where broadcast
};

/// Row-major layout of a value in memory of its own.
Layout contiguous(ValueId root, const Shape& shape);
/// The layout of a fill constant: every stride 0.
Layout filled(ValueId root, const Shape& shape);
/// The layout of a view node whose operand has layout `x`; nothing when it cannot be expressed (a
/// reshape of strided memory).
std::optional<Layout> view(const Node& node, const Layout& x);
/// All of root's elements, in order.
bool whole(const Layout& layout, const Shape& root_shape);

}  // namespace odeum::kernelgen
