// SPDX-License-Identifier: Apache-2.0
// Calls of programs and of host functions. Their derivatives and batching stand with the transforms
// (jvp.cpp, transpose.cpp, vmap.cpp), which see all outputs of a call at once.
#include "program/structure.hpp"

#include <array>
#include <string>
#include <utility>

#include "odeum/device.hpp"
#include "odeum/error.hpp"
#include "program/primitive.hpp"

namespace odeum {

inline namespace v1 {

HostFunction::~HostFunction() = default;

void HostFunction::run_on_device(std::int64_t, std::span<const View>, std::span<const View>) {
  bug("host function " + name() + " says that it works on device memory and does not");
}

}  // namespace v1

namespace program {
namespace {

void infer_call(const Graph& graph, Node& node) {
  const auto& callee = attribute<Callee>(node).program;
  if (!callee) refuse("call", "there is no program");
  if (callee->inputs.size() != node.operands.size()) {
    refuse("call", std::to_string(node.operands.size()) + " arguments for a program with " +
                       std::to_string(callee->inputs.size()) + " inputs");
  }
  for (std::size_t i = 0; i < node.operands.size(); ++i) {
    const Node& given = graph[node.operands[i]];
    const Node& wanted = (*callee)[callee->inputs[i]];
    if (given.shape == wanted.shape && given.dtype == wanted.dtype) continue;
    refuse("call", "input " + callee->input_names[i] + " is " + name(wanted.dtype) + " " +
                       wanted.shape.text() + ", the argument " + name(given.dtype) + " " +
                       given.shape.text());
  }
}

void infer_host_call(const Graph&, Node& node) {
  if (!attribute<HostCallee>(node).function) refuse("host_call", "there is no function");
}

void infer_output(const Graph& graph, Node& node) {
  const auto value = outputs_of(graph[node.operands[0]])
                         .at(static_cast<std::size_t>(attribute<OutputIndex>(node).index));
  node.shape = value.shape;
  node.dtype = value.dtype;
}

constexpr std::array<Primitive, 3> kEntries{{
    {.op = Op::call, .name = "call", .infer = infer_call},
    {.op = Op::host_call, .name = "host_call", .infer = infer_host_call},
    {.op = Op::output, .name = "output", .infer = infer_output},
}};

}  // namespace

std::span<const Primitive> structure_primitives() { return kEntries; }

std::vector<HostFunction::Value> outputs_of(const Node& call) {
  if (call.op == Op::host_call) return attribute<HostCallee>(call).function->outputs();
  std::vector<HostFunction::Value> result;
  const Program& program = *attribute<Callee>(call).program;
  for (const ValueId id : program.outputs) {
    result.push_back({program[id].shape, program[id].dtype, program[id].row_class});
  }
  return result;
}

std::vector<Tensor> emit_call(Graph& graph, Node call) {
  const Tensor node = graph.emit(std::move(call));
  std::vector<Tensor> results;
  const std::size_t count = outputs_of(graph[node.id()]).size();
  for (std::size_t i = 0; i < count; ++i) {
    results.push_back(emit(Op::output, {node}, OutputIndex{static_cast<int>(i)}));
  }
  return results;
}

namespace {

std::vector<Tensor> call_with(Op op, Attributes attributes, std::span<const Tensor> arguments) {
  if (arguments.empty()) {
    refuse(primitive(op).name, "no arguments, so there is no recording to call it in");
  }
  Node node;
  node.op = op;
  node.attributes = std::move(attributes);
  for (const Tensor& argument : arguments) {
    if (!argument) refuse(primitive(op).name, "an argument is empty");
    if (argument.graph() != arguments.front().graph()) {
      refuse(primitive(op).name, "arguments of different recordings");
    }
    node.operands.push_back(argument.id());
  }
  return emit_call(*arguments.front().graph(), std::move(node));
}

}  // namespace
}  // namespace program

inline namespace v1 {

std::vector<Tensor> call(std::shared_ptr<const Program> program,
                         std::span<const Tensor> arguments) {
  return program::call_with(Op::call, Callee{std::move(program)}, arguments);
}

std::vector<Tensor> host_call(std::shared_ptr<HostFunction> function,
                              std::span<const Tensor> arguments) {
  return program::call_with(Op::host_call, HostCallee{std::move(function)}, arguments);
}

}  // namespace v1
}  // namespace odeum
