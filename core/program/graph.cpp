// SPDX-License-Identifier: Apache-2.0
#include "program/graph.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "odeum/error.hpp"
#include "program/attributes.hpp"
#include "program/derived.hpp"
#include "program/primitive.hpp"
#include "program/row_class.hpp"
#include "program/simplify.hpp"

namespace odeum::program {
namespace {

RowClass row_class_in(const Graph& graph, const Node& node) {
  std::vector<const Node*> operands;
  std::vector<RowClass> classes;
  operands.reserve(node.operands.size());
  for (const ValueId id : node.operands) operands.push_back(&graph[id]);
  const Node& arguments_of = node.op == Op::output ? *operands[0] : node;
  classes.reserve(arguments_of.operands.size());
  for (const ValueId id : arguments_of.operands) classes.push_back(graph[id].row_class);
  return infer_row_class(node, operands, classes);
}

}  // namespace

Graph::Graph(Simplify simplify)
    : simplify_(simplify), table_(256, -1), derived_(std::make_unique<DerivedPrograms>()) {}

Graph::~Graph() = default;

Tensor Graph::input(std::string name, Shape shape, DType dtype, RowClass row_class) {
  const Tensor tensor = placeholder(std::move(shape), dtype, row_class);
  inputs_.push_back(tensor.id());
  input_names_.push_back(std::move(name));
  return tensor;
}

Tensor Graph::placeholder(Shape shape, DType dtype, RowClass row_class) {
  Node node;
  node.op = Op::input;
  node.shape = std::move(shape);
  node.dtype = dtype;
  node.row_class = row_class;
  return tensor(append(std::move(node), 0));
}

Tensor Graph::emit(Node node) {
  primitive(node.op).infer(*this, node);
  if (const Tensor simpler = simplify_locally(*this, node)) return simpler;
  if (thorough()) {
    if (const Tensor simpler = simplify_thoroughly(*this, node)) return simpler;
  }
  if (const Tensor folded = fold(*this, node)) return folded;
  const std::uint64_t key = hash(node);
  if (const ValueId found = *slot(node, key); found >= 0) return tensor(found);
  node.row_class = row_class_in(*this, node);
  const ValueId id = append(std::move(node), key);
  if (2 * nodes_.size() > table_.size()) {
    grow();
  } else {
    *slot(nodes_.back(), key) = id;
  }
  return tensor(id);
}

ValueId Graph::append(Node node, std::uint64_t hash) {
  nodes_.push_back(std::move(node));
  hashes_.push_back(hash);
  return size() - 1;
}

ValueId* Graph::slot(const Node& node, std::uint64_t hash) {
  const std::size_t mask = table_.size() - 1;
  std::size_t at = static_cast<std::size_t>(hash) & mask;
  while (table_[at] >= 0) {
    const auto id = static_cast<std::size_t>(table_[at]);
    if (hashes_[id] == hash && equal(nodes_[id], node)) break;
    at = (at + 1) & mask;
  }
  return &table_[at];
}

void Graph::grow() {
  table_.assign(table_.size() * 4, -1);
  const std::size_t mask = table_.size() - 1;
  for (std::size_t id = 0; id < nodes_.size(); ++id) {
    if (nodes_[id].op == Op::input) continue;
    std::size_t at = static_cast<std::size_t>(hashes_[id]) & mask;
    while (table_[at] >= 0) at = (at + 1) & mask;
    table_[at] = static_cast<ValueId>(id);
  }
}

Program Graph::program(std::span<const Tensor> outputs, std::vector<std::string> names) const {
  std::vector<char> needed(nodes_.size(), 0);
  for (const Tensor& output : outputs) {
    if (output.graph() != this) {
      throw std::invalid_argument("program: an output is empty or of another recording");
    }
    needed[static_cast<std::size_t>(output.id())] = 1;
  }
  for (std::size_t id = nodes_.size(); id-- > 0;) {
    if (needed[id] == 0) continue;
    for (const ValueId operand : nodes_[id].operands) needed[static_cast<std::size_t>(operand)] = 1;
  }
  Program program;
  std::vector<ValueId> renamed(nodes_.size(), -1);
  const auto keep = [&](ValueId id) {
    Node node = (*this)[id];
    for (ValueId& operand : node.operands) operand = renamed[static_cast<std::size_t>(operand)];
    program.nodes.push_back(std::move(node));
    renamed[static_cast<std::size_t>(id)] = static_cast<ValueId>(program.nodes.size()) - 1;
  };
  for (const ValueId id : inputs_) {
    keep(id);
    program.inputs.push_back(renamed[static_cast<std::size_t>(id)]);
  }
  for (std::size_t id = 0; id < nodes_.size(); ++id) {
    if (needed[id] == 0 || renamed[id] >= 0) continue;
    if (nodes_[id].op == Op::input) {
      throw std::invalid_argument("program: an output needs a placeholder of shape " +
                                  nodes_[id].shape.text() + " that vmap has not replaced");
    }
    keep(static_cast<ValueId>(id));
  }
  for (const Tensor& output : outputs) {
    program.outputs.push_back(renamed[static_cast<std::size_t>(output.id())]);
  }
  program.input_names = input_names_;
  program.output_names = std::move(names);
  for (std::size_t i = program.output_names.size(); i < outputs.size(); ++i) {
    program.output_names.push_back("output" + std::to_string(i));
  }
  if (program.output_names.size() != outputs.size()) {
    throw std::invalid_argument("program: more names than outputs");
  }
  return program;
}

}  // namespace odeum::program
