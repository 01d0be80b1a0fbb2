// SPDX-License-Identifier: Apache-2.0
// x86-64 instructions as bytes: those with VEX encoding that straight-line code of float64 needs
// (Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2, 2.3 and the pages of the
// instructions). Vector registers are numbers 0 to 15; a width is 1 (a scalar), 2 or 4 elements.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <vector>

namespace odeum::cpu {

/// General registers by their number in the encoding.
enum class General : std::uint8_t { rax = 0, rbx = 3, r12 = 12, r13 = 13 };

/// The last operand of an instruction: a vector register, or memory at a general register.
struct Operand {
  int reg = -1;  ///< -1: memory
  General base = General::rbx;
  std::int32_t at = 0;

  static Operand in(int reg) { return {reg}; }
  static Operand at_place(std::uint32_t place) {
    return {-1, General::rbx, static_cast<std::int32_t>(place)};
  }
  static Operand at_address(std::size_t bytes) {
    return {-1, General::rax, static_cast<std::int32_t>(bytes)};
  }
};

/// Opcodes of arithmetic that have a form for one element and one for vectors.
enum class Arithmetic : std::uint8_t {
  sqrt = 0x51,
  add = 0x58,
  mul = 0x59,
  sub = 0x5c,
  min = 0x5d,
  div = 0x5e,
  max = 0x5f,
};
enum class Logic : std::uint8_t { land = 0x54, lxor = 0x57 };
/// dst = src a + dst, src a - dst, dst - src a.
enum class Fused : std::uint8_t { add = 0xb8, sub = 0xba, negated = 0xbc };
enum class Comparison : std::uint8_t { equal = 0, less = 1, unordered = 3, not_equal = 4 };

class Assembler {
 public:
  const std::vector<std::uint8_t>& bytes() const { return bytes_; }

  void arithmetic(Arithmetic op, int width, int dst, int a, Operand b);
  void logic(Logic op, int dst, int a, Operand b);
  void fused(Fused op, int width, int dst, int a, Operand b);
  void compare(Comparison op, int width, int dst, int a, Operand b);
  void round_down(int width, int dst, Operand a);
  /// dst = mask < 0 ? b : a, by element.
  void blend(int dst, int a, int b, int mask);

  void move(int dst, int from);
  void load(int width, int dst, Operand from);
  void store(int width, int from, Operand to);
  void broadcast(int dst, Operand from);
  void load_high(int dst, int low, Operand from);  ///< (low[0], from)
  void interleave_low(int dst, int a, int b);      ///< (a[0], b[0])
  void interleave_high(int dst, int a, int b);     ///< (a[1], b[1])
  void insert_upper(int dst, int low, Operand upper);
  void extract_upper(int dst, int from);
  void clear_upper();

  /// rax = the address that the View at `position` of the array in `array` holds.
  void address_of_view(General array, std::size_t position);
  void enter();
  void leave();
  void call(const void* function);
  /// First arguments of a call: an address; an address in the arena; rax; a number.
  void pass_address(int argument, const void* address);
  void pass_place(int argument, std::uint32_t place);
  void pass_rax(int argument);
  void pass_number(int argument, std::uint32_t number);

 private:
  struct Encoding {
    std::uint8_t prefix, map, wide, opcode;
  };
  void put(std::initializer_list<int> bytes);
  void put_32(std::uint32_t value);
  void put_64(std::uint64_t value);
  void instruction(Encoding encoding, int width, int reg, int second, Operand last);

  std::vector<std::uint8_t> bytes_;
};

}  // namespace odeum::cpu
