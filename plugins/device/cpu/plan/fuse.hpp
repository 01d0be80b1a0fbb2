// SPDX-License-Identifier: Apache-2.0
// Fusion: which elementwise nodes run together over chunks that stay in the first-level cache.
#pragma once

#include <cstdint>
#include <vector>

#include "plan/graph.hpp"

namespace odeum::cpu {

/// What runs at once: one node, or elementwise nodes over the same flat elements (of slices:
/// plan/slices.hpp), with sums over their results.
struct Unit {
  bool group = false;
  int phase = 0;  ///< in which it runs
  bool rowful = false;
  std::int64_t elements = 0;  ///< of a group: per row (of a slice), or in total
  std::vector<ValueId> nodes;
};

struct Fusion {
  std::vector<Unit> units;   ///< in an order in which they can run
  std::vector<int> unit_of;  ///< of each node, -1 for leaves, views and accumulated results
  /// Of an addition or subtraction: the operand that is a product computed with it, or -1.
  std::vector<int> product_of;
  std::vector<bool> is_part;  ///< products that are
};

/// Rows with more elements than this have their sums taken outside of groups.
inline constexpr std::int64_t kWidestFusedRow = 1024;

/// Is node `id` a sum that a group can take while it holds the summed value in registers: over the
/// last axes of a row, or over rows?
bool sums_in_group(const Graph& graph, ValueId id);

Fusion fuse(const Graph& graph);

}  // namespace odeum::cpu
