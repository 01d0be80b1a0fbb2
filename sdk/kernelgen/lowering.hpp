// SPDX-License-Identifier: Apache-2.0
// From fused units to kernels and launches.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "kernelgen/elements.hpp"
#include "kernelgen/graph.hpp"
#include "kernelgen/plan.hpp"
#include "kernelgen/schedule.hpp"
#include "kernelgen/text.hpp"
#include "kernelgen/tile.hpp"
#include "kernelgen/units.hpp"

namespace odeum::kernelgen {

class Lowering {
 public:
  Lowering(const Graph& graph, const Libraries& libraries, std::int64_t local_bytes);
  Plan finish();

  const Graph& graph() const { return graph_; }
  /// The slot of a value with memory of its own, or -1 while it only passes through registers.
  int slot(ValueId root) const { return slot_of_[static_cast<std::size_t>(root)]; }
  int scratch(DType type, Size size);
  /// Launches the kernel, perhaps together with others.
  void launch(const KernelText& text, int threads, Launch launch);
  /// So with a large kernel, which stays by itself.
  void launch_alone(const KernelText& text, int threads, Launch launch);
  /// Launches the dot as a product of the machine's library, if it is one and large.
  bool to_library(ValueId dot);
  /// So with a convolution.
  bool convolution_to_library(ValueId id);

 private:
  void make_leaf_slots();
  void make_slots();
  bool needs_slot(ValueId root) const;
  void make_tiles(std::int64_t local_bytes);
  void write(std::size_t unit);
  void find_widest();

  const Graph& graph_;
  Libraries libraries_;
  Fusion fusion_;
  std::map<std::size_t, Tile> tiles_;  ///< by unit
  Plan plan_;
  std::vector<int> slot_of_;
  std::vector<Work> works_;
};

// One function for each sort of unit.
void write_group(Lowering& lowering, const Unit& unit);
void write_tile(Lowering& lowering, const Tile& tile);
void write_reduction(Lowering& lowering, const Unit& unit);
void write_dot(Lowering& lowering, ValueId id);
void write_convolution(Lowering& lowering, ValueId id);
void write_scatter_add(Lowering& lowering, ValueId id);
void write_lu_solve(Lowering& lowering, ValueId id);

/// The kernel that adds up (or takes the maximum of) `parts` pieces of `outputs` numbers each.
void write_combination(Lowering& lowering, ValueId id, int pieces, DType type, bool maximum,
                       const Parts& parts);

}  // namespace odeum::kernelgen
