// SPDX-License-Identifier: Apache-2.0
// Fusion: which nodes share a kernel.
#pragma once

#include <cstdint>
#include <vector>

#include "kernelgen/graph.hpp"

namespace odeum::kernelgen {

/// What one kernel computes: elements of one count, thread by thread; or one node of Role::work,
/// the last of `nodes`, behind the elementwise nodes that only it reads.
struct Unit {
  bool group = false;
  bool rowful = false;
  std::int64_t elements = 0;  ///< of a group: per row, or in total
  std::vector<ValueId> nodes;
};

struct Fusion {
  std::vector<Unit> units;   ///< in an order in which they can run
  std::vector<int> unit_of;  ///< of each node, -1 for leaves, views and dead ones
};

Fusion fuse(const Graph& graph);

}  // namespace odeum::kernelgen
