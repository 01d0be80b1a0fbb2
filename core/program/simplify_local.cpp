// SPDX-License-Identifier: Apache-2.0
// Simplifications that hand back an operand or a constant.
#include <algorithm>
#include <utility>

#include "program/interpreter.hpp"
#include "program/primitive.hpp"
#include "program/simplify.hpp"

namespace odeum::program {
namespace {

bool is_fill(const Node& node, double value) {
  const double* own = fill_value(node);
  return own != nullptr && *own == value;
}

bool keeps_order(const std::vector<int>& axes) { return std::is_sorted(axes.begin(), axes.end()); }

}  // namespace

Tensor simplify_locally(Graph& graph, Node& node) {
  const auto operand = [&](std::size_t k) -> const Node& { return graph[node.operands[k]]; };
  const auto value = [&](std::size_t k) { return graph.tensor(node.operands[k]); };
  switch (node.op) {
    case Op::add:
      if (is_zero(operand(1))) return value(0);
      if (is_zero(operand(0))) return value(1);
      if (node.operands[0] > node.operands[1]) std::swap(node.operands[0], node.operands[1]);
      break;
    case Op::sub:
      if (is_zero(operand(1))) return value(0);
      break;
    case Op::mul:
      if (is_fill(operand(1), 1.0)) return value(0);
      if (is_fill(operand(0), 1.0)) return value(1);
      if (node.operands[0] > node.operands[1]) std::swap(node.operands[0], node.operands[1]);
      // A factor that is the same everywhere stands second.
      if (fill_value(operand(0)) != nullptr) std::swap(node.operands[0], node.operands[1]);
      break;
    case Op::div:
      if (is_fill(operand(1), 1.0)) return value(0);
      break;
    case Op::max:
    case Op::min:
      if (node.operands[0] == node.operands[1]) return value(0);
      break;
    case Op::select:
      if (node.operands[1] == node.operands[2]) return value(1);
      if (const double* where = fill_value(operand(0))) return value(*where != 0.0 ? 1 : 2);
      break;
    case Op::cast:
      if (operand(0).dtype == node.dtype) return value(0);
      break;
    case Op::reshape:
    case Op::broadcast:
      if (operand(0).shape == node.shape) return value(0);
      break;
    case Op::slice:
    case Op::pad:
      if (operand(0).shape == node.shape) return value(0);
      break;
    case Op::concat:
      if (node.operands.size() == 1) return value(0);
      break;
    case Op::permute:
      if (keeps_order(attribute<Axes>(node).axes)) return value(0);
      break;
    case Op::sum:
    case Op::reduce_max:
      if (attribute<Axes>(node).axes.empty()) return value(0);
      break;
    default:
      break;
  }
  return {};
}

namespace {

/// Larger constants are computed where the program runs.
constexpr std::int64_t kLargestFolded = 4096;
/// int64 constants are kept as doubles, exact up to here.
constexpr std::int64_t kLargestInteger = std::int64_t{1} << 53;

Array as_array(const Node& constant, Extents extents) {
  Node node = constant;
  node.shape = Shape(std::move(extents));
  return evaluate(node, 0, {});
}

Tensor as_constant(Graph& graph, const Node& node, const Array& value) {
  Node constant;
  constant.op = Op::constant;
  constant.dtype = node.dtype;
  constant.shape = node.shape;
  std::vector<double> values = value.values;
  for (const std::int64_t integer : value.integers) {
    if (std::abs(integer) > kLargestInteger) return {};
    values.push_back(static_cast<double>(integer));
  }
  constant.attributes = ConstantValues{std::move(values)};
  return graph.emit(std::move(constant));
}

/// An operation on values that are the same everywhere, done once.
Tensor fold_fill(Graph& graph, const Node& node) {
  Node scalar = node;
  scalar.shape = Shape();
  std::vector<Array> arrays;
  for (const ValueId id : node.operands) arrays.push_back(as_array(graph[id], {}));
  std::vector<const Array*> operands;
  operands.reserve(arrays.size());
  for (const Array& array : arrays) operands.push_back(&array);
  return as_constant(graph, node, evaluate(scalar, 0, operands));
}

}  // namespace

Tensor fold(Graph& graph, const Node& node) {
  if (node.operands.empty()) return {};
  bool fills = true;
  bool rows = node.shape.has_rows();
  bool zeros = true;
  std::int64_t elements = node.shape.elements_per_row();
  for (const ValueId id : node.operands) {
    const Node& operand = graph[id];
    if (operand.op != Op::constant) return {};
    fills = fills && fill_value(operand) != nullptr;
    zeros = zeros && is_zero(operand);
    rows = rows || operand.shape.has_rows();
    elements = std::max(elements, operand.shape.elements_per_row());
  }
  const Op op = node.op;
  if (op == Op::call || op == Op::host_call || op == Op::random) return {};
  if (fills && is_elementwise(op)) return fold_fill(graph, node);
  const bool spreads = op == Op::reshape || op == Op::broadcast || op == Op::permute ||
                       op == Op::slice || (zeros && op == Op::pad);
  if (fills && spreads) {
    return full(graph.tensor(node.operands[0]), node.shape, *fill_value(graph[node.operands[0]]));
  }
  if (rows || elements > kLargestFolded) return {};
  std::vector<Array> arrays;
  for (const ValueId id : node.operands) {
    arrays.push_back(as_array(graph[id], graph[id].shape.extents()));
  }
  std::vector<const Array*> operands;
  operands.reserve(arrays.size());
  for (const Array& array : arrays) operands.push_back(&array);
  return as_constant(graph, node, evaluate(node, 0, operands));
}

}  // namespace odeum::program
