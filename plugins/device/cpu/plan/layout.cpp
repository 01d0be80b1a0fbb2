// SPDX-License-Identifier: Apache-2.0
#include "plan/layout.hpp"

#include <algorithm>

namespace odeum::cpu {

Access access(const Layout& layout) {
  Access a;
  a.offset = layout.offset;
  const bool rows = !layout.extents.empty() && layout.extents.front() == kRows;
  for (std::size_t i = rows ? 1 : 0; i < layout.extents.size(); ++i) {
    const std::int64_t extent = layout.extents[i];
    a.per_row *= extent;
    if (extent == 1) continue;
    if (!a.extents.empty() && a.strides.back() == layout.strides[i] * extent) {
      a.extents.back() *= extent;
      a.strides.back() = layout.strides[i];
    } else {
      a.extents.push_back(extent);
      a.strides.push_back(layout.strides[i]);
    }
  }
  a.row_stride = rows ? layout.strides[0] : a.per_row;
  const bool dense = a.extents.empty() || (a.extents.size() == 1 && a.strides[0] == 1);
  const bool constant =
      std::all_of(a.strides.begin(), a.strides.end(), [](std::int64_t s) { return s == 0; });
  if (constant && (!rows || a.row_stride == 0)) {
    a.kind = Access::Kind::scalar;
  } else if (dense && a.row_stride == a.per_row) {
    a.kind = Access::Kind::contiguous;
  } else if (rows && a.row_stride == 0) {
    a.kind = Access::Kind::periodic;
  } else {
    a.kind = Access::Kind::strided;
  }
  return a;
}

}  // namespace odeum::cpu
