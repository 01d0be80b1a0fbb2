// SPDX-License-Identifier: Apache-2.0
#include "cell.hpp"

#include <cmath>

namespace odeum::blocks {

Cell::Cell(CellKind kind, Scope& scope, std::int64_t inputs, std::int64_t hidden)
    : kind_(kind), hidden_(hidden) {
  const Initializer start =
      Initializer::uniform(1.0 / std::sqrt(static_cast<double>(inputs + hidden)));
  const std::int64_t width = kind == CellKind::gru ? 3 * hidden : hidden;
  input_weight_ = scope.parameter("input_weight", {width, inputs}, start);
  state_weight_ = scope.parameter("state_weight", {width, hidden}, start);
  bias_ = scope.parameter("bias", {width}, start);
  if (kind == CellKind::gru) state_bias_ = scope.parameter("state_bias", {hidden}, start);
}

Tensor Cell::operator()(Tensor x, Tensor h) const {
  const Tensor of_input = linear(x, input_weight_, bias_);
  const Tensor of_state = linear(h, state_weight_);
  if (kind_ == CellKind::tanh) return tanh(of_input + of_state);
  const auto gate = [&](std::int64_t k) {
    const auto part = [&](Tensor of) { return slice(of, 1, k * hidden_, (k + 1) * hidden_); };
    return std::pair{part(of_input), part(of_state)};
  };
  const auto [reset_x, reset_h] = gate(0);
  const auto [update_x, update_h] = gate(1);
  const auto [candidate_x, candidate_h] = gate(2);
  const Tensor reset = sigmoid(reset_x + reset_h);
  const Tensor update = sigmoid(update_x + update_h);
  const Tensor candidate = tanh(candidate_x + reset * (candidate_h + state_bias_));
  return candidate + update * (h - candidate);
}

}  // namespace odeum::blocks
