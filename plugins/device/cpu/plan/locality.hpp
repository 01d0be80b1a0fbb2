// SPDX-License-Identifier: Apache-2.0
// What belongs together, so that what a tile of rows needs at once stays in a cache: which
// elementwise operations over rows share a unit, and when a unit is needed first. Joining
// operations that have nothing in common saves no pass over memory, and only makes values live
// earlier than they are needed: all the stages of a step, say, where one after another would do.
#pragma once

#include <vector>

#include "plan/graph.hpp"

namespace odeum::cpu {

/// Were the two recorded so far apart that they belong to different parts of the program, such as
/// stages? Values that lie between parts pass through memory, unless another one follows from them
/// alone and is kept in their stead. Rows wider than the first-level cache
/// pass through memory anyway, and are joined whatever the distance.
bool far_apart(const Graph& graph, ValueId earlier, ValueId later);

/// Which elementwise nodes with rows belong together: those at one depth that read wide values with
/// rows in common, or each other's results. Equal numbers belong together; other nodes have 0.
std::vector<int> related(const Graph& graph, const std::vector<int>& depths);

/// When each unit is needed first: the smallest last node among the units that follow from it,
/// directly or not, and that nothing follows from. `order` is one in which units can run.
std::vector<ValueId> first_needs(const std::vector<std::vector<std::size_t>>& followers,
                                 const std::vector<std::size_t>& order,
                                 const std::vector<ValueId>& last_nodes);

}  // namespace odeum::cpu
