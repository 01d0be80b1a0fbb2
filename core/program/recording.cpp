// SPDX-License-Identifier: Apache-2.0
// Recording programs, and passing them through the simplifications again.
#include <unordered_map>
#include <utility>

#include "program/graph.hpp"
#include "program/primitive.hpp"
#include "program/structure.hpp"

namespace odeum {
namespace program {
namespace {

RowClass class_of_input(const Shape& shape) {
  return shape.has_rows() ? RowClass::per_row : RowClass::none;
}

std::vector<char> needed_nodes(const Program& program) {
  std::vector<char> needed(program.nodes.size(), 0);
  for (const ValueId id : program.outputs) needed[static_cast<std::size_t>(id)] = 1;
  for (std::size_t id = needed.size(); id-- > 0;) {
    if (needed[id] == 0) continue;
    for (const ValueId operand : program.nodes[id].operands) {
      needed[static_cast<std::size_t>(operand)] = 1;
    }
  }
  return needed;
}

}  // namespace

std::vector<Tensor> copy_inputs(Graph& graph, const Program& program) {
  std::vector<Tensor> inputs;
  for (std::size_t i = 0; i < program.inputs.size(); ++i) {
    const Node& node = program[program.inputs[i]];
    inputs.push_back(graph.input(program.input_names[i], node.shape, node.dtype, node.row_class));
  }
  return inputs;
}

std::vector<Tensor> copy_into(Graph& graph, const Program& program,
                              std::span<const Tensor> arguments, Calls calls) {
  const std::vector<char> needed = needed_nodes(program);
  std::vector<Tensor> values(program.nodes.size());
  std::unordered_map<ValueId, std::vector<Tensor>> inlined;
  for (std::size_t i = 0; i < program.inputs.size(); ++i) {
    values[static_cast<std::size_t>(program.inputs[i])] = arguments[i];
  }
  for (std::size_t at = 0; at < program.nodes.size(); ++at) {
    const Node& node = program.nodes[at];
    if (needed[at] == 0 || node.op == Op::input) continue;
    const auto operand = [&](std::size_t k) {
      return values[static_cast<std::size_t>(node.operands[k])];
    };
    if (node.op == Op::call && calls == Calls::inlined) {
      std::vector<Tensor> passed;
      for (std::size_t k = 0; k < node.operands.size(); ++k) passed.push_back(operand(k));
      inlined[static_cast<ValueId>(at)] =
          copy_into(graph, *attribute<Callee>(node).program, passed, calls);
      continue;
    }
    if (node.op == Op::output && inlined.count(node.operands[0]) > 0) {
      const auto index = static_cast<std::size_t>(attribute<OutputIndex>(node).index);
      values[at] = inlined[node.operands[0]][index];
      continue;
    }
    Node copy = node;
    for (std::size_t k = 0; k < copy.operands.size(); ++k) copy.operands[k] = operand(k).id();
    values[at] = graph.emit(std::move(copy));
  }
  std::vector<Tensor> outputs;
  for (const ValueId id : program.outputs) outputs.push_back(values[static_cast<std::size_t>(id)]);
  return outputs;
}

}  // namespace program

inline namespace v1 {

using program::Graph;
using program::Simplify;

Recording::Recording() : graph_(std::make_unique<Graph>()) {}
Recording::~Recording() = default;
Recording::Recording(Recording&&) noexcept = default;
Recording& Recording::operator=(Recording&&) noexcept = default;

Tensor Recording::input(std::string name, Shape shape, DType dtype) {
  const RowClass row_class = program::class_of_input(shape);
  return graph_->input(std::move(name), std::move(shape), dtype, row_class);
}

Tensor Recording::input(std::string name, Shape shape, DType dtype, RowClass row_class) {
  return graph_->input(std::move(name), std::move(shape), dtype, row_class);
}

Tensor Recording::constant(double value, Shape shape, DType dtype) {
  Node node;
  node.op = Op::constant;
  node.dtype = dtype;
  node.shape = std::move(shape);
  node.attributes = ConstantValues{{value}};
  return graph_->emit(std::move(node));
}

Program Recording::program(std::span<const Tensor> outputs, std::vector<std::string> names) const {
  return optimize(graph_->program(outputs, std::move(names)), Calls::keep);
}

Program record(std::span<const InputSpec> inputs, const Body& body) {
  Recording recording;
  std::vector<Tensor> arguments;
  for (const InputSpec& input : inputs) {
    arguments.push_back(recording.input(input.name, input.shape, input.dtype));
  }
  return recording.program(body(arguments));
}

std::vector<Tensor> inline_call(const Program& program, std::span<const Tensor> arguments) {
  if (arguments.size() != program.inputs.size()) {
    program::refuse("inline_call", std::to_string(arguments.size()) +
                                       " arguments for a program with " +
                                       std::to_string(program.inputs.size()) + " inputs");
  }
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const Node& input = program[program.inputs[i]];
    if (!arguments[i] || arguments[i].graph() != arguments.front().graph()) {
      program::refuse("inline_call", "an argument is empty or of another recording");
    }
    if (arguments[i].shape() != input.shape || arguments[i].dtype() != input.dtype) {
      program::refuse("inline_call", "input " + program.input_names[i] + " is " +
                                         name(input.dtype) + " " + input.shape.text() +
                                         ", the argument " + name(arguments[i].dtype()) + " " +
                                         arguments[i].shape().text());
    }
  }
  if (arguments.empty()) program::refuse("inline_call", "no arguments, so no recording to copy to");
  return copy_into(*arguments.front().graph(), program, arguments, Calls::keep);
}

Program optimize(const Program& program, Calls calls) {
  Graph graph(Simplify::thoroughly);
  const std::vector<Tensor> arguments = copy_inputs(graph, program);
  const std::vector<Tensor> outputs = copy_into(graph, program, arguments, calls);
  return graph.program(outputs, program.output_names);
}

}  // namespace v1
}  // namespace odeum
