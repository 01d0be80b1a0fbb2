// SPDX-License-Identifier: Apache-2.0
// The program as the planner sees it: which nodes compute and which only look, which phase of a
// run each value belongs to, and which sums over rows grow in one accumulator.
//
// A run is a sequence of phases: 0 without rows, 1 over rows, 2 without rows, 3 over rows, ... A
// value without rows lives in an even phase, one with rows in an odd one. A reduction over rows is
// executed in an odd phase and its result belongs to the next even one.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "odeum/device.hpp"
#include "odeum/program.hpp"
#include "plan/layout.hpp"

namespace odeum::cpu {

enum class Role : std::uint8_t {
  dead,      ///< nothing wanted depends on it
  leaf,      ///< input or constant
  view,      ///< a place in another value
  element,   ///< elementwise, or a sum of slices: fused with others
  step,      ///< anything else that computes
  absorbed,  ///< part of an accumulation
};

/// One reduction over rows that adds into an accumulator, times a number and scalars of the run.
struct Term {
  ValueId reduction = -1;
  double scale = 1.0;
  std::vector<ValueId> scalars;  ///< values of one element, of earlier phases
};
/// result = the sum of the terms.
struct Accumulation {
  ValueId result = -1;
  std::vector<Term> terms;
};

class Graph {
 public:
  /// The part of `program` that the wanted outputs need. Each wanted output ends in a node of its
  /// own that writes it (`output_of`).
  Graph(const Program& program, const CompileOptions& options, const std::vector<bool>& wanted);

  std::size_t size() const { return nodes.size(); }
  const Node& operator[](ValueId id) const { return nodes[static_cast<std::size_t>(id)]; }
  const Layout& layout(ValueId id) const { return layouts[static_cast<std::size_t>(id)]; }
  ValueId root(ValueId id) const { return layout(id).root; }
  Role role(ValueId id) const { return roles[static_cast<std::size_t>(id)]; }
  int phase(ValueId id) const { return phases[static_cast<std::size_t>(id)]; }
  bool rowful(ValueId id) const { return (*this)[id].shape.has_rows(); }
  std::int64_t elements(ValueId id) const { return (*this)[id].shape.elements_per_row(); }
  /// Does node `id` read operand `k` as the operand's root in full and in order?
  bool plain(ValueId id, int k) const;
  const double* fill(ValueId id) const;  ///< the value of a fill constant, else null
  bool reduces_rows(ValueId id) const;   ///< operands with rows, result without
  /// The phase in which the work of a node is done.
  int executed_in(ValueId id) const { return reduces_rows(id) ? phase(id) - 1 : phase(id); }

  std::vector<Node> nodes;
  std::vector<Layout> layouts;
  std::vector<Role> roles;
  std::vector<int> phases;
  std::vector<int> output_of;  ///< position of the output that the node writes, or -1
  std::vector<int> input_of;   ///< of leaves: input, or (accumulating) inputs + output
  std::vector<std::vector<ValueId>> readers;  ///< of roots: nodes that compute from it
  std::vector<Accumulation> accumulations;
  std::vector<int> accumulation_of;  ///< of reductions and results, or -1
  int last_phase = 0;

 private:
  ValueId append(Node node);
  ValueId copied(ValueId x);
  void place(ValueId id);
  void bind_outputs(const std::vector<ValueId>& outputs, std::size_t inputs,
                    const CompileOptions& options, const std::vector<bool>& wanted);
  void find_live();
  void find_phases();
  void find_accumulations();
  std::optional<Accumulation> accumulation(
      ValueId id, const std::vector<std::optional<Accumulation>>& forms) const;
};

bool is_elementwise(Op op);
bool is_view(Op op);

}  // namespace odeum::cpu
