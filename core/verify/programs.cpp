// SPDX-License-Identifier: Apache-2.0
#include "verify/programs.hpp"

namespace odeum::verify {
namespace {

using Tensors = std::vector<Tensor>;
using Arguments = std::span<const Tensor>;

Tensors of_one_operand(Arguments in) {
  const Tensor x = in[0];
  return {-x,      abs(x), sign(x), floor(3.0 * x), exp(x), expm1(x),   log(x),      log1p(x),
          sqrt(x), sin(x), cos(x),  tanh(x),        erf(x), sigmoid(x), softplus(x), square(x)};
}

Tensors of_two_operands(Arguments in) {
  const Tensor x = in[0];
  const Tensor y = in[1];
  return {x + y,      x - y,       x * y,
          x / y,      max(x, y),   min(x, y),
          less(x, y), equal(x, x), select(less(x, y), x, 2.0 * y),
          pow(x, 1.7)};
}

Tensors of_shapes(Arguments in) {
  const Tensor x = in[0];  // [rows, 3, 4]
  return {reshape(x, {kRows, 12}),   permute(x, {0, 2, 1}),
          slice(x, 1, 1, 3),         pad(x, 2, 1, 2),
          concat({x, 2.0 * x}, 1),   broadcast(reshape(in[1], {1, 1, 4}), {kRows, 3, 4}),
          stop_gradient(x) * x,      x + in[1],
          x * reshape(in[1], {1, 4})};
}

Tensors of_reductions(Arguments in) {
  const Tensor x = in[0];
  return {sum(x, {1}),        sum(x, {2}),  sum_features(x), sum_rows(x),
          reduce_max(x, {2}), mean_rows(x), logsumexp(x, 2), mean_features(square(x))};
}

Tensors of_contractions(Arguments in) {
  const Tensor x = in[0];  // [rows, 6]
  const Tensor w = in[1];  // [5, 6]
  return {linear(x, w), dot("ri,rj->ij", x, linear(x, w)), dot("ri,ri->r", x, x),
          dot("ij,kj->ik", w, w), tanh(linear(x, w, in[2]))};
}

Tensors of_convolutions(Arguments in) {
  Window window{.kernel = {3, 3}, .stride = {1, 2}, .pad_before = {1, 1}, .pad_after = {1, 0}};
  const Tensor x = in[0];  // [rows, 2, 6, 7]
  return {conv(x, in[1], window), max_pool(x, {.kernel = {2, 2}, .stride = {2, 2}}),
          average_pool(x, {.kernel = {2, 3}, .stride = {1, 1}})};
}

Tensors of_indices(Arguments in) {
  const Tensor x = in[0];  // [rows, 4]
  const Tensor index = iota(x, {kRows, 4}, 1, DType::i64);
  const Tensor turned = cast(3.0 - cast(index, x.dtype()), DType::i64);
  return {gather(x, turned), scatter_add(x, turned, 6), cast(index, x.dtype())};
}

Tensors of_solves(Arguments in) {
  const Tensor a = in[0];  // [rows, 3, 3]
  const Tensor row = iota(a, {3, 3}, 0, a.dtype());
  const Tensor column = iota(a, {3, 3}, 1, a.dtype());
  return {lu_solve(a + 4.0 * equal(row, column), in[1])};
}

Tensors of_casts(Arguments in) {
  const Tensor x = in[0];
  return {cast(x, DType::f64), cast(x, DType::f32), cast(4.0 * x, DType::i64),
          row_count(x, x.dtype()), x * 0.25 + row_count(x, x.dtype())};
}

Tensors of_random_numbers(Arguments in) {
  const Tensor key = in[0];
  const Tensor index = in[1];
  Tensors draws;
  for (const DType type : {DType::f32, DType::f64}) {
    for (const Distribution d :
         {Distribution::uniform, Distribution::normal, Distribution::rademacher}) {
      draws.push_back(random(d, key, index, {kRows, 5}, type));
    }
  }
  return draws;
}

}  // namespace

std::vector<NamedProgram> device_programs() {
  struct Kind {
    const char* name;
    std::vector<Shape> shapes;
    Body body;
    bool differentiable;
  };
  const std::vector<Kind> kinds = {
      {"functions of one operand", {{kRows, 5}}, of_one_operand, true},
      {"functions of two operands", {{kRows, 5}, {kRows, 5}}, of_two_operands, true},
      {"shapes and broadcasts", {{kRows, 3, 4}, {4}}, of_shapes, true},
      {"reductions", {{kRows, 3, 4}}, of_reductions, true},
      {"contractions", {{kRows, 6}, {5, 6}, {5}}, of_contractions, true},
      {"convolutions and pooling", {{kRows, 2, 6, 7}, {3, 2, 3, 3}}, of_convolutions, true},
      {"gathering and scattering", {{kRows, 4}}, of_indices, true},
      {"linear solves", {{kRows, 3, 3}, {kRows, 3, 2}}, of_solves, true},
      {"types", {{kRows, 3}}, of_casts, false}};
  std::vector<NamedProgram> programs;
  for (const Kind& kind : kinds) {
    for (const DType type : {DType::f32, DType::f64}) {
      std::vector<InputSpec> specs;
      for (std::size_t i = 0; i < kind.shapes.size(); ++i) {
        specs.push_back({"x" + std::to_string(i), kind.shapes[i], type});
      }
      programs.push_back({std::string(kind.name) + " in " + name(type), record(specs, kind.body),
                          kind.differentiable});
    }
  }
  const std::vector<InputSpec> keys = {{"key", {2}, DType::i64}, {"index", {kRows}, DType::i64}};
  programs.push_back({"random numbers", record(keys, of_random_numbers), false});
  return programs;
}

}  // namespace odeum::verify
