// SPDX-License-Identifier: Apache-2.0
// Forward derivatives: tangents pushed from inputs to outputs, node by node.
#include <algorithm>
#include <string>
#include <unordered_map>
#include <utility>

#include "odeum/transforms.hpp"
#include "program/derivatives.hpp"
#include "program/derived.hpp"
#include "program/primitive.hpp"
#include "program/structure.hpp"

namespace odeum {
namespace program {
namespace {

std::vector<Tensor> operands_of(Graph& graph, const Node& node) {
  std::vector<Tensor> result;
  for (const ValueId id : node.operands) result.push_back(graph.tensor(id));
  return result;
}

std::vector<int> moving_positions(std::span<const Tensor> tangents) {
  std::vector<int> result;
  for (std::size_t k = 0; k < tangents.size(); ++k) {
    if (tangents[k]) result.push_back(static_cast<int>(k));
  }
  return result;
}

/// One call of the linearised primal, one of the linear program.
std::vector<Tensor> push_through_call(Graph& graph, ValueId id, std::span<const Tensor> tangents) {
  const auto& callee = attribute<Callee>(graph[id]).program;
  const LinearizedCallee& parts = graph.derived().linearized(callee, moving_positions(tangents));
  std::vector<Tensor> result(callee->outputs.size());
  if (parts.moving.empty()) return result;
  const std::vector<Tensor> values = call(parts.primal, operands_of(graph, graph[id]));
  std::vector<Tensor> arguments(values.end() - parts.residuals, values.end());
  std::copy_if(tangents.begin(), tangents.end(), std::back_inserter(arguments),
               [](Tensor t) { return static_cast<bool>(t); });
  const std::vector<Tensor> moved = call(parts.linear, arguments);
  for (std::size_t i = 0; i < moved.size(); ++i) {
    result[static_cast<std::size_t>(parts.moving[i])] = moved[i];
  }
  return result;
}

std::vector<Tensor> push_through_host_call(Graph& graph, ValueId id,
                                           std::span<const Tensor> tangents, Tangents purpose) {
  const auto& function = attribute<HostCallee>(graph[id]).function;
  if (purpose == Tangents::computed) {
    refuse("jvp", "host function " + function->name() + " has no forward derivative");
  }
  const auto stand_in = graph.derived().linearized(function, moving_positions(tangents));
  std::vector<Tensor> arguments = operands_of(graph, graph[id]);
  std::copy_if(tangents.begin(), tangents.end(), std::back_inserter(arguments),
               [](Tensor t) { return static_cast<bool>(t); });
  const std::vector<Tensor> moved = host_call(stand_in, arguments);
  std::vector<Tensor> result;
  std::size_t next = 0;
  for (const auto& value : function->outputs()) {
    result.push_back(is_float(value.dtype) ? moved[next++] : Tensor());
  }
  return result;
}

/// The nodes that outputs need, not looking behind the values that move, nor where a derivative
/// stops.
std::vector<char> mark_needed(const Graph& graph, std::span<const Tensor> outputs,
                              const std::vector<char>& moves) {
  std::vector<char> needed(moves.size(), 0);
  for (const Tensor& output : outputs) needed[static_cast<std::size_t>(output.id())] = 1;
  for (std::size_t id = needed.size(); id-- > 0;) {
    const Node& node = graph[static_cast<ValueId>(id)];
    if (needed[id] == 0 || moves[id] != 0 || node.op == Op::stop_gradient) continue;
    for (const ValueId operand : node.operands) {
      needed[static_cast<std::size_t>(operand)] = 1;
    }
  }
  return needed;
}

}  // namespace

void check_derivative(const char* operation, std::span<const Tensor> outputs,
                      std::span<const Tensor> inputs) {
  const Graph* graph = nullptr;
  for (const auto values : {outputs, inputs}) {
    for (const Tensor& value : values) {
      if (!value) refuse(operation, "an output or input is empty");
      if (graph != nullptr && value.graph() != graph) {
        refuse(operation, "outputs and inputs of different recordings");
      }
      graph = value.graph();
    }
  }
  for (const Tensor& input : inputs) {
    if (!is_float(input.dtype())) {
      refuse(operation, "an input is int64 " + input.shape().text() + " and has no derivative");
    }
    if ((*input.graph())[input.id()].op == Op::constant) {
      refuse(operation,
             "an input is a constant, which the recording has folded into what uses "
             "it; differentiate with respect to an input of the recording");
    }
  }
}

void check_fits(const char* operation, const char* what, Tensor given, Tensor value) {
  if (given.graph() != value.graph()) {
    refuse(operation, std::string("a ") + what + " is of another recording");
  }
  if (given.shape() != value.shape() || given.dtype() != value.dtype()) {
    refuse(operation, std::string("a ") + what + " is " + name(given.dtype()) + " " +
                          given.shape().text() + ", its value " + name(value.dtype()) + " " +
                          value.shape().text());
  }
}

std::vector<Tensor> push_forward(Graph& graph, std::span<const Tensor> outputs,
                                 std::span<const Tensor> inputs, std::span<const Tensor> tangents,
                                 Tangents purpose) {
  const auto end = static_cast<std::size_t>(graph.size());
  std::vector<Tensor> moved(end);
  std::vector<char> moves(end, 0);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const auto id = static_cast<std::size_t>(inputs[i].id());
    moves[id] = 1;
    if (tangents[i] && !is_zero(tangents[i])) moved[id] = add_up(moved[id], tangents[i]);
  }
  const std::vector<char> needed = mark_needed(graph, outputs, moves);
  std::unordered_map<ValueId, std::vector<Tensor>> calls;
  std::vector<Tensor> of_operands;
  for (std::size_t at = 0; at < end; ++at) {
    const auto id = static_cast<ValueId>(at);
    const Node& node = graph[id];
    if (needed[at] == 0 || moves[at] != 0) continue;
    if (node.op == Op::output) {
      const auto found = calls.find(node.operands[0]);
      if (found != calls.end()) {
        moved[at] = found->second[static_cast<std::size_t>(attribute<OutputIndex>(node).index)];
      }
      continue;
    }
    of_operands.clear();
    bool any = false;
    for (const ValueId operand : node.operands) {
      of_operands.push_back(moved[static_cast<std::size_t>(operand)]);
      any = any || of_operands.back();
    }
    if (!any) continue;
    if (node.op == Op::call) {
      calls[id] = push_through_call(graph, id, of_operands);
    } else if (node.op == Op::host_call) {
      calls[id] = push_through_host_call(graph, id, of_operands, purpose);
    } else if (const auto rule = primitive(node.op).jvp) {
      const Tensor tangent = rule(Forward{graph, id, of_operands});
      if (tangent && !is_zero(tangent)) moved[at] = tangent;
    }
  }
  std::vector<Tensor> result;
  for (const Tensor& output : outputs) {
    result.push_back(moved[static_cast<std::size_t>(output.id())]);
  }
  return result;
}

}  // namespace program

inline namespace v1 {

std::vector<Tensor> jvp(std::span<const Tensor> outputs, std::span<const Tensor> inputs,
                        std::span<const Tensor> tangents) {
  program::check_derivative("jvp", outputs, inputs);
  if (tangents.size() != inputs.size()) {
    program::refuse("jvp", std::to_string(tangents.size()) + " tangents for " +
                               std::to_string(inputs.size()) + " inputs");
  }
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (tangents[i]) program::check_fits("jvp", "tangent", tangents[i], inputs[i]);
  }
  if (outputs.empty()) return {};
  auto result = program::push_forward(*outputs.front().graph(), outputs, inputs, tangents,
                                      program::Tangents::computed);
  for (std::size_t i = 0; i < result.size(); ++i) {
    if (!result[i]) result[i] = zeros_like(outputs[i]);
  }
  return result;
}

}  // namespace v1
}  // namespace odeum
