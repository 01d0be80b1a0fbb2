// SPDX-License-Identifier: Apache-2.0
// Fusion: which nodes share a kernel.
#pragma once

#include <cstdint>
#include <vector>

#include "kernelgen/graph.hpp"
#include "kernelgen/plan.hpp"

namespace odeum::kernelgen {

enum class UnitKind : std::uint8_t {
  group,  ///< elements of one count, thread by thread
  tile,   ///< narrow values of all kinds, a group of threads a few rows (kernelgen/tile.hpp)
  work,   ///< one node of Role::work, the last, behind the elementwise nodes that only it reads
};

/// What one kernel computes.
struct Unit {
  UnitKind kind = UnitKind::work;
  bool rowful = false;
  std::int64_t elements = 0;  ///< of a group: per row, or in total
  std::vector<ValueId> nodes;
};

struct Fusion {
  std::vector<Unit> units;   ///< in an order in which they can run
  std::vector<int> unit_of;  ///< of each node, -1 for leaves, views and dead ones
};

Fusion fuse(const Graph& graph, const Libraries& libraries);

}  // namespace odeum::kernelgen
