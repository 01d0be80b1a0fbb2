// SPDX-License-Identifier: Apache-2.0
// The program as the generator sees it: which nodes compute, which only look at another value's
// memory, who reads whom, and which node writes each wanted output.
#pragma once

#include <cstdint>
#include <vector>

#include "kernelgen/layout.hpp"
#include "odeum/device.hpp"
#include "odeum/program.hpp"

namespace odeum::kernelgen {

enum class Role : std::uint8_t {
  dead,     ///< nothing wanted depends on it
  leaf,     ///< input or constant
  view,     ///< a place in another value
  element,  ///< one thread an element; fused with others
  work,     ///< kernels of its own: large reductions, products, linear solves, scattering
};

class Graph {
 public:
  /// The part of `program` that the wanted outputs need. Each wanted output ends in a node of its
  /// own that writes it (`output_of`). Calls are a ConfigError.
  Graph(const Program& program, const CompileOptions& options, const std::vector<bool>& wanted);

  std::size_t size() const { return nodes.size(); }
  const Node& operator[](ValueId id) const { return nodes[static_cast<std::size_t>(id)]; }
  const Layout& layout(ValueId id) const { return layouts[static_cast<std::size_t>(id)]; }
  ValueId root(ValueId id) const { return layout(id).root; }
  Role role(ValueId id) const { return roles[static_cast<std::size_t>(id)]; }
  bool rowful(ValueId id) const { return (*this)[id].shape.has_rows(); }
  std::int64_t elements(ValueId id) const { return (*this)[id].shape.elements_per_row(); }
  ValueId operand(ValueId id, int k) const {
    return (*this)[id].operands[static_cast<std::size_t>(k)];
  }
  /// Does node `id` read operand k as the operand's root in full and in order?
  bool plain(ValueId id, int k) const;
  const double* fill(ValueId id) const;  ///< the value of a fill constant, else null
  /// Does node `id` compute element i from element i of operand k alone?
  bool pointwise(ValueId id, int k) const;
  bool accumulates(ValueId id) const { return adds[static_cast<std::size_t>(id)]; }

  std::vector<Node> nodes;
  std::vector<Layout> layouts;
  std::vector<Role> roles;
  std::vector<int> output_of;  ///< position of the output that the node writes, or -1
  std::vector<int> input_of;   ///< position of an input, or -1
  std::vector<bool> adds;      ///< the node adds to its output
  std::vector<std::vector<ValueId>> readers;  ///< of roots: live nodes that compute from it

 private:
  ValueId append(Node node);
  ValueId copied(ValueId x);
  /// A concatenation of many parts as one of fewer concatenations.
  Node nested(const Node& node);
  void place(ValueId id);
  void bind_outputs(const std::vector<ValueId>& outputs, const CompileOptions& options,
                    const std::vector<bool>& wanted);
  void find_live();
};

bool is_elementwise(Op op);
bool is_view(Op op);
/// Does the node add up over rows?
bool reduces_rows(const Graph& graph, ValueId id);
/// Entries of the operand that one entry of a sum or maximum takes, per row where rows disappear.
std::int64_t reduced_entries(const Graph& graph, ValueId id);

}  // namespace odeum::kernelgen
