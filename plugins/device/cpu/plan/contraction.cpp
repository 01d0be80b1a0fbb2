// SPDX-License-Identifier: Apache-2.0
#include "plan/contraction.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace odeum::cpu {
namespace {

/// Rows count as many when the largest axis is chosen.
constexpr std::int64_t kTypicalRows = 64;

/// Neighbours that are one axis in all three memories become one; inner axes last.
std::vector<Side> merged(const std::vector<Side>& sides) {
  std::vector<Side> result;
  for (const Side& side : sides) {
    if (side.extent == 1 && !side.rows) continue;
    if (!result.empty()) {
      Side& outer = result.back();
      const auto nests = [&side](std::int64_t o, std::int64_t i) { return o == i * side.extent; };
      if (!side.rows && nests(outer.a, side.a) && nests(outer.b, side.b) &&
          nests(outer.c, side.c)) {
        outer = {outer.extent * side.extent, outer.rows, side.a, side.b, side.c};
        continue;
      }
    }
    result.push_back(side);
  }
  return result;
}

/// Takes the largest axis for the product; the others become loops.
Side take_largest(std::vector<Side> sides, std::vector<Side>& loops) {
  if (sides.empty()) return {};
  const auto largest = std::max_element(
      sides.begin(), sides.end(),
      [](const Side& x, const Side& y) { return x.size(kTypicalRows) < y.size(kTypicalRows); });
  const Side taken = *largest;
  sides.erase(largest);
  loops.insert(loops.end(), sides.begin(), sides.end());
  return taken;
}

}  // namespace

ContractionShape contraction_shape(const std::string& a_labels, const std::string& b_labels,
                                   const std::string& out_labels, const Layout& a,
                                   const Layout& b) {
  std::vector<std::int64_t> out_strides(out_labels.size(), 0);
  const auto extent_of = [&](char label) {
    const auto i = a_labels.find(label);
    return i != std::string::npos ? a.extents[i] : b.extents[b_labels.find(label)];
  };
  std::int64_t stride = 1;
  for (std::size_t i = out_labels.size(); i-- > 0;) {
    out_strides[i] = stride;
    const std::int64_t extent = extent_of(out_labels[i]);
    if (extent != kRows) stride *= extent;
  }
  const auto side_of = [&](char label) {
    const auto ia = a_labels.find(label), ib = b_labels.find(label), ic = out_labels.find(label);
    Side side;
    const std::int64_t extent = extent_of(label);
    side.rows = extent == kRows;
    side.extent = side.rows ? 1 : extent;
    if (ia != std::string::npos) side.a = a.strides[ia];
    if (ib != std::string::npos) side.b = b.strides[ib];
    if (ic != std::string::npos) side.c = out_strides[ic];
    return side;
  };
  std::vector<Side> batch, m, n, k;
  for (const char label : out_labels) {
    const bool in_a = a_labels.find(label) != std::string::npos;
    const bool in_b = b_labels.find(label) != std::string::npos;
    (in_a && in_b ? batch : (in_a ? m : n)).push_back(side_of(label));
  }
  for (const char label : a_labels) {
    if (out_labels.find(label) == std::string::npos) k.push_back(side_of(label));
  }
  // Nothing to add up: the product of depth 0 writes zeros.
  for (const Side& side : k) {
    if (!side.rows && side.extent == 0) {
      k = {side};
      break;
    }
  }
  ContractionShape result;
  result.a_offset = a.offset;
  result.b_offset = b.offset;
  result.loops = merged(batch);
  result.m = take_largest(merged(m), result.loops);
  result.n = take_largest(merged(n), result.loops);
  result.k = take_largest(merged(k), result.loops);
  // Loops over rows come first, so that blocks of rows are ranges of the outermost loop.
  std::stable_partition(result.loops.begin(), result.loops.end(),
                        [](const Side& s) { return s.rows; });
  return result;
}

ContractionShape exchanged(ContractionShape shape) {
  const auto swap_operands = [](Side& s) { std::swap(s.a, s.b); };
  for (Side& loop : shape.loops) swap_operands(loop);
  swap_operands(shape.m);
  swap_operands(shape.n);
  swap_operands(shape.k);
  std::swap(shape.m, shape.n);
  std::swap(shape.a_offset, shape.b_offset);
  return shape;
}

}  // namespace odeum::cpu
