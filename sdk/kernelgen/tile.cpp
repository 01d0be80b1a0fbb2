// SPDX-License-Identifier: Apache-2.0
#include "kernelgen/tile.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

namespace odeum::kernelgen {
namespace {

/// Entries of a value's row, and terms of a contraction.
constexpr std::int64_t kWidest = 256, kLongest = 128;
/// Entries of what a contraction reads beside its rows.
constexpr std::int64_t kMostWeights = std::int64_t{128} * 128;
/// Entries of the widest value in a tile that keep a group's threads busy, and bounds of its rows:
/// below, weights are read for too few of them.
constexpr std::int64_t kBusy = 1024, kFewestRows = 8, kMostRows = 64;

std::int64_t contracted_entries(const Graph& graph, ValueId id) {
  const auto& c = std::get<Contraction>(graph[id].attributes);
  std::int64_t entries = 1;
  for (std::size_t axis = 0; axis < c.a.size(); ++axis) {
    if (c.out.find(c.a[axis]) == std::string::npos)
      entries *= graph[graph.operand(id, 0)].shape[static_cast<int>(axis)];
  }
  return entries;
}

bool contraction_fits(const Graph& graph, ValueId id) {
  if (contracted_entries(graph, id) > kLongest) return false;
  const auto& operands = graph[id].operands;
  return operands.size() == 2 && std::all_of(operands.begin(), operands.end(), [&](ValueId x) {
           return graph.elements(x) <= (graph.rowful(x) ? kWidest : kMostWeights);
         });
}

/// Does node `id` take its operand k from the thread that computed it?
bool passed_on(const Graph& graph, ValueId id, int k) {
  return graph.role(id) == Role::element && graph.pointwise(id, k) && graph.plain(id, k);
}

std::map<ValueId, int> levels_of(const Graph& graph, const Unit& unit) {
  std::map<ValueId, int> levels;
  for (const ValueId id : unit.nodes) {
    int level = 0;
    for (int k = 0; k < static_cast<int>(graph[id].operands.size()); ++k) {
      const auto x = levels.find(graph.root(graph.operand(id, k)));
      if (x != levels.end()) level = std::max(level, x->second + (passed_on(graph, id, k) ? 0 : 1));
    }
    levels[id] = level;
  }
  return levels;
}

std::vector<TileStep> steps_of(const Graph& graph, const Unit& unit,
                               const std::map<ValueId, int>& levels) {
  std::map<std::pair<int, std::int64_t>, TileStep> steps;
  for (const ValueId id : unit.nodes) {
    const std::pair key{levels.at(id), graph.elements(id)};
    TileStep& step = steps[key];
    step.level = key.first;
    step.elements = key.second;
    step.contracts = step.contracts || graph[id].op == Op::dot;
    step.nodes.push_back(id);
  }
  std::vector<TileStep> result;
  for (auto& [key, step] : steps) result.push_back(std::move(step));
  return result;
}

/// Values that a later level reads.
std::map<ValueId, TileValue> kept_values(const Graph& graph, const Unit& unit,
                                         const std::map<ValueId, int>& levels) {
  std::map<ValueId, TileValue> values;
  for (const ValueId id : unit.nodes) {
    TileValue value{levels.at(id), levels.at(id), graph.elements(id), 0};
    for (const ValueId reader : graph.readers[static_cast<std::size_t>(id)]) {
      const auto level = levels.find(reader);
      if (level != levels.end()) value.last = std::max(value.last, level->second);
    }
    if (value.last > value.first) values[id] = value;
  }
  return values;
}

/// The first place for `size` entries beside the values that live at the same levels.
std::int64_t first_fit(const std::vector<const TileValue*>& placed, const TileValue& value,
                       std::int64_t rows) {
  std::vector<std::pair<std::int64_t, std::int64_t>> taken;
  for (const TileValue* other : placed) {
    if (other->last < value.first || value.last < other->first) continue;
    taken.emplace_back(other->place, other->place + other->entries * rows);
  }
  std::sort(taken.begin(), taken.end());
  std::int64_t at = 0;
  for (const auto& [begin, end] : taken) {
    if (at + value.entries * rows <= begin) break;
    at = std::max(at, end);
  }
  return at;
}

/// Gives the tile's values their places; what does not fit is spilled.
void place_values(const Graph& graph, Tile& tile, std::int64_t local_bytes) {
  std::vector<ValueId> order;
  for (const auto& [id, value] : tile.values) order.push_back(id);
  std::stable_sort(order.begin(), order.end(), [&](ValueId a, ValueId b) {
    return tile.values.at(a).first < tile.values.at(b).first;
  });
  std::array<std::vector<const TileValue*>, 3> placed;
  std::int64_t used = 0;
  for (const ValueId id : order) {
    const auto type = static_cast<std::size_t>(graph[id].dtype);
    TileValue& value = tile.values.at(id);
    value.place = first_fit(placed[type], value, tile.rows);
    const std::int64_t end = std::max(tile.entries[type], value.place + value.entries * tile.rows);
    const std::int64_t more =
        (end - tile.entries[type]) * static_cast<std::int64_t>(size_of(graph[id].dtype));
    if (used + more > local_bytes) {
      tile.spilled.push_back(id);
      continue;
    }
    used += more;
    tile.entries[type] = end;
    placed[type].push_back(&value);
  }
  for (const ValueId id : tile.spilled) tile.values.erase(id);
}

std::int64_t preferred_rows(const std::vector<TileStep>& steps) {
  std::int64_t widest = 1;
  for (const TileStep& step : steps) widest = std::max(widest, step.elements);
  std::int64_t rows = kMostRows;
  while (rows > kFewestRows && rows * widest > kBusy) rows /= 2;
  return rows;
}

}  // namespace

bool fits_tile(const Graph& graph, ValueId id, const Libraries& libraries) {
  const Node& node = graph[id];
  const std::int64_t elements = graph.elements(id);
  if (!graph.rowful(id) || elements < 1 || elements > kWidest) return false;
  if (graph.role(id) == Role::element) return true;
  if (graph.role(id) != Role::work) return false;
  switch (node.op) {
    case Op::sum:
    case Op::reduce_max:
      return reduced_entries(graph, id) <= kWidest;
    case Op::dot:
      return libraries.products != 0 && contraction_fits(graph, id);
    default:
      return false;
  }
}

Tile make_tile(const Graph& graph, const Unit& unit, std::int64_t local_bytes) {
  const std::map<ValueId, int> levels = levels_of(graph, unit);
  const std::vector<TileStep> steps = steps_of(graph, unit, levels);
  const std::map<ValueId, TileValue> values = kept_values(graph, unit, levels);
  for (std::int64_t rows = preferred_rows(steps);; rows /= 2) {
    Tile tile{rows, steps, values, {}, {}};
    place_values(graph, tile, local_bytes);
    if (tile.spilled.empty() || rows <= kFewestRows) return tile;
  }
}

}  // namespace odeum::kernelgen
