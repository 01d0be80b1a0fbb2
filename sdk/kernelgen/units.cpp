// SPDX-License-Identifier: Apache-2.0
#include "kernelgen/units.hpp"

#include <algorithm>
#include <map>
#include <numeric>
#include <tuple>

namespace odeum::kernelgen {
namespace {

/// Groups stay below this many nodes and memory places, so that a kernel's parameters fit the
/// 1024 bytes that every device takes.
constexpr std::size_t kLargestGroup = 64;
constexpr std::size_t kMostPlaces = 40;
/// Elementwise nodes that a reduction takes into its loop.
constexpr std::size_t kMostAbsorbed = 16;

class Fuser {
 public:
  explicit Fuser(const Graph& graph)
      : graph_(graph), taker_(graph.size(), -1), depth_(graph.size(), 0) {
    for (std::size_t i = 0; i < graph.size(); ++i) absorb(static_cast<ValueId>(i));
    for (std::size_t i = 0; i < graph.size(); ++i) find_depth(static_cast<ValueId>(i));
  }

  Fusion fuse() {
    Fusion result;
    result.unit_of.assign(graph_.size(), -1);
    std::vector<Unit> units;
    std::vector<int> depths;
    for (std::size_t i = 0; i < graph_.size(); ++i) {
      const auto id = static_cast<ValueId>(i);
      if (!runs(id) || taker_[i] >= 0) continue;
      const int unit = graph_.role(id) == Role::element ? group_for(id, units, depths)
                                                        : unit_of_work(id, units, depths);
      for (const ValueId member : units[static_cast<std::size_t>(unit)].nodes)
        result.unit_of[static_cast<std::size_t>(member)] = unit;
    }
    std::vector<std::size_t> order(units.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return depths[a] < depths[b]; });
    std::vector<int> place(units.size());
    for (const std::size_t u : order) {
      place[u] = static_cast<int>(result.units.size());
      result.units.push_back(std::move(units[u]));
    }
    for (int& u : result.unit_of) {
      if (u >= 0) u = place[static_cast<std::size_t>(u)];
    }
    return result;
  }

 private:
  bool runs(ValueId id) const {
    return graph_.role(id) == Role::element || graph_.role(id) == Role::work;
  }
  int depth(ValueId id) const { return depth_[static_cast<std::size_t>(id)]; }

  /// Takes what only this reduction reads, element by element, into its loop.
  void absorb(ValueId id) {
    const Op op = graph_[id].op;
    if (graph_.role(id) != Role::work || (op != Op::sum && op != Op::reduce_max)) return;
    std::vector<ValueId> taken;
    const auto take = [&](ValueId reader, int k, const auto& again) -> void {
      const ValueId x = graph_.root(graph_.operand(reader, k));
      const auto i = static_cast<std::size_t>(x);
      const bool only_reader = std::all_of(graph_.readers[i].begin(), graph_.readers[i].end(),
                                           [&](ValueId other) { return other == reader; });
      if (graph_.role(x) != Role::element || !graph_.plain(reader, k) || !only_reader ||
          graph_.output_of[i] >= 0 || taker_[i] >= 0 || taken.size() >= kMostAbsorbed ||
          !is_elementwise(graph_[x].op))
        return;
      taker_[i] = id;
      taken.push_back(x);
      for (int m = 0; m < static_cast<int>(graph_[x].operands.size()); ++m) again(x, m, again);
    };
    take(id, 0, take);
    std::sort(taken.begin(), taken.end());
    absorbed_[id] = std::move(taken);
  }

  bool joined(ValueId id, int k) const {
    const ValueId x = graph_.root(graph_.operand(id, k));
    if (taker_[static_cast<std::size_t>(x)] >= 0) return true;
    return graph_.role(x) == Role::element && graph_.role(id) == Role::element &&
           taker_[static_cast<std::size_t>(id)] < 0 && graph_.pointwise(id, k) &&
           graph_.plain(id, k);
  }

  void find_depth(ValueId id) {
    if (!runs(id)) return;
    int& depth = depth_[static_cast<std::size_t>(id)];
    for (int k = 0; k < static_cast<int>(graph_[id].operands.size()); ++k) {
      const ValueId x = graph_.root(graph_.operand(id, k));
      if (runs(x)) depth = std::max(depth, this->depth(x) + (joined(id, k) ? 0 : 1));
    }
  }

  std::size_t places(ValueId id) const { return graph_[id].operands.size() + 1; }

  int group_for(ValueId id, std::vector<Unit>& units, std::vector<int>& depths) {
    const auto key = std::tuple(graph_.rowful(id), graph_.elements(id), depth(id));
    const auto found = open_.find(key);
    if (found != open_.end()) {
      Unit& unit = units[static_cast<std::size_t>(found->second)];
      std::size_t& used = places_[found->second];
      if (unit.nodes.size() < kLargestGroup && used + places(id) <= kMostPlaces) {
        unit.nodes.push_back(id);
        used += std::size_t{1} + new_places(id, unit);
        return found->second;
      }
    }
    const int unit = static_cast<int>(units.size());
    units.push_back({true, graph_.rowful(id), graph_.elements(id), {id}});
    depths.push_back(depth(id));
    open_[key] = unit;
    places_[unit] = places(id);
    return unit;
  }

  /// Operands that come from memory.
  std::size_t new_places(ValueId id, const Unit& unit) const {
    std::size_t count = 0;
    for (int k = 0; k < static_cast<int>(graph_[id].operands.size()); ++k) {
      const ValueId x = graph_.root(graph_.operand(id, k));
      const bool inside =
          joined(id, k) && std::find(unit.nodes.begin(), unit.nodes.end(), x) != unit.nodes.end();
      count += inside || graph_.fill(x) != nullptr ? 0 : 1;
    }
    return count;
  }

  int unit_of_work(ValueId id, std::vector<Unit>& units, std::vector<int>& depths) {
    Unit unit{false, graph_.rowful(id), graph_.elements(id), {}};
    const auto taken = absorbed_.find(id);
    if (taken != absorbed_.end()) unit.nodes = taken->second;
    unit.nodes.push_back(id);
    units.push_back(std::move(unit));
    depths.push_back(depth(id));
    return static_cast<int>(units.size()) - 1;
  }

  const Graph& graph_;
  std::vector<ValueId> taker_;
  std::vector<int> depth_;
  std::map<ValueId, std::vector<ValueId>> absorbed_;
  std::map<std::tuple<bool, std::int64_t, int>, int> open_;
  std::map<int, std::size_t> places_;
};

}  // namespace

Fusion fuse(const Graph& graph) { return Fuser(graph).fuse(); }

}  // namespace odeum::kernelgen
