// SPDX-License-Identifier: Apache-2.0
// Values [rows, D, width] with few D (the tangents of an exact trace): groups take them as D slices
// [rows, width]. A value without the middle axis that meets one with it is then read once for all
// slices, and a sum over the middle axis is an addition of slices.
#pragma once

#include <cstdint>
#include <optional>

#include "plan/graph.hpp"

namespace odeum::cpu {

/// Rows of slices fill whole vectors of every type.
inline constexpr std::int64_t kSliceVector = 16;
/// Measured on an exact trace of a net 64 wide: a tenth of the time and more for 3 to 20, nothing
/// for 32.
inline constexpr std::int64_t kMostSlices = 24;

/// How groups take a node's result: `count` slices of `width` elements a row, or (1) as it is.
struct Slices {
  std::int64_t count = 1;
  std::int64_t width = 0;
};
Slices slices(const Graph& graph, ValueId id);

/// Is node `id` a sum over the middle axis that a group computes slice by slice? Its operand may be
/// anything in memory. Terms are added in pairs, the sums in pairs again: five
/// roundings for 24.
bool sums_slices(const Graph& graph, ValueId id);
/// The operands of `id` are read slice by slice: how many there are, else 1.
std::int64_t slices_read(const Graph& graph, ValueId id);

/// Slice d of a layout [rows, D, width].
Layout slice(const Layout& x, std::int64_t d);
/// The slice of the root that the layout reads in full and in order.
std::optional<std::int64_t> slice_of_root(const Graph& graph, const Layout& layout);

/// Can `id` read operand k from the registers of the group that computes its root?
bool reads_registers(const Graph& graph, ValueId id, int k);

}  // namespace odeum::cpu
