// SPDX-License-Identifier: Apache-2.0
// The linear assignment problem, exactly.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace odeum::objectives {

/// The permutation p for which the sum of cost[i n + p(i)] is smallest, by shortest augmenting
/// paths on reduced costs (Jonker, Volgenant, Computing 38, 1987; Crouse, IEEE Transactions on
/// Aerospace and Electronic Systems 52, 2016): O(n^3). Costs are finite; of permutations that cost
/// the same it is always the same one.
std::vector<std::size_t> cheapest_assignment(std::span<const double> cost, std::size_t n);

}  // namespace odeum::objectives
