// SPDX-License-Identifier: Apache-2.0
// Elementwise operations with one operand.
#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "program/primitive.hpp"

namespace odeum {
namespace program {
namespace {

void infer_number(const Graph& graph, Node& node) {
  const Node& x = graph[node.operands[0]];
  node.shape = x.shape;
  node.dtype = x.dtype;
}

void infer_float(const Graph& graph, Node& node) {
  infer_number(graph, node);
  if (is_float(node.dtype)) return;
  refuse(primitive(node.op).name, "the operand is " + std::string(name(node.dtype)) + " " +
                                      node.shape.text() + "; cast it to a floating-point type");
}

void infer_cast(const Graph& graph, Node& node) { node.shape = graph[node.operands[0]].shape; }

template <auto F>
void map(const Evaluation& e) {
  with_elements(e.result, e.operand(0), [](auto& y, const auto& x) {
    using T = typename std::decay_t<decltype(y)>::value_type;
    for (std::size_t i = 0; i < y.size(); ++i) y[i] = static_cast<T>(F(x[i]));
  });
}

void evaluate_cast(const Evaluation& e) {
  const Array& x = e.operand(0);
  if (x.dtype == DType::i64 && e.node.dtype != DType::i64) {
    std::copy(x.integers.begin(), x.integers.end(), e.result.values.begin());
  } else if (x.dtype != DType::i64 && e.node.dtype == DType::i64) {
    for (std::size_t i = 0; i < x.values.size(); ++i) {
      e.result.integers[i] = static_cast<std::int64_t>(x.values[i]);
    }
  } else {
    map<[](auto v) { return v; }>(e);
  }
}

constexpr auto kSign = [](auto x) {
  if (x != x) return x;
  return static_cast<decltype(x)>((x > 0 ? 1 : 0) - (x < 0 ? 1 : 0));
};
constexpr auto kSigmoid = [](double x) {
  if (x >= 0) return 1 / (1 + std::exp(-x));
  return std::exp(x) / (1 + std::exp(x));
};
constexpr auto kSoftplus = [](double x) {
  return (x > 0 ? x : (x != x ? x : 0)) + std::log1p(std::exp(-std::abs(x)));
};

Tensor neg_cotangent(const Backward& b) { return -b.cotangent; }
Tensor cast_cotangent(const Backward& b) { return cast(b.cotangent, b.operand(0).dtype()); }

Tensor cast_jvp(const Forward& f) {
  return is_float(f.node().dtype) ? cast(f.tangent(0), f.node().dtype) : Tensor();
}

/// An entry whose derivative is the tangent times a factor.
constexpr Primitive entry(Op op, const char* name, void (*evaluate)(const Evaluation&),
                          Tensor (*jvp)(const Forward&)) {
  return {.op = op,
          .name = name,
          .infer = infer_float,
          .evaluate = evaluate,
          .jvp = jvp,
          .vmap = vmap_elementwise};
}

constexpr std::array<Primitive, 17> kEntries{{
    {.op = Op::neg,
     .name = "neg",
     .infer = infer_number,
     .linearity = Linearity::first,
     .evaluate = map<[](auto x) { return -x; }>,
     .jvp = jvp_of_linear,
     .transpose = neg_cotangent,
     .vmap = vmap_elementwise},
    {.op = Op::abs,
     .name = "abs",
     .infer = infer_number,
     .evaluate = map<[](auto x) { return std::abs(x); }>,
     .jvp = [](const Forward& f) { return f.tangent(0) * sign(f.operand(0)); },
     .vmap = vmap_elementwise},
    {.op = Op::sign,
     .name = "sign",
     .infer = infer_number,
     .evaluate = map<kSign>,
     .vmap = vmap_elementwise},
    entry(Op::floor, "floor", map<[](double x) { return std::floor(x); }>, nullptr),
    entry(Op::exp, "exp", map<[](double x) { return std::exp(x); }>,
          [](const Forward& f) { return f.tangent(0) * f.value(); }),
    entry(Op::expm1, "expm1", map<[](double x) { return std::expm1(x); }>,
          [](const Forward& f) { return f.tangent(0) * (f.value() + 1.0); }),
    entry(Op::log, "log", map<[](double x) { return std::log(x); }>,
          [](const Forward& f) { return f.tangent(0) / f.operand(0); }),
    entry(Op::log1p, "log1p", map<[](double x) { return std::log1p(x); }>,
          [](const Forward& f) { return f.tangent(0) / (f.operand(0) + 1.0); }),
    entry(Op::sqrt, "sqrt", map<[](double x) { return std::sqrt(x); }>,
          [](const Forward& f) { return f.tangent(0) * (0.5 / f.value()); }),
    entry(Op::sin, "sin", map<[](double x) { return std::sin(x); }>,
          [](const Forward& f) { return f.tangent(0) * cos(f.operand(0)); }),
    entry(Op::cos, "cos", map<[](double x) { return std::cos(x); }>,
          [](const Forward& f) { return f.tangent(0) * -sin(f.operand(0)); }),
    entry(Op::tanh, "tanh", map<[](double x) { return std::tanh(x); }>,
          [](const Forward& f) { return f.tangent(0) * (1.0 - square(f.value())); }),
    entry(Op::sigmoid, "sigmoid", map<kSigmoid>,
          [](const Forward& f) { return f.tangent(0) * (f.value() * (1.0 - f.value())); }),
    entry(Op::softplus, "softplus", map<kSoftplus>,
          [](const Forward& f) { return f.tangent(0) * sigmoid(f.operand(0)); }),
    entry(Op::erf, "erf", map<[](double x) { return std::erf(x); }>,
          [](const Forward& f) {
            return f.tangent(0) * (exp(-square(f.operand(0))) * (2.0 * std::numbers::inv_sqrtpi));
          }),
    {.op = Op::cast,
     .name = "cast",
     .infer = infer_cast,
     .linearity = Linearity::first,
     .evaluate = evaluate_cast,
     .jvp = cast_jvp,
     .transpose = cast_cotangent,
     .vmap = vmap_elementwise},
    {.op = Op::stop_gradient,
     .name = "stop_gradient",
     .infer = infer_number,
     .linearity = Linearity::first,
     .evaluate = map<[](auto x) { return x; }>,
     .vmap = vmap_elementwise},
}};

Tensor unary(Op op, Tensor x) { return emit(op, {x}); }

}  // namespace

std::span<const Primitive> unary_primitives() { return kEntries; }

}  // namespace program

inline namespace v1 {

using program::unary;

Tensor operator-(Tensor x) { return unary(Op::neg, x); }
Tensor abs(Tensor x) { return unary(Op::abs, x); }
Tensor sign(Tensor x) { return unary(Op::sign, x); }
Tensor floor(Tensor x) { return unary(Op::floor, x); }
Tensor exp(Tensor x) { return unary(Op::exp, x); }
Tensor expm1(Tensor x) { return unary(Op::expm1, x); }
Tensor log(Tensor x) { return unary(Op::log, x); }
Tensor log1p(Tensor x) { return unary(Op::log1p, x); }
Tensor sqrt(Tensor x) { return unary(Op::sqrt, x); }
Tensor sin(Tensor x) { return unary(Op::sin, x); }
Tensor cos(Tensor x) { return unary(Op::cos, x); }
Tensor tanh(Tensor x) { return unary(Op::tanh, x); }
Tensor sigmoid(Tensor x) { return unary(Op::sigmoid, x); }
Tensor softplus(Tensor x) { return unary(Op::softplus, x); }
Tensor erf(Tensor x) { return unary(Op::erf, x); }
Tensor stop_gradient(Tensor x) { return unary(Op::stop_gradient, x); }

Tensor cast(Tensor x, DType type) { return program::emit(Op::cast, {x}, {}, Shape(), type); }

}  // namespace v1
}  // namespace odeum
