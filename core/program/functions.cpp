// SPDX-License-Identifier: Apache-2.0
// Functions made of primitives: activations, powers, combinations; and the Tensor handle itself.
#include <array>
#include <cmath>
#include <numbers>
#include <string>
#include <utility>

#include "program/primitive.hpp"

namespace odeum::inline v1 {

using program::refuse;

const Shape& Tensor::shape() const {
  if (graph_ == nullptr) refuse("shape", "the tensor is empty");
  return (*graph_)[id_].shape;
}

DType Tensor::dtype() const {
  if (graph_ == nullptr) refuse("dtype", "the tensor is empty");
  return (*graph_)[id_].dtype;
}

RowClass Tensor::row_class() const {
  if (graph_ == nullptr) refuse("row_class", "the tensor is empty");
  return (*graph_)[id_].row_class;
}

std::int64_t Tensor::extent(int axis) const {
  return shape()[program::normal_axis("extent", shape(), axis)];
}

Tensor square(Tensor x) { return x * x; }
// Zero comes first: at a tie the derivative goes to it.
Tensor relu(Tensor x) { return max(zeros_like(x), x); }
// The exponential sees min(x, 0), so that neither branch overflows, nor does its derivative.
Tensor elu(Tensor x) { return select(less(zeros_like(x), x), x, expm1(min(x, 0.0))); }
Tensor swish(Tensor x) { return x * sigmoid(x); }
Tensor gelu(Tensor x) { return x * (0.5 * (1.0 + erf(x * (1.0 / std::numbers::sqrt2)))); }

Tensor activation(std::string_view name, Tensor x) {
  using Function = Tensor (*)(Tensor);
  static constexpr std::array<std::pair<std::string_view, Function>, 10> kActivations{{
      {"tanh", tanh},
      {"softplus", softplus},
      {"sigmoid", sigmoid},
      {"relu", relu},
      {"elu", elu},
      {"swish", swish},
      {"gelu", gelu},
      {"sin", sin},
      {"square", square},
      {"identity", [](Tensor value) { return value; }},
  }};
  std::string known;
  for (const auto& [candidate, function] : kActivations) {
    if (candidate == name) return function(x);
    known += (known.empty() ? "" : ", ") + std::string(candidate);
  }
  refuse("activation", "no function \"" + std::string(name) + "\"; there are " + known);
}

Tensor pow(Tensor x, int exponent) {
  if (exponent < 0) return 1.0 / pow(x, -exponent);
  if (exponent == 0) return ones_like(x);
  if (exponent == 1) return x;
  const Tensor half = pow(x, exponent / 2);
  return exponent % 2 == 0 ? square(half) : square(half) * x;
}

Tensor pow(Tensor x, double exponent) { return exp(exponent * log(x)); }

Tensor linear_combination(std::span<const Tensor> terms, std::span<const double> weights) {
  if (terms.empty() || terms.size() != weights.size()) {
    refuse("linear_combination", std::to_string(terms.size()) + " terms and " +
                                     std::to_string(weights.size()) + " weights");
  }
  Tensor sum;
  for (std::size_t i = 0; i < terms.size(); ++i) {
    if (weights[i] == 0.0) continue;
    sum = program::add_up(sum, terms[i] * weights[i]);
  }
  return sum ? sum : zeros_like(terms.front());
}

}  // namespace odeum::inline v1
