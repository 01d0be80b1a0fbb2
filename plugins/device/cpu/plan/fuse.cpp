// SPDX-License-Identifier: Apache-2.0
#include "plan/fuse.hpp"

#include <algorithm>
#include <functional>
#include <limits>
#include <map>
#include <queue>
#include <tuple>

#include "plan/locality.hpp"
#include "plan/slices.hpp"

namespace odeum::cpu {
namespace {

/// Groups stay below this many nodes and, counting slices, operations, so that their operands fit a
/// fixed table.
constexpr std::size_t kLargestGroup = 48;
constexpr std::int64_t kMostSliceOperations = 160;
/// How far a chain of values that only one node reads is followed when it is moved.
constexpr int kLongestChain = 8;

/// Depths order the units of a phase: along every dependence between different units they grow.
class Depths {
 public:
  explicit Depths(const Graph& graph) : graph_(graph), depth_(graph.size(), 0) {
    for (std::size_t i = 0; i < graph.size(); ++i) {
      const auto id = static_cast<ValueId>(i);
      if (!runs(id)) continue;
      for (int k = 0; k < operands(id); ++k) {
        const ValueId r = operand_root(id, k);
        if (same_phase(r, id)) depth_[i] = std::max(depth_[i], depth(r) + (joined(id, k) ? 0 : 1));
      }
    }
    for (auto id = static_cast<ValueId>(graph.size()); id-- > 0;) sink(id);
  }

  int depth(ValueId id) const { return depth_[static_cast<std::size_t>(id)]; }
  const std::vector<int>& all() const { return depth_; }

  /// Does the node run in some unit of its own right?
  bool runs(ValueId id) const {
    if (graph_.reduces_rows(id) && graph_.role(id) != Role::dead) return true;
    if (graph_.role(id) == Role::element) return true;
    return graph_.role(id) == Role::step &&
           graph_.accumulation_of[static_cast<std::size_t>(id)] < 0;
  }
  ValueId operand_root(ValueId id, int k) const {
    return graph_.root(graph_[id].operands[static_cast<std::size_t>(k)]);
  }
  int operands(ValueId id) const { return static_cast<int>(graph_[id].operands.size()); }
  /// Is `r` computed in the phase in which `id` runs?
  bool same_phase(ValueId r, ValueId id) const {
    return runs(r) && !graph_.reduces_rows(r) && graph_.phase(r) == graph_.executed_in(id);
  }

 private:
  /// Can `id` read operand k from the registers of one group?
  bool joined(ValueId id, int k) const {
    const ValueId r = operand_root(id, k);
    if (!reads_registers(graph_, id, k)) return false;
    return sums_in_group(graph_, id) || !far_apart(graph_, r, id);
  }

  /// The depth just before the first reader in this phase, or -1 without one.
  int latest(ValueId id) const {
    int result = std::numeric_limits<int>::max();
    for (const ValueId reader : graph_.readers[static_cast<std::size_t>(id)]) {
      if (!same_phase(id, reader)) return -1;
      for (int k = 0; k < operands(reader); ++k) {
        if (operand_root(reader, k) == id)
          result = std::min(result, depth(reader) - (joined(reader, k) ? 0 : 1));
      }
    }
    return result == std::numeric_limits<int>::max() ? -1 : result;
  }

  /// Would computing `id` at `at` keep no operand alive that is not alive then anyway?
  bool free_at(ValueId id, int at, int chain) const {
    for (int k = 0; k < operands(id); ++k) {
      const ValueId r = operand_root(id, k);
      if (!same_phase(r, id)) continue;
      bool alive = false, others = false;
      for (const ValueId reader : graph_.readers[static_cast<std::size_t>(r)]) {
        if (reader == id) continue;
        others = true;
        alive = alive || !same_phase(r, reader) || depth(reader) >= at;
      }
      if (alive) continue;
      if (others || chain == 0 || !joined(id, k) || !free_at(r, at, chain - 1)) return false;
    }
    return true;
  }

  /// Moves what is cheap to compute later to its readers, so that it is not stored in between.
  void sink(ValueId id) {
    if (graph_.role(id) != Role::element || graph_.output_of[static_cast<std::size_t>(id)] >= 0)
      return;
    const int at = latest(id);
    if (at > depth(id) && free_at(id, at, kLongestChain)) depth_[static_cast<std::size_t>(id)] = at;
  }

  const Graph& graph_;
  std::vector<int> depth_;
};

std::vector<Unit> gather_units(const Graph& graph, const Depths& depths,
                               std::vector<int>& unit_of) {
  std::vector<Unit> units;
  std::vector<std::int64_t> sizes;  // of units: operations, counting slices
  std::map<std::tuple<int, bool, std::int64_t, int, int>, int> open;
  const std::vector<int> relation = related(graph, depths.all());
  for (std::size_t i = 0; i < graph.size(); ++i) {
    const auto id = static_cast<ValueId>(i);
    if (!depths.runs(id)) continue;
    if (sums_in_group(graph, id)) {
      unit_of[i] = unit_of[static_cast<std::size_t>(depths.operand_root(id, 0))];
      units[static_cast<std::size_t>(unit_of[i])].nodes.push_back(id);
      continue;
    }
    const std::int64_t width = slices(graph, id).width;
    const std::int64_t size = slices_read(graph, id);
    if (graph.role(id) == Role::element) {
      const auto key =
          std::tuple(graph.phase(id), graph.rowful(id), width, depths.depth(id), relation[i]);
      const auto found = open.find(key);
      if (found != open.end() &&
          units[static_cast<std::size_t>(found->second)].nodes.size() < kLargestGroup &&
          sizes[static_cast<std::size_t>(found->second)] < kMostSliceOperations) {
        unit_of[i] = found->second;
        units[static_cast<std::size_t>(found->second)].nodes.push_back(id);
        sizes[static_cast<std::size_t>(found->second)] += size;
        continue;
      }
      open[key] = static_cast<int>(units.size());
    }
    unit_of[i] = static_cast<int>(units.size());
    units.push_back({graph.role(id) == Role::element,
                     graph.executed_in(id),
                     (graph.executed_in(id) & 1) != 0,
                     width,
                     {id}});
    sizes.push_back(size);
  }
  return units;
}

using Followers = std::vector<std::vector<std::size_t>>;

Followers followers_of(const Depths& depths, const std::vector<Unit>& units,
                       const std::vector<int>& unit_of) {
  Followers followers(units.size());
  for (std::size_t u = 0; u < units.size(); ++u) {
    std::vector<std::size_t> needs;
    for (const ValueId id : units[u].nodes) {
      for (int k = 0; k < depths.operands(id); ++k) {
        const int from = unit_of[static_cast<std::size_t>(depths.operand_root(id, k))];
        if (from >= 0 && static_cast<std::size_t>(from) != u)
          needs.push_back(static_cast<std::size_t>(from));
      }
    }
    std::sort(needs.begin(), needs.end());
    needs.erase(std::unique(needs.begin(), needs.end()), needs.end());
    for (const std::size_t from : needs) followers[from].push_back(u);
  }
  return followers;
}

/// Operands first; among those that can run, by phase and then the smallest rank.
std::vector<std::size_t> ordered(const std::vector<Unit>& units, const Followers& followers,
                                 const std::vector<ValueId>& ranks,
                                 const std::vector<ValueId>& last_nodes) {
  std::vector<int> waiting(units.size(), 0);
  for (const auto& list : followers) {
    for (const std::size_t next : list) ++waiting[next];
  }
  using Key = std::tuple<int, ValueId, ValueId, std::size_t>;
  std::priority_queue<Key, std::vector<Key>, std::greater<>> ready;
  const auto key = [&](std::size_t u) { return Key(units[u].phase, ranks[u], last_nodes[u], u); };
  for (std::size_t u = 0; u < units.size(); ++u) {
    if (waiting[u] == 0) ready.push(key(u));
  }
  std::vector<std::size_t> result;
  while (!ready.empty()) {
    const std::size_t u = std::get<3>(ready.top());
    ready.pop();
    result.push_back(u);
    for (const std::size_t next : followers[u]) {
      if (--waiting[next] == 0) ready.push(key(next));
    }
  }
  return result;
}

/// A product that only one addition of its unit reads is computed with it.
void join_products(const Graph& graph, Fusion& fusion) {
  fusion.product_of.assign(graph.size(), -1);
  fusion.is_part.assign(graph.size(), false);
  for (const Unit& unit : fusion.units) {
    for (const ValueId id : unit.nodes) {
      const Node& node = graph[id];
      if (node.op != Op::add && node.op != Op::sub) continue;
      const auto i = static_cast<std::size_t>(id);
      for (int k = 0; k < 2 && fusion.product_of[i] < 0; ++k) {
        const ValueId x = graph.root(node.operands[static_cast<std::size_t>(k)]);
        const auto r = static_cast<std::size_t>(x);
        if (graph.role(x) != Role::element || graph[x].op != Op::mul || !graph.plain(id, k) ||
            fusion.unit_of[r] != fusion.unit_of[i] || graph.readers[r].size() != 1 ||
            graph.output_of[r] >= 0)
          continue;
        fusion.product_of[i] = k;
        fusion.is_part[r] = true;
      }
    }
  }
}

/// Among the units that can run, the one that is needed first.
std::vector<std::size_t> order(const Depths& depths, const std::vector<Unit>& units,
                               const std::vector<int>& unit_of) {
  const Followers followers = followers_of(depths, units, unit_of);
  std::vector<ValueId> last_nodes;
  last_nodes.reserve(units.size());
  for (const Unit& unit : units)
    last_nodes.push_back(*std::max_element(unit.nodes.begin(), unit.nodes.end()));
  const std::vector<std::size_t> result = ordered(units, followers, last_nodes, last_nodes);
  return ordered(units, followers, first_needs(followers, result, last_nodes), last_nodes);
}

}  // namespace

bool sums_in_group(const Graph& graph, ValueId id) {
  const Node& node = graph[id];
  if (node.op != Op::sum || graph.role(id) == Role::dead) return false;
  const ValueId x = graph.root(node.operands[0]);
  const Shape& shape = graph[node.operands[0]].shape;
  if (!shape.has_rows() || graph.role(x) != Role::element || !graph.plain(id, 0)) return false;
  if (graph.phase(x) != graph.executed_in(id)) return false;
  const std::int64_t width = graph.elements(x);
  if (width < 1 || width > kWidestFusedRow) return false;
  const auto& axes = std::get<Axes>(node.attributes).axes;
  if (axes.empty()) return false;
  const auto count = static_cast<int>(axes.size());
  if (axes.front() == 0) return count == 1 || count == shape.rank();
  // The last axes, all of them behind those that stay; integers are summed outside.
  return axes.front() == shape.rank() - count && node.dtype != DType::i64;
}

Fusion fuse(const Graph& graph) {
  const Depths depths(graph);
  std::vector<int> unit_of(graph.size(), -1);
  std::vector<Unit> units = gather_units(graph, depths, unit_of);
  Fusion result;
  std::vector<int> place(units.size());
  for (const std::size_t u : order(depths, units, unit_of)) {
    place[u] = static_cast<int>(result.units.size());
    result.units.push_back(std::move(units[u]));
  }
  result.unit_of = std::move(unit_of);
  for (int& u : result.unit_of) {
    if (u >= 0) u = place[static_cast<std::size_t>(u)];
  }
  join_products(graph, result);
  return result;
}

}  // namespace odeum::cpu
