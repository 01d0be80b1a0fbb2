// SPDX-License-Identifier: Apache-2.0
// Tiles: what a group of threads computes for a few rows from one end to the other, values in local
// memory between its steps. A narrow net, its derivatives and a solver's stages become one kernel.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include "kernelgen/graph.hpp"
#include "kernelgen/plan.hpp"
#include "kernelgen/units.hpp"

namespace odeum::kernelgen {

/// Can node `id` be a part of a tile? Row r of it depends on row r of what it reads, and both are
/// narrow: a few rows of a group's values fit its local memory.
bool fits_tile(const Graph& graph, ValueId id, const Libraries& libraries);

/// Nodes of one width that do not wait for each other but element by element.
struct TileStep {
  int level = 0;  ///< steps of one level run without a barrier between them
  std::int64_t elements = 0;
  bool contracts = false;  ///< some node is a dot
  std::vector<ValueId> nodes;
};

/// A value in local memory: entry e of row y of the tile is entry `place` + e * rows + y of the
/// array of its type.
struct TileValue {
  int first = 0, last = 0;  ///< levels
  std::int64_t entries = 0;
  std::int64_t place = 0;
};

struct Tile {
  std::int64_t rows = 0;
  std::vector<TileStep> steps;  ///< by level
  std::map<ValueId, TileValue> values;
  std::array<std::int64_t, 3> entries = {};  ///< of the local arrays, by type
  /// Values that later steps read and local memory has no room for: these need a slot.
  std::vector<ValueId> spilled;
};

/// The unit's steps, and places for its values in at most `local_bytes` of local memory.
Tile make_tile(const Graph& graph, const Unit& unit, std::int64_t local_bytes);

}  // namespace odeum::kernelgen
