// SPDX-License-Identifier: Apache-2.0
#include "kernelgen/graph.hpp"

#include <algorithm>

#include "odeum/error.hpp"

namespace odeum::kernelgen {

bool is_elementwise(Op op) { return op >= Op::neg && op <= Op::select && op != Op::stop_gradient; }
bool is_view(Op op) {
  return op == Op::stop_gradient || op == Op::reshape || op == Op::permute || op == Op::broadcast ||
         op == Op::slice;
}

bool reduces_rows(const Graph& graph, ValueId id) {
  const Node& node = graph[id];
  return !node.shape.has_rows() && std::any_of(node.operands.begin(), node.operands.end(),
                                               [&graph](ValueId x) { return graph.rowful(x); });
}

std::int64_t reduced_entries(const Graph& graph, ValueId id) {
  const Shape& shape = graph[graph.operand(id, 0)].shape;
  std::int64_t entries = 1;
  for (const int axis : std::get<Axes>(graph[id].attributes).axes) {
    if (shape[axis] != kRows) entries *= shape[axis];
  }
  return entries;
}

namespace {

/// A thread adds up at most so many entries by itself where there is one thread an output.
constexpr std::int64_t kSerial = 64;

/// More parts of a concatenation than a kernel has parameters for are joined in groups first.
constexpr std::size_t kMostParts = 24;

Role role_of(const Graph& graph, ValueId id) {
  const Node& node = graph[id];
  switch (node.op) {
    case Op::input:
    case Op::constant:
      return Role::leaf;
    case Op::sum:
    case Op::reduce_max:
      return reduces_rows(graph, id) || reduced_entries(graph, id) > kSerial ? Role::work
                                                                             : Role::element;
    case Op::scatter_add:
    case Op::dot:
    case Op::conv:
    case Op::conv_input_gradient:
    case Op::conv_weight_gradient:
    case Op::lu_solve:
      return Role::work;
    default:
      // A view that memory cannot express is an elementwise copy.
      return Role::element;
  }
}

}  // namespace

Graph::Graph(const Program& program, const CompileOptions& options,
             const std::vector<bool>& wanted) {
  std::vector<ValueId> now(program.nodes.size());
  for (std::size_t i = 0; i < program.nodes.size(); ++i) {
    Node node = program.nodes[i];
    if (node.op == Op::call || node.op == Op::host_call || node.op == Op::output) {
      throw ConfigError("program '" + options.name + "' holds a " + name(node.op) +
                        "; a device takes programs with calls inlined and cut at host calls");
    }
    for (ValueId& operand : node.operands) operand = now[static_cast<std::size_t>(operand)];
    while (node.op == Op::concat && node.operands.size() > kMostParts) node = nested(node);
    now[i] = append(std::move(node));
  }
  for (std::size_t i = 0; i < program.inputs.size(); ++i) {
    input_of[static_cast<std::size_t>(now[static_cast<std::size_t>(program.inputs[i])])] =
        static_cast<int>(i);
  }
  std::vector<ValueId> outputs;
  for (const ValueId id : program.outputs) outputs.push_back(now[static_cast<std::size_t>(id)]);
  bind_outputs(outputs, options, wanted);
  find_live();
}

Node Graph::nested(const Node& node) {
  Node outer = node;
  outer.operands.clear();
  const auto axis = static_cast<std::size_t>(std::get<Axis>(node.attributes).axis);
  for (std::size_t begin = 0; begin < node.operands.size(); begin += kMostParts) {
    const std::size_t end = std::min(begin + kMostParts, node.operands.size());
    Node inner = node;
    inner.operands = {node.operands.begin() + static_cast<std::ptrdiff_t>(begin),
                      node.operands.begin() + static_cast<std::ptrdiff_t>(end)};
    std::vector<std::int64_t> extents = node.shape.extents();
    extents[axis] = 0;
    for (const ValueId part : inner.operands)
      extents[axis] += (*this)[part].shape[static_cast<int>(axis)];
    inner.shape = Shape(std::move(extents));
    outer.operands.push_back(append(std::move(inner)));
  }
  return outer;
}

ValueId Graph::copied(ValueId x) {
  const Node node = (*this)[x];
  return append({Op::cast, node.dtype, node.row_class, node.shape, {x}, {}});
}

ValueId Graph::append(Node node) {
  nodes.push_back(std::move(node));
  layouts.emplace_back();
  roles.push_back(Role::dead);
  output_of.push_back(-1);
  input_of.push_back(-1);
  adds.push_back(false);
  const auto id = static_cast<ValueId>(nodes.size() - 1);
  place(id);
  return id;
}

void Graph::place(ValueId id) {
  const Node& node = (*this)[id];
  Layout& layout = layouts[static_cast<std::size_t>(id)];
  if (is_view(node.op)) {
    if (auto found = view(node, layouts[static_cast<std::size_t>(node.operands[0])])) {
      layout = std::move(*found);
      return;
    }
  }
  layout = fill(id) != nullptr ? filled(id, node.shape) : contiguous(id, node.shape);
}

const double* Graph::fill(ValueId id) const {
  const auto* constant = std::get_if<ConstantValues>(&(*this)[id].attributes);
  return constant != nullptr && constant->values.size() == 1 ? constant->values.data() : nullptr;
}

bool Graph::plain(ValueId id, int k) const {
  const Layout& x = layout(operand(id, k));
  return fill(x.root) == nullptr && whole(x, (*this)[x.root].shape);
}

bool Graph::pointwise(ValueId id, int k) const {
  const Op op = (*this)[id].op;
  return is_elementwise(op) || op == Op::stop_gradient || op == Op::reshape ||
         (op == Op::gather && k == 1);
}

void Graph::bind_outputs(const std::vector<ValueId>& outputs, const CompileOptions& options,
                         const std::vector<bool>& wanted) {
  for (std::size_t k = 0; k < outputs.size(); ++k) {
    if (!wanted[k]) continue;
    const ValueId value = outputs[k];
    const bool accumulate =
        !options.outputs.empty() && options.outputs[k] == OutputMode::accumulate;
    ValueId writer = root(value);
    const Node& computed = (*this)[writer];
    const bool in_place = !accumulate && computed.op != Op::input && computed.op != Op::constant &&
                          output_of[static_cast<std::size_t>(writer)] < 0 &&
                          whole(layout(value), computed.shape);
    if (!in_place) {
      writer = copied(value);
      adds[static_cast<std::size_t>(writer)] = accumulate;
    }
    output_of[static_cast<std::size_t>(writer)] = static_cast<int>(k);
  }
}

void Graph::find_live() {
  readers.assign(size(), {});
  for (auto id = static_cast<ValueId>(size()); id-- > 0;) {
    const auto i = static_cast<std::size_t>(id);
    if (output_of[i] < 0 && readers[i].empty()) continue;
    roles[i] = role_of(*this, id);
    if (roles[i] == Role::leaf) continue;
    for (const ValueId operand : nodes[i].operands)
      readers[static_cast<std::size_t>(root(operand))].push_back(id);
  }
  for (auto& list : readers) std::reverse(list.begin(), list.end());
}

}  // namespace odeum::kernelgen
