// SPDX-License-Identifier: Apache-2.0
#include "plan/locality.hpp"

#include <algorithm>
#include <map>
#include <numeric>
#include <utility>

namespace odeum::cpu {
namespace {

/// In nodes, as far as what a layer needs of another in one stage of a step reaches; measured on
/// flows of three layers, where 24 to 64 need about the same memory and 100 nearly twice as much.
constexpr ValueId kFar = 40;
/// Rows with more elements than this are wide: four times a chunk of a group.
constexpr std::int64_t kWideRow = 4096;
/// Values with fewer elements a row cost nothing to be read again.
constexpr std::int64_t kWorthSharing = 16;

bool is_joinable(const Graph& graph, ValueId id) {
  return graph.role(id) == Role::element && graph.rowful(id);
}

/// Sets that grow together.
class Sets {
 public:
  explicit Sets(std::size_t n) : parent_(n) { std::iota(parent_.begin(), parent_.end(), 0); }
  int find(int x) {
    while (at(x) != x) x = at(x) = at(at(x));
    return x;
  }
  void join(int a, int b) { at(find(a)) = find(b); }

 private:
  int& at(int x) { return parent_[static_cast<std::size_t>(x)]; }
  std::vector<int> parent_;
};

}  // namespace

bool far_apart(const Graph& graph, ValueId earlier, ValueId later) {
  const auto& operands = graph[later].operands;
  const auto is_value = [&graph](ValueId x) {
    return graph.rowful(x) && graph.fill(graph.root(x)) == nullptr;
  };
  // What follows from one value takes its place.
  if (std::count_if(operands.begin(), operands.end(), is_value) < 2) return false;
  return graph.rowful(later) && graph.elements(later) <= kWideRow && later - earlier > kFar;
}

std::vector<int> related(const Graph& graph, const std::vector<int>& depths) {
  Sets sets(graph.size());
  std::map<std::pair<ValueId, int>, ValueId> readers;  // the last, by what is read and depth
  for (std::size_t i = 0; i < graph.size(); ++i) {
    const auto id = static_cast<ValueId>(i);
    if (!is_joinable(graph, id)) continue;
    for (const ValueId operand : graph[id].operands) {
      const ValueId x = graph.root(operand);
      if (!graph.rowful(x) || graph.fill(x) != nullptr) continue;
      if (graph.elements(x) >= kWorthSharing) {
        const auto [known, is_new] = readers.try_emplace({x, depths[i]}, id);
        if (!is_new && !far_apart(graph, known->second, id)) sets.join(id, known->second);
        known->second = id;
      }
      if (is_joinable(graph, x) && depths[static_cast<std::size_t>(x)] == depths[i])
        sets.join(id, x);
    }
  }
  std::vector<int> numbers(graph.size(), 0);
  for (std::size_t i = 0; i < graph.size(); ++i) {
    const auto id = static_cast<ValueId>(i);
    if (is_joinable(graph, id)) numbers[i] = 1 + sets.find(id);
  }
  return numbers;
}

std::vector<ValueId> first_needs(const std::vector<std::vector<std::size_t>>& followers,
                                 const std::vector<std::size_t>& order,
                                 const std::vector<ValueId>& last_nodes) {
  std::vector<ValueId> needs = last_nodes;
  for (auto unit = order.rbegin(); unit != order.rend(); ++unit) {
    const auto& next = followers[*unit];
    if (next.empty()) continue;
    needs[*unit] = needs[next.front()];
    for (const std::size_t follower : next) needs[*unit] = std::min(needs[*unit], needs[follower]);
  }
  return needs;
}

}  // namespace odeum::cpu
