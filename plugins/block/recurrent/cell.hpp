// SPDX-License-Identifier: Apache-2.0
// The cells of a recurrent network: the next state from the state and an input, as tensor code.
#pragma once

#include <cstdint>

#include "odeum/field.hpp"
#include "odeum/tensor.hpp"

namespace odeum::blocks {

enum class CellKind : std::uint8_t {
  tanh,  ///< h' = tanh(W x + U h + b) (Elman 1990)
  gru,   ///< the gated recurrent unit (Cho et al. 2014), reset applied behind the product with U
};

class Cell {
 public:
  /// Takes its parameters, uniform within 1 / sqrt(inputs + hidden), from the scope.
  Cell(CellKind kind, Scope& scope, std::int64_t inputs, std::int64_t hidden);

  /// x [rows, inputs], h [rows, hidden] to the next h.
  Tensor operator()(Tensor x, Tensor h) const;

 private:
  CellKind kind_;
  std::int64_t hidden_;
  Tensor input_weight_;  ///< [gates * hidden, inputs]
  Tensor state_weight_;  ///< [gates * hidden, hidden]
  Tensor bias_;          ///< [gates * hidden]
  Tensor state_bias_;    ///< [hidden]: of U h in the candidate of a gru
};

}  // namespace odeum::blocks
