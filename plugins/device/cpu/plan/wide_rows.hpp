// SPDX-License-Identifier: Apache-2.0
// Programs over images. A row there is larger than the first-level cache, so that joining what has
// nothing in common saves no pass over memory, and only makes it live earlier than it is needed.
#pragma once

#include <vector>

#include "plan/graph.hpp"

namespace odeum::cpu {

/// Rows with more elements than this are wide: four times a chunk of a group.
inline constexpr std::int64_t kWideRow = 4096;

bool has_wide_rows(const Graph& graph);

/// Which elementwise nodes with wide rows belong together: those at one depth that read values with
/// rows in common, or each other's results. Equal numbers belong together; other nodes have 0.
std::vector<int> related(const Graph& graph, const std::vector<int>& depths);

/// When each unit is needed first: the smallest last node among the units that follow from it,
/// directly or not, and that nothing follows from. `order` is one in which units can run.
std::vector<ValueId> first_needs(const std::vector<std::vector<std::size_t>>& followers,
                                 const std::vector<std::size_t>& order,
                                 const std::vector<ValueId>& last_nodes);

}  // namespace odeum::cpu
