// SPDX-License-Identifier: Apache-2.0
// Batching: values computed anew with one more axis.
#include <algorithm>
#include <string>
#include <unordered_map>

#include "odeum/transforms.hpp"
#include "program/derivatives.hpp"
#include "program/derived.hpp"
#include "program/primitive.hpp"
#include "program/structure.hpp"

namespace odeum {
namespace program {

Tensor batch_node(Graph& graph, const Node& node, std::span<const Batched> operands,
                  std::int64_t n) {
  const auto rule = primitive(node.op).vmap;
  if (rule == nullptr) {
    refuse("vmap", std::string("an operand of ") + primitive(node.op).name + " is mapped, which " +
                       "has no batched form");
  }
  return rule(Batching{graph, node, operands, n});
}

std::vector<Tensor> batch_call(Graph& graph, const Node& node, std::span<const Batched> operands,
                               std::int64_t n) {
  if (node.op == Op::host_call) {
    refuse("vmap", "host function " + attribute<HostCallee>(node).function->name() +
                       " has no batched form");
  }
  std::vector<int> mapped;
  std::vector<Tensor> arguments;
  for (std::size_t k = 0; k < operands.size(); ++k) {
    arguments.push_back(operands[k].value);
    if (operands[k].mapped) mapped.push_back(static_cast<int>(k));
  }
  return call(graph.derived().batched(attribute<Callee>(node).program, mapped, n), arguments);
}

Tensor spread_over_map(Tensor x, std::int64_t n) {
  return broadcast(reshape(x, with_map_axis(x.shape(), 1)), with_map_axis(x.shape(), n));
}

namespace {

/// How many values are mapped; refuses those that do not fit their inputs.
std::int64_t mapped_extent(std::span<const Tensor> inputs, std::span<const Tensor> mapped) {
  if (inputs.empty() || inputs.size() != mapped.size()) {
    refuse("vmap", std::to_string(mapped.size()) + " mapped values for " +
                       std::to_string(inputs.size()) + " inputs");
  }
  std::int64_t n = 0;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (!inputs[i] || !mapped[i]) refuse("vmap", "an input or mapped value is empty");
    const Shape& shape = inputs[i].shape();
    if (mapped[i].rank() == shape.rank() + 1 && i == 0) n = mapped[i].shape()[map_axis(shape)];
    if (mapped[i].dtype() != inputs[i].dtype() || mapped[i].shape() != with_map_axis(shape, n)) {
      refuse("vmap", "mapped value " + mapped[i].shape().text() + " for input " + shape.text() +
                         "; one more axis behind rows, else in front");
    }
  }
  return n;
}

/// By node: whether an output depends on it other than through what is replaced.
std::vector<char> needed_nodes(const Graph& graph, std::span<const Tensor> outputs,
                               const std::vector<char>& replaced) {
  std::vector<char> needed(replaced.size(), 0);
  for (const Tensor& output : outputs) {
    if (output.graph() != &graph) refuse("vmap", "an output is of another recording");
    needed[static_cast<std::size_t>(output.id())] = 1;
  }
  for (std::size_t id = needed.size(); id-- > 0;) {
    if (needed[id] == 0 || replaced[id] != 0) continue;
    for (const ValueId operand : graph[static_cast<ValueId>(id)].operands) {
      needed[static_cast<std::size_t>(operand)] = 1;
    }
  }
  return needed;
}

}  // namespace
}  // namespace program

inline namespace v1 {

Tensor placeholder(Tensor x) {
  if (!x) program::refuse("placeholder", "the tensor is empty");
  return x.graph()->placeholder(x.shape(), x.dtype(), x.row_class());
}

std::vector<Tensor> vmap(std::span<const Tensor> outputs, std::span<const Tensor> inputs,
                         std::span<const Tensor> mapped) {
  using program::Batched;
  const std::int64_t n = program::mapped_extent(inputs, mapped);
  program::Graph& graph = *inputs.front().graph();
  std::vector<Batched> values(static_cast<std::size_t>(graph.size()));
  std::vector<char> replaced(values.size(), 0);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const auto id = static_cast<std::size_t>(inputs[i].id());
    values[id] = {mapped[i], true};
    replaced[id] = 1;
  }
  const std::vector<char> needed = program::needed_nodes(graph, outputs, replaced);
  std::unordered_map<ValueId, std::vector<Tensor>> calls;
  std::vector<Batched> operands;
  for (std::size_t at = 0; at < needed.size(); ++at) {
    if (needed[at] == 0 || replaced[at] != 0) continue;
    const auto id = static_cast<ValueId>(at);
    const Node& node = graph[id];
    values[at] = {graph.tensor(id), false};
    if (node.op == Op::output) {
      const auto found = calls.find(node.operands[0]);
      if (found == calls.end()) continue;
      const auto index = static_cast<std::size_t>(program::attribute<OutputIndex>(node).index);
      values[at] = {found->second[index], true};
      continue;
    }
    operands.clear();
    bool any = false;
    for (const ValueId operand : node.operands) {
      operands.push_back(values[static_cast<std::size_t>(operand)]);
      any = any || operands.back().mapped;
    }
    if (!any) continue;
    if (program::is_call(node.op)) {
      calls[id] = program::batch_call(graph, node, operands, n);
    } else {
      values[at] = {program::batch_node(graph, node, operands, n), true};
    }
  }
  std::vector<Tensor> result;
  for (const Tensor& output : outputs) {
    const Batched& value = values[static_cast<std::size_t>(output.id())];
    result.push_back(value.mapped ? value.value : program::spread_over_map(value.value, n));
  }
  return result;
}

}  // namespace v1
}  // namespace odeum
