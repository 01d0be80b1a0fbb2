// SPDX-License-Identifier: Apache-2.0
// Simplifications of elementwise operations by how their operands are computed.
#include <cmath>

#include "program/primitive.hpp"
#include "program/simplify.hpp"

namespace odeum::program {
namespace {

/// A node's operands, and what they are.
struct View {
  Graph& graph;
  const Node& node;

  Tensor value(std::size_t k) const { return graph.tensor(node.operands[k]); }
  const Node& operand(std::size_t k) const { return graph[node.operands[k]]; }
  bool is(std::size_t k, Op op) const { return operand(k).op == op; }
  /// Operand j of operand k.
  Tensor inner(std::size_t k, std::size_t j) const { return graph.tensor(operand(k).operands[j]); }
  const double* fill(std::size_t k) const { return fill_value(operand(k)); }
};

bool is_power_of_two(double value) {
  int exponent = 0;
  return std::isfinite(value) && std::abs(std::frexp(value, &exponent)) == 0.5;
}

/// The fill value of x * c, else null.
const double* factor_of(const Graph& graph, const Node& node) {
  return node.op == Op::mul ? fill_value(graph[node.operands[1]]) : nullptr;
}

Tensor simplify_neg(const View& v) {
  if (v.is(0, Op::neg)) return v.inner(0, 0);
  if (v.is(0, Op::sub)) return v.inner(0, 1) - v.inner(0, 0);
  if (const double* factor = factor_of(v.graph, v.operand(0))) return v.inner(0, 0) * -*factor;
  return {};
}

Tensor simplify_add(const View& v) {
  if (v.is(1, Op::neg)) return v.value(0) - v.inner(1, 0);
  if (v.is(0, Op::neg)) return v.value(1) - v.inner(0, 0);
  if (v.node.operands[0] == v.node.operands[1]) return v.value(0) * 2.0;
  return {};
}

Tensor simplify_sub(const View& v) {
  if (is_zero(v.operand(0))) return -v.value(1);
  if (v.is(1, Op::neg)) return v.value(0) + v.inner(1, 0);
  if (v.is(0, Op::neg)) return -(v.inner(0, 0) + v.value(1));
  return {};
}

Tensor simplify_mul(const View& v) {
  const double* second = v.fill(1);
  if (second != nullptr && *second == -1.0) return -v.value(0);
  if (v.is(0, Op::neg) && v.is(1, Op::neg)) return v.inner(0, 0) * v.inner(1, 0);
  if (v.is(0, Op::neg)) {
    return second != nullptr ? v.inner(0, 0) * -*second : -(v.inner(0, 0) * v.value(1));
  }
  if (v.is(1, Op::neg)) return -(v.value(0) * v.inner(1, 0));
  const double* first = factor_of(v.graph, v.operand(0));
  if (first != nullptr && second != nullptr &&
      (is_power_of_two(*first) || is_power_of_two(*second))) {
    return v.inner(0, 0) * (*first * *second);
  }
  return {};
}

Tensor simplify_div(const View& v) {
  if (const double* divisor = v.fill(1); divisor != nullptr && is_power_of_two(*divisor)) {
    return v.value(0) * (1.0 / *divisor);
  }
  if (v.is(0, Op::neg)) return -(v.inner(0, 0) / v.value(1));
  if (v.is(1, Op::neg)) return -(v.value(0) / v.inner(1, 0));
  return {};
}

Tensor simplify_cast(const View& v) {
  // float32 to float64 and back is exact.
  if (v.is(0, Op::cast) && v.operand(0).dtype == DType::f64 &&
      v.inner(0, 0).dtype() == DType::f32 && v.node.dtype == DType::f32) {
    return v.inner(0, 0);
  }
  return {};
}

/// Pads of the same axis whose contents do not overlap: the contents side by side.
Tensor join_pads(const View& v) {
  if (!v.is(0, Op::pad) || !v.is(1, Op::pad)) return {};
  auto first = attribute<Padding>(v.operand(0));
  auto second = attribute<Padding>(v.operand(1));
  Tensor left = v.inner(0, 0);
  Tensor right = v.inner(1, 0);
  if (first.axis != second.axis) return {};
  if (first.before > second.before) {
    std::swap(first, second);
    std::swap(left, right);
  }
  const std::int64_t gap = second.before - first.before - left.shape()[first.axis];
  if (gap < 0) return {};
  return pad(concat({pad(left, first.axis, 0, gap), right}, first.axis), first.axis, first.before,
             second.after);
}

/// Work on values that are the same along axes is done before they are broadcast.
Tensor before_broadcast(const View& v) {
  const Node* source = nullptr;
  for (std::size_t k = 0; k < v.node.operands.size(); ++k) {
    if (v.fill(k) != nullptr) continue;
    if (!v.is(k, Op::broadcast)) return {};
    const Node& inner = v.graph[v.operand(k).operands[0]];
    if (source != nullptr && inner.shape != source->shape) return {};
    source = &inner;
  }
  if (source == nullptr) return {};
  std::vector<Tensor> operands;
  for (std::size_t k = 0; k < v.node.operands.size(); ++k) {
    operands.push_back(v.fill(k) != nullptr ? full(v.value(k), source->shape, *v.fill(k))
                                            : v.inner(k, 0));
  }
  const Tensor small = emit(v.node.op, operands, v.node.attributes, v.node.shape, v.node.dtype);
  return broadcast(small, v.node.shape);
}

}  // namespace

Tensor simplify_elementwise(Graph& graph, const Node& node) {
  const View v{graph, node};
  Tensor simpler;
  switch (node.op) {
    case Op::neg:
      simpler = simplify_neg(v);
      break;
    case Op::add:
      simpler = simplify_add(v);
      break;
    case Op::sub:
      simpler = simplify_sub(v);
      break;
    case Op::mul:
      simpler = simplify_mul(v);
      break;
    case Op::div:
      simpler = simplify_div(v);
      break;
    case Op::cast:
      simpler = simplify_cast(v);
      break;
    case Op::abs:
      if (v.is(0, Op::neg)) simpler = abs(v.inner(0, 0));
      break;
    default:
      break;
  }
  if (!simpler && node.op == Op::add) simpler = join_pads(v);
  return simpler ? simpler : before_broadcast(v);
}

Tensor simplify_thoroughly(Graph& graph, const Node& node) {
  if (is_elementwise(node.op)) return simplify_elementwise(graph, node);
  if (node.op == Op::dot) return simplify_dot(graph, node);
  return simplify_shape(graph, node);
}

}  // namespace odeum::program
