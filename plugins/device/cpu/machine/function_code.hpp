// SPDX-License-Identifier: Apache-2.0
// Activations of float32 as instructions of AVX-512: operation for operation what
// kernels/functions_f32.inc says, so the results are the same bits.
#pragma once

#include <array>
#include <cstdint>
#include <map>

#include "machine/vector_code.hpp"

namespace odeum::cpu {

/// Numbers of vector registers that a function may overwrite.
inline constexpr std::size_t kFunctionRegisters = 5;
using FunctionRegisters = std::array<int, kFunctionRegisters>;

class FunctionCode {
 public:
  explicit FunctionCode(VectorCode& code) : code_(code) {}

  /// Each reads register `x`, which stays as it is, and leaves its result in r[0], ...
  void tanh(int x, const FunctionRegisters& r);
  void softplus(int x, const FunctionRegisters& r);
  void sigmoid(int x, const FunctionRegisters& r);
  /// ... softplus in r[0] and sigmoid in r[1].
  void softplus_sigmoid(int x, const FunctionRegisters& r);

  /// The numbers that were used so far; to be written where no instruction runs into them.
  void write_numbers();
  /// As if nothing had been written.
  void forget_numbers() {
    numbers_.clear();
    tables_.clear();
  }

 private:
  enum class Table : std::uint8_t { powers, powers_rest };

  Xbyak::Address number(float value);
  void look_up(int to, int index, Table table);
  void set(int to, float value);
  void polynomial(int to, int at, std::initializer_list<float> coefficients);
  void exp_of_minus_magnitude(int to, int x, int rest, int exponent, int low, int moment);
  void softplus_of(int to, int x, int e, int ratio, int square);
  void sigmoid_of(int to, int x, int e, int divisor);

  VectorCode& code_;
  std::map<std::uint32_t, Xbyak::Label> numbers_;  ///< by their bits
  std::map<Table, Xbyak::Label> tables_;
};

}  // namespace odeum::cpu
