// SPDX-License-Identifier: Apache-2.0
#include "kernelgen/units.hpp"

#include <algorithm>
#include <map>
#include <numeric>
#include <set>
#include <tuple>

#include "kernelgen/tile.hpp"

namespace odeum::kernelgen {
namespace {

/// Groups stay below this many nodes and memory places, so that a kernel's parameters fit the
/// 1024 bytes that every device takes.
constexpr std::size_t kLargestGroup = 64;
constexpr std::size_t kMostPlaces = 40;
/// Of a tile the nodes are bounded, which its text grows with, and the places beside scratch
/// memory.
constexpr std::size_t kLargestTile = 400;
constexpr std::size_t kMostTilePlaces = 60;
/// Elementwise nodes that a reduction takes into its loop.
constexpr std::size_t kMostAbsorbed = 16;

class Fuser {
 public:
  Fuser(const Graph& graph, const Libraries& libraries)
      : graph_(graph), taker_(graph.size(), -1), depth_(graph.size(), 0) {
    for (std::size_t i = 0; i < graph.size(); ++i)
      fits_.push_back(fits_tile(graph, static_cast<ValueId>(i), libraries));
    for (std::size_t i = 0; i < graph.size(); ++i) absorb(static_cast<ValueId>(i));
    for (std::size_t i = 0; i < graph.size(); ++i) find_depth(static_cast<ValueId>(i));
    for (std::size_t i = 0; i < graph.size(); ++i) find_tile_depth(static_cast<ValueId>(i));
  }

  Fusion fuse() {
    Fusion result;
    result.unit_of.assign(graph_.size(), -1);
    std::vector<Unit> units;
    std::vector<int> depths;
    for (std::size_t i = 0; i < graph_.size(); ++i) {
      const auto id = static_cast<ValueId>(i);
      if (!runs(id) || taker_[i] >= 0) continue;
      const int unit = unit_for(id, units, depths);
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
  bool fits(ValueId id) const { return fits_[static_cast<std::size_t>(id)]; }
  int depth(ValueId id) const { return depth_[static_cast<std::size_t>(id)]; }

  /// Takes what only this reduction reads, element by element, into its loop.
  void absorb(ValueId id) {
    const Op op = graph_[id].op;
    if (graph_.role(id) != Role::work || fits(id) || (op != Op::sum && op != Op::reduce_max))
      return;
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
      fits_[i] = false;
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
    return fits(id) && runs(x) ? fits(x) : passed_on(id, k);
  }

  /// Can node `id` take operand k from the thread that computes it?
  bool passed_on(ValueId id, int k) const {
    const ValueId x = graph_.root(graph_.operand(id, k));
    return graph_.role(x) == Role::element && graph_.role(id) == Role::element &&
           taker_[static_cast<std::size_t>(id)] < 0 && graph_.pointwise(id, k) &&
           graph_.plain(id, k);
  }

  /// Notes the depths at which tiles save launches: those with a node that is no thread's own, or
  /// that waits for another's.
  void find_tile_depth(ValueId id) {
    if (!runs(id) || !fits(id)) return;
    bool waits = graph_.role(id) == Role::work;
    for (int k = 0; k < static_cast<int>(graph_[id].operands.size()); ++k) {
      const ValueId x = graph_.root(graph_.operand(id, k));
      waits = waits || (runs(x) && fits(x) && depth(x) == depth(id) && !passed_on(id, k));
    }
    if (waits) tile_depths_.insert(depth(id));
  }

  void find_depth(ValueId id) {
    if (!runs(id)) return;
    int& depth = depth_[static_cast<std::size_t>(id)];
    for (int k = 0; k < static_cast<int>(graph_[id].operands.size()); ++k) {
      const ValueId x = graph_.root(graph_.operand(id, k));
      if (runs(x)) depth = std::max(depth, this->depth(x) + (joined(id, k) ? 0 : 1));
    }
  }

  int unit_for(ValueId id, std::vector<Unit>& units, std::vector<int>& depths) {
    if (fits(id) && tile_depths_.count(depth(id)) != 0) return tile_for(id, units, depths);
    return graph_.role(id) == Role::element ? group_for(id, units, depths)
                                            : unit_of_work(id, units, depths);
  }

  /// The tile of this depth, or one behind it where it is full.
  int tile_for(ValueId id, std::vector<Unit>& units, std::vector<int>& depths) {
    OpenTile& tile = tiles_[depth(id)];
    std::set<ValueId> places = tile.places;
    add_places(id, places);
    const bool full = tile.unit < 0 || places.size() > kMostTilePlaces ||
                      units[static_cast<std::size_t>(tile.unit)].nodes.size() >= kLargestTile;
    if (full) {
      tile = {static_cast<int>(units.size()), {}};
      add_places(id, tile.places);
      units.push_back({UnitKind::tile, true, 0, {}});
      depths.push_back(depth(id));
    } else {
      tile.places = std::move(places);
    }
    units[static_cast<std::size_t>(tile.unit)].nodes.push_back(id);
    return tile.unit;
  }

  /// Memory of the node that is no scratch.
  void add_places(ValueId id, std::set<ValueId>& places) const {
    if (graph_.output_of[static_cast<std::size_t>(id)] >= 0) places.insert(id);
    for (const ValueId operand : graph_[id].operands) {
      const ValueId x = graph_.root(operand);
      const bool leaf = graph_.role(x) == Role::leaf && graph_.fill(x) == nullptr;
      if (leaf || graph_.output_of[static_cast<std::size_t>(x)] >= 0) places.insert(x);
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
    units.push_back({UnitKind::group, graph_.rowful(id), graph_.elements(id), {id}});
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
    Unit unit{UnitKind::work, graph_.rowful(id), graph_.elements(id), {}};
    const auto taken = absorbed_.find(id);
    if (taken != absorbed_.end()) unit.nodes = taken->second;
    unit.nodes.push_back(id);
    units.push_back(std::move(unit));
    depths.push_back(depth(id));
    return static_cast<int>(units.size()) - 1;
  }

  struct OpenTile {
    int unit = -1;
    std::set<ValueId> places = {};
  };

  const Graph& graph_;
  std::vector<bool> fits_;
  std::vector<ValueId> taker_;
  std::vector<int> depth_;
  std::map<ValueId, std::vector<ValueId>> absorbed_;
  std::map<std::tuple<bool, std::int64_t, int>, int> open_;
  std::map<int, std::size_t> places_;
  std::set<int> tile_depths_;
  std::map<int, OpenTile> tiles_;  ///< by depth
};

}  // namespace

Fusion fuse(const Graph& graph, const Libraries& libraries) {
  return Fuser(graph, libraries).fuse();
}

}  // namespace odeum::kernelgen
