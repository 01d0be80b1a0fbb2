// SPDX-License-Identifier: Apache-2.0
// Batching of whole programs.
#include <unordered_map>
#include <utility>

#include "odeum/transforms.hpp"
#include "program/derivatives.hpp"
#include "program/primitive.hpp"
#include "program/structure.hpp"

namespace odeum::inline v1 {

Program vmap(const Program& program, const InputPositions& inputs, std::int64_t n) {
  using program::Batched;
  if (n < 0) program::refuse("vmap", "an axis of extent " + std::to_string(n));
  program::Graph graph(program::Simplify::thoroughly);
  std::vector<Batched> values(program.nodes.size());
  for (const int position : inputs) {
    if (position < 0 || position >= static_cast<int>(program.inputs.size())) {
      program::refuse("vmap", "no input " + std::to_string(position) + " in a program of " +
                                  std::to_string(program.inputs.size()));
    }
    values[static_cast<std::size_t>(program.inputs[static_cast<std::size_t>(position)])].mapped =
        true;
  }
  for (std::size_t i = 0; i < program.inputs.size(); ++i) {
    const Node& node = program[program.inputs[i]];
    Batched& value = values[static_cast<std::size_t>(program.inputs[i])];
    value.value = graph.input(program.input_names[i],
                              value.mapped ? program::with_map_axis(node.shape, n) : node.shape,
                              node.dtype, node.row_class);
  }
  std::unordered_map<ValueId, std::vector<Tensor>> calls;
  std::vector<Batched> operands;
  for (std::size_t at = 0; at < program.nodes.size(); ++at) {
    const Node& node = program.nodes[at];
    if (node.op == Op::input) continue;
    if (node.op == Op::output && calls.count(node.operands[0]) > 0) {
      const auto index = static_cast<std::size_t>(program::attribute<OutputIndex>(node).index);
      values[at] = {calls[node.operands[0]][index], true};
      continue;
    }
    operands.clear();
    bool any = false;
    for (const ValueId operand : node.operands) {
      operands.push_back(values[static_cast<std::size_t>(operand)]);
      any = any || operands.back().mapped;
    }
    if (any && program::is_call(node.op)) {
      calls[static_cast<ValueId>(at)] = program::batch_call(graph, node, operands, n);
    } else if (any) {
      values[at] = {program::batch_node(graph, node, operands, n), true};
    } else {
      Node copy = node;
      for (std::size_t k = 0; k < operands.size(); ++k) copy.operands[k] = operands[k].value.id();
      values[at] = {graph.emit(std::move(copy)), false};
    }
  }
  std::vector<Tensor> outputs;
  for (const ValueId id : program.outputs) {
    const Batched& value = values[static_cast<std::size_t>(id)];
    outputs.push_back(value.mapped ? value.value : program::spread_over_map(value.value, n));
  }
  return graph.program(outputs, program.output_names);
}

}  // namespace odeum::inline v1
