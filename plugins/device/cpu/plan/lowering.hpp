// SPDX-License-Identifier: Apache-2.0
// From fused units to steps: which values get memory, and what each unit executes.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "plan/fuse.hpp"
#include "plan/graph.hpp"
#include "plan/plan.hpp"
#include "steps/contraction.hpp"
#include "steps/convolution.hpp"
#include "steps/group.hpp"

namespace odeum::cpu {

class Lowering {
 public:
  Lowering(const Graph& graph, const Kernels& kernels, MachineCodeUse machine_code);
  Plan finish(Schedule schedule);

  const Graph& graph() const { return graph_; }
  const Kernels& kernels() const { return kernels_; }
  const Fusion& fusion() const { return fusion_; }

  /// The slot of a value with memory of its own, or -1 while it only passes through registers.
  int slot(ValueId root) const { return slot_of_[static_cast<std::size_t>(root)]; }
  const Slot& operator[](int slot) const { return plan_.slots[static_cast<std::size_t>(slot)]; }
  /// Would whole vectors written past the end of a tile of images reach another tile's rows?
  bool ends_in_vector(int slot) const;
  /// The slot of one number.
  int number(double value, DType type);
  /// A row of `x` repeated for groups of phase `phase` with chunks of `chunk` elements.
  int repeated(ValueId root, const Access& x, std::int64_t chunk, int phase);
  /// Is operand k of concat node `id` written by the group that computes it?
  bool part_in_group(ValueId id, int k) const;
  /// Where operand k of a concat or pad lies in the result.
  Layout part_layout(ValueId id, int k) const;
  /// The accumulator and factors of a reduction over rows.
  const Term& term(ValueId reduction) const;
  int accumulator(ValueId reduction) const;
  std::vector<int> scalar_slots(const Term& term) const;

 private:
  void find_phases();
  void make_slots();
  void make_leaf_slots();
  void extend_lives();
  void make_accumulators();
  void make_steps();
  void plan_fetches();
  std::vector<int> far_slots(const Unit& unit) const;
  void choose(Schedule schedule);
  int add_slot(Slot slot);
  int add_constant(DType type, const std::vector<double>& values);
  bool needs_slot(ValueId root) const;
  Home home_of(ValueId root) const;
  std::unique_ptr<Step> group(const Unit& unit);
  std::unique_ptr<Step> step(const Unit& unit);
  std::unique_ptr<Step> contraction(ValueId id, int phase);
  std::unique_ptr<Step> reduction(ValueId id);
  std::unique_ptr<Step> convolution(ValueId id, int phase);
  void prepare_filters(ConvolutionSpec& spec, int phase);
  std::unique_ptr<Step> concat(ValueId id);
  std::unique_ptr<Step> pad(ValueId id);
  std::unique_ptr<Step> other(ValueId id);

  const Graph& graph_;
  const Kernels& kernels_;
  Fusion fusion_;
  Plan plan_;
  std::vector<int> slot_of_;
  std::vector<int> accumulator_of_;                     ///< slot, by accumulation
  std::vector<int> phase_first_, phase_last_;           ///< units
  std::vector<std::pair<const Unit*, Step*>> step_of_;  ///< in the order of units
  std::map<std::pair<std::uint64_t, DType>, int> numbers_;
  std::map<std::string, int> prepared_;  ///< repeated and packed operands by description
};

/// The instructions of a group.
GroupProgram emit_group(Lowering& lowering, const Unit& unit);

}  // namespace odeum::cpu
