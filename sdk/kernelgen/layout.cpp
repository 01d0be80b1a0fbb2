// SPDX-License-Identifier: Apache-2.0
#include "kernelgen/layout.hpp"

#include <algorithm>
#include <cstddef>

namespace odeum::kernelgen {
namespace {

std::int64_t known(std::int64_t extent) { return extent == kRows ? 1 : extent; }

/// NumPy's reshape without a copy: groups of old and new axes with equal products, each group
/// uniformly strided.
std::optional<Layout> reshaped(const Layout& x, const Shape& shape) {
  Layout y{x.root, x.offset, shape.extents(), std::vector<std::int64_t>(shape.extents().size(), 0)};
  std::vector<std::int64_t> extents, strides;
  const std::size_t first = shape.has_rows() ? 1 : 0;
  for (std::size_t i = first; i < x.extents.size(); ++i) {
    if (x.extents[i] == 1) continue;
    extents.push_back(x.extents[i]);
    strides.push_back(x.strides[i]);
  }
  if (first == 1) y.strides[0] = x.strides[0];
  std::size_t old = 0;
  std::size_t i = first;
  while (i < y.extents.size()) {
    if (y.extents[i] == 1) {
      ++i;
      continue;
    }
    if (old == extents.size()) return std::nullopt;
    std::size_t old_end = old + 1, new_end = i + 1;
    std::int64_t old_product = extents[old], new_product = y.extents[i];
    while (old_product != new_product) {
      if (old_product < new_product) {
        if (old_end == extents.size()) return std::nullopt;
        old_product *= extents[old_end++];
      } else {
        if (new_end == y.extents.size()) return std::nullopt;
        new_product *= y.extents[new_end++];
      }
    }
    for (std::size_t k = old; k + 1 < old_end; ++k) {
      if (strides[k] != strides[k + 1] * extents[k + 1]) return std::nullopt;
    }
    std::int64_t stride = strides[old_end - 1];
    for (std::size_t k = new_end; k-- > i;) {
      y.strides[k] = stride;
      stride *= y.extents[k];
    }
    old = old_end;
    i = new_end;
  }
  return y;
}

}  // namespace

Layout contiguous(ValueId root, const Shape& shape) {
  Layout x{root, 0, shape.extents(), std::vector<std::int64_t>(shape.extents().size(), 0)};
  std::int64_t stride = 1;
  for (std::size_t i = x.extents.size(); i-- > 0;) {
    x.strides[i] = stride;
    stride *= known(x.extents[i]);
  }
  return x;
}

Layout filled(ValueId root, const Shape& shape) {
  return {root, 0, shape.extents(), std::vector<std::int64_t>(shape.extents().size(), 0)};
}

std::optional<Layout> view(const Node& node, const Layout& x) {
  Layout y = x;
  switch (node.op) {
    case Op::stop_gradient:
      return y;
    case Op::reshape:
      if (node.shape.elements_per_row() == 0) return contiguous(x.root, node.shape);
      return reshaped(x, node.shape);
    case Op::permute: {
      const auto& axes = std::get<Axes>(node.attributes).axes;
      for (std::size_t i = 0; i < axes.size(); ++i) {
        y.extents[i] = x.extents[static_cast<std::size_t>(axes[i])];
        y.strides[i] = x.strides[static_cast<std::size_t>(axes[i])];
      }
      return y;
    }
    case Op::broadcast:
      y.extents = node.shape.extents();
      for (std::size_t i = 0; i < y.extents.size(); ++i) {
        if (x.extents[i] != y.extents[i]) y.strides[i] = 0;
      }
      return y;
    case Op::slice: {
      const auto& bounds = std::get<Bounds>(node.attributes);
      const auto axis = static_cast<std::size_t>(bounds.axis);
      y.offset += bounds.begin * x.strides[axis];
      y.extents[axis] = bounds.end - bounds.begin;
      return y;
    }
    default:
      return std::nullopt;
  }
}

bool whole(const Layout& layout, const Shape& root_shape) {
  if (layout.offset != 0) return false;
  const bool rows = !layout.extents.empty() && layout.extents.front() == kRows;
  if (rows != root_shape.has_rows()) return false;
  std::int64_t stride = 1;
  for (std::size_t i = layout.extents.size(); i-- > 0;) {
    if (layout.extents[i] == kRows)
      return layout.strides[i] == stride && stride == root_shape.elements_per_row();
    if (layout.extents[i] == 1) continue;
    if (layout.strides[i] != stride) return false;
    stride *= layout.extents[i];
  }
  return stride == root_shape.elements_per_row();
}

}  // namespace odeum::kernelgen
