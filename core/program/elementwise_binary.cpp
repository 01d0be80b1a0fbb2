// SPDX-License-Identifier: Apache-2.0
// Elementwise operations with two or three operands. Public operations broadcast their operands
// explicitly, so the primitives see equal shapes.
#include <algorithm>
#include <array>
#include <cmath>

#include "program/primitive.hpp"

namespace odeum {
namespace program {
namespace {

std::string described(const Node& node) {
  return std::string(name(node.dtype)) + " " + node.shape.text();
}

void infer_equal_operands(const Graph& graph, Node& node) {
  const Node& first = graph[node.operands[0]];
  for (const ValueId id : node.operands) {
    const Node& other = graph[id];
    if (other.shape != first.shape || other.dtype != first.dtype) {
      refuse(primitive(node.op).name,
             "operands " + described(first) + " and " + described(other) + " differ");
    }
  }
  node.shape = first.shape;
  node.dtype = first.dtype;
}

void infer_float_operands(const Graph& graph, Node& node) {
  infer_equal_operands(graph, node);
  if (!is_float(node.dtype)) {
    refuse(primitive(node.op).name,
           "the operands are " + described(node) + "; cast them to a floating-point type");
  }
}

template <auto F>
void map(const Evaluation& e) {
  with_elements(e.result, e.operand(0), [&e](auto& y, const auto& a) {
    using Elements = std::decay_t<decltype(y)>;
    using T = typename Elements::value_type;
    const Elements* b = nullptr;
    if constexpr (std::is_same_v<T, double>) {
      b = &e.operand(1).values;
    } else {
      b = &e.operand(1).integers;
    }
    for (std::size_t i = 0; i < y.size(); ++i) y[i] = static_cast<T>(F(a[i], (*b)[i]));
  });
}

void evaluate_select(const Evaluation& e) {
  with_elements(e.result, e.operand(0), [&e](auto& y, const auto& where) {
    for (std::size_t i = 0; i < y.size(); ++i) {
      const Array& chosen = e.operand(where[i] != 0 ? 1 : 2);
      if constexpr (std::is_same_v<std::decay_t<decltype(y[i])>, double>) {
        y[i] = chosen.values[i];
      } else {
        y[i] = chosen.integers[i];
      }
    }
  });
}

constexpr auto kMax = [](auto a, auto b) { return a != a ? a : (b != b ? b : (a < b ? b : a)); };
constexpr auto kMin = [](auto a, auto b) { return a != a ? a : (b != b ? b : (b < a ? b : a)); };

Tensor or_zeros(Tensor tangent, Tensor like) { return tangent ? tangent : zeros_like(like); }

Tensor jvp_sub(const Forward& f) {
  if (!f.tangent(0)) return -f.tangent(1);
  if (!f.tangent(1)) return f.tangent(0);
  return f.tangent(0) - f.tangent(1);
}

Tensor jvp_div(const Forward& f) {
  // d(a / b) = (da - (a / b) db) / b
  Tensor change = f.tangent(0);
  if (f.tangent(1)) {
    const Tensor by_divisor = f.value() * f.tangent(1);
    change = change ? change - by_divisor : -by_divisor;
  }
  return change / f.operand(1);
}

Tensor choose(const Forward& f, Tensor where_second) {
  return select(where_second, or_zeros(f.tangent(1), f.value()), or_zeros(f.tangent(0), f.value()));
}

Tensor jvp_select(const Forward& f) {
  if (!f.tangent(1) && !f.tangent(2)) return {};
  return select(f.operand(0), or_zeros(f.tangent(1), f.value()), or_zeros(f.tangent(2), f.value()));
}

Tensor transpose_select(const Backward& b) {
  const Tensor zeros = zeros_like(b.cotangent);
  return b.position == 1 ? select(b.operand(0), b.cotangent, zeros)
                         : select(b.operand(0), zeros, b.cotangent);
}

constexpr std::array<Primitive, 9> kEntries{{
    {.op = Op::add,
     .name = "add",
     .infer = infer_equal_operands,
     .linearity = Linearity::together,
     .evaluate = map<[](auto a, auto b) { return a + b; }>,
     .jvp = [](const Forward& f) { return add_up(f.tangent(0), f.tangent(1)); },
     .transpose = [](const Backward& b) { return b.cotangent; },
     .vmap = vmap_elementwise},
    {.op = Op::sub,
     .name = "sub",
     .infer = infer_equal_operands,
     .linearity = Linearity::together,
     .evaluate = map<[](auto a, auto b) { return a - b; }>,
     .jvp = jvp_sub,
     .transpose = [](const Backward& b) { return b.position == 0 ? b.cotangent : -b.cotangent; },
     .vmap = vmap_elementwise},
    {.op = Op::mul,
     .name = "mul",
     .infer = infer_equal_operands,
     .linearity = Linearity::each,
     .evaluate = map<[](auto a, auto b) { return a * b; }>,
     .jvp = jvp_of_multilinear,
     .transpose = [](const Backward& b) { return b.cotangent * b.operand(1 - b.position); },
     .vmap = vmap_elementwise},
    {.op = Op::div,
     .name = "div",
     .infer = infer_float_operands,
     .linearity = Linearity::first,
     .evaluate = map<[](auto a, auto b) { return a / b; }>,
     .jvp = jvp_div,
     .transpose = [](const Backward& b) { return b.cotangent / b.operand(1); },
     .vmap = vmap_elementwise},
    {.op = Op::max,
     .name = "max",
     .infer = infer_equal_operands,
     .evaluate = map<kMax>,
     .jvp = [](const Forward& f) { return choose(f, less(f.operand(0), f.operand(1))); },
     .vmap = vmap_elementwise},
    {.op = Op::min,
     .name = "min",
     .infer = infer_equal_operands,
     .evaluate = map<kMin>,
     .jvp = [](const Forward& f) { return choose(f, less(f.operand(1), f.operand(0))); },
     .vmap = vmap_elementwise},
    {.op = Op::less,
     .name = "less",
     .infer = infer_equal_operands,
     .evaluate = map<[](auto a, auto b) { return a < b ? 1 : 0; }>,
     .vmap = vmap_elementwise},
    {.op = Op::equal,
     .name = "equal",
     .infer = infer_equal_operands,
     .evaluate = map<[](auto a, auto b) { return a == b ? 1 : 0; }>,
     .vmap = vmap_elementwise},
    {.op = Op::select,
     .name = "select",
     .infer = infer_equal_operands,
     .linearity = Linearity::branches,
     .evaluate = evaluate_select,
     .jvp = jvp_select,
     .transpose = transpose_select,
     .vmap = vmap_elementwise},
}};

/// NumPy's broadcast shape of several; kRows goes with kRows and 1.
Shape common_shape(Op op, std::span<const Tensor> operands) {
  std::vector<std::int64_t> extents;
  for (const Tensor& operand : operands) {
    const auto& own = operand.shape().extents();
    if (own.size() > extents.size())
      extents.insert(extents.begin(), own.size() - extents.size(), 1);
    const std::size_t offset = extents.size() - own.size();
    for (std::size_t axis = 0; axis < own.size(); ++axis) {
      std::int64_t& extent = extents[offset + axis];
      if (own[axis] == extent || own[axis] == 1) continue;
      if (extent != 1 || (own[axis] == kRows && offset + axis != 0)) {
        std::string shapes;
        for (const Tensor& each : operands) {
          shapes += (shapes.empty() ? "" : " and ") + each.shape().text();
        }
        refuse(primitive(op).name,
               "shapes " + shapes + " do not broadcast (trailing axes are aligned; reshape one)");
      }
      extent = own[axis];
    }
  }
  return Shape(std::move(extents));
}

Tensor elementwise(Op op, std::initializer_list<Tensor> operands) {
  const char* operation = primitive(op).name;
  const Tensor* first = operands.begin();
  bool equal_shapes = true;
  for (const Tensor& operand : operands) {
    if (!operand || operand.graph() != first->graph()) return emit(op, operands);  // which refuses
    if (operand.dtype() != first->dtype()) {
      refuse(operation, "types " + std::string(name(first->dtype())) + " and " +
                            name(operand.dtype()) + " differ; cast one");
    }
    equal_shapes = equal_shapes && operand.shape() == first->shape();
  }
  if (equal_shapes) return emit(op, operands);
  const Shape shape = common_shape(op, {first, operands.size()});
  std::array<Tensor, 3> aligned;
  std::transform(operands.begin(), operands.end(), aligned.begin(),
                 [&shape](Tensor operand) { return broadcast(operand, shape); });
  return emit(op, {aligned.data(), operands.size()}, {}, Shape(), DType::f32);
}

Tensor like(Tensor x, double value) {
  if (!x) refuse("constant", "an operand is empty");
  return full(x, x.shape(), value);
}

}  // namespace

std::span<const Primitive> binary_primitives() { return kEntries; }

}  // namespace program

inline namespace v1 {

using program::elementwise;
using program::like;

Tensor operator+(Tensor a, Tensor b) { return elementwise(Op::add, {a, b}); }
Tensor operator-(Tensor a, Tensor b) { return elementwise(Op::sub, {a, b}); }
Tensor operator*(Tensor a, Tensor b) { return elementwise(Op::mul, {a, b}); }
Tensor operator/(Tensor a, Tensor b) { return elementwise(Op::div, {a, b}); }
Tensor max(Tensor a, Tensor b) { return elementwise(Op::max, {a, b}); }
Tensor min(Tensor a, Tensor b) { return elementwise(Op::min, {a, b}); }
Tensor less(Tensor a, Tensor b) { return elementwise(Op::less, {a, b}); }
Tensor equal(Tensor a, Tensor b) { return elementwise(Op::equal, {a, b}); }
Tensor select(Tensor where, Tensor a, Tensor b) { return elementwise(Op::select, {where, a, b}); }

Tensor operator+(Tensor a, double b) { return a + like(a, b); }
Tensor operator+(double a, Tensor b) { return like(b, a) + b; }
Tensor operator-(Tensor a, double b) { return a - like(a, b); }
Tensor operator-(double a, Tensor b) { return like(b, a) - b; }
Tensor operator*(Tensor a, double b) { return a * like(a, b); }
Tensor operator*(double a, Tensor b) { return like(b, a) * b; }
Tensor operator/(Tensor a, double b) { return a / like(a, b); }
Tensor operator/(double a, Tensor b) { return like(b, a) / b; }
Tensor max(Tensor a, double b) { return max(a, like(a, b)); }
Tensor min(Tensor a, double b) { return min(a, like(a, b)); }

}  // namespace v1
}  // namespace odeum
