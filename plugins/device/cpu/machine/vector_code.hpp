// SPDX-License-Identifier: Apache-2.0
// Vector arithmetic as instructions of x86-64, for elements of a type and vectors of a width.
// Encodings, and what else functions consist of, are Xbyak's: this and
// the sources that write functions are the only ones that know it.
#pragma once

#include <xbyak/xbyak.h>

#include <cstddef>
#include <cstdint>

#include "kernels/table.hpp"

namespace odeum::cpu {

/// What an instruction works on: one element, or as many as a vector of 16, 32 or 64 bytes holds.
struct Lanes {
  DType type = DType::f64;  ///< or f32
  int count = 1;
};

/// The last operand of a vector instruction: a vector register, or memory.
struct Source {
  int reg = -1;  ///< -1: memory
  Xbyak::Address memory{0, false, Xbyak::RegExp()};

  static Source in(int reg) { return {reg}; }
  static Source at(const Xbyak::Address& memory) { return {-1, memory}; }
};

/// Numbers of float64 that fill a vector of 64 bytes, beside the code.
enum class Constant : std::uint8_t { magnitude, sign, one };

class VectorCode : public Xbyak::CodeGenerator {
 public:
  /// In memory of its own, which cannot be executed yet.
  explicit VectorCode(std::size_t bytes);

  /// Here a function begins.
  void begin();
  /// Forgets what was written of it.
  void restart() { setSize(start_); }

  /// The register as the instructions for so many lanes name it.
  static Xbyak::Xmm reg(Lanes lanes, int number);
  Source constant(Constant which) const;

  void load(Lanes lanes, int to, const Xbyak::Address& from);
  void store(Lanes lanes, const Xbyak::Address& to, int from);
  void copy(Lanes lanes, int to, int from);
  /// Every lane of `to` is the element.
  void broadcast(Lanes lanes, int to, const Source& element);
  /// to = a fn b: add, sub, mul, div; max and min as the instructions have them, which give b where
  /// the operands are equal or one is not a number.
  void apply(Fn fn, Lanes lanes, int to, int a, const Source& b);
  /// mul_add, mul_sub or sub_mul rounded once, of which `to` is a factor, ...
  void scale_and_add(Fn fn, Lanes lanes, int to, int factor, const Source& addend);
  /// ... or the addend.
  void add_product(Fn fn, Lanes lanes, int to, int a, const Source& b);

 private:
  std::size_t start_ = 0;
};

}  // namespace odeum::cpu
