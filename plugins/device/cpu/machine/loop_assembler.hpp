// SPDX-License-Identifier: Apache-2.0
// Machine instructions as bytes: those x86-64 instructions that loops of vector arithmetic consist
// of, for vectors of 32 bytes (VEX, AVX2 and FMA) and of 64 bytes (EVEX, AVX-512 F and DQ).
//
// Encodings: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2, sections 2.3
// (VEX) and 2.7 (EVEX).
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "odeum/shape.hpp"

namespace odeum::cpu {

/// General registers, by their number in an instruction.
enum class Gpr : std::uint8_t {
  rax,
  rcx,
  rdx,
  rbx,
  rsp,
  rbp,
  rsi,
  rdi,
  r8,
  r9,
  r10,
  r11,
  r12,
  r13,
  r14,
  r15,
};

/// The last operand of a vector instruction: a register, or memory at base + rcx or at base.
struct VectorOperand {
  int reg = -1;  ///< of vectors; -1: memory
  Gpr base = Gpr::rax;
  bool indexed = true;
};

/// LoopArithmetic of two operands, by opcode.
enum class LoopArithmetic : std::uint8_t { add = 0x58, mul = 0x59, sub = 0x5c, div = 0x5e };

/// Multiply-adds d (+-)= ... of destination d, second operand v and last operand m, by opcode: the
/// digits name the factors and the addend as in the manual (213: d = v d + m).
enum class MultiplyAdd : std::uint8_t {
  add213 = 0xa8,
  add231 = 0xb8,
  sub213 = 0xaa,
  sub231 = 0xba,
  negative213 = 0xac,
  negative231 = 0xbc,
};

class LoopAssembler {
 public:
  /// vector_bytes: 32 or 64. type: f32 or f64.
  LoopAssembler(int vector_bytes, DType type)
      : wide_(vector_bytes == 64), f64_(type == DType::f64), vector_bytes_(vector_bytes) {}

  const std::vector<std::uint8_t>& bytes() const { return bytes_; }

  void push(Gpr r);
  void pop(Gpr r);
  /// to = the pointer at base + 8 index.
  void load_pointer(Gpr to, Gpr base, std::size_t index);
  void zero_rcx();
  void shift_left_rsi(int bits);
  /// rcx += a vector's bytes; back to `to` while rcx < rsi.
  void loop_to(std::size_t to);
  /// Clears upper halves, which slow down code for shorter vectors.
  void end_vectors();
  void ret();

  void load(int to, Gpr base);       ///< to = [base + rcx]
  void store(Gpr base, int from);    ///< [base + rcx] = from
  void broadcast(int to, Gpr base);  ///< every lane of to = [base]
  void copy(int to, int from);
  void apply(LoopArithmetic fn, int to, int a, VectorOperand b);  ///< to = a fn b
  void apply(MultiplyAdd fn, int to, int second, VectorOperand m);

 private:
  enum class Map : std::uint8_t { m0f = 1, m0f38 = 2 };
  void byte(unsigned x) { bytes_.push_back(static_cast<std::uint8_t>(x)); }
  void word(std::uint32_t x);
  void vector(Map map, unsigned prefix, bool w, unsigned opcode, int reg, int second,
              VectorOperand last);
  void address(int reg, VectorOperand memory);

  std::vector<std::uint8_t> bytes_;
  bool wide_, f64_;
  int vector_bytes_;
};

}  // namespace odeum::cpu
