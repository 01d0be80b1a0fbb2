// SPDX-License-Identifier: Apache-2.0
#include "machine/assembler.hpp"

#include <array>
#include <cstring>

#include "odeum/device.hpp"

namespace odeum::cpu {
namespace {

// The fields pp and mmmmm of a VEX prefix.
constexpr std::uint8_t kPacked = 1;  // 66
constexpr std::uint8_t kScalar = 3;  // F2
constexpr std::uint8_t k0F = 1;
constexpr std::uint8_t k0F38 = 2;
constexpr std::uint8_t k0F3A = 3;
/// The second source of an instruction that has none.
constexpr int kNone = 0;

std::uint8_t prefix_of(int width) { return width == 1 ? kScalar : kPacked; }
template <class Enum>
std::uint8_t code(Enum op) {
  return static_cast<std::uint8_t>(op);
}

}  // namespace

void Assembler::put(std::initializer_list<int> bytes) {
  for (const int byte : bytes) bytes_.push_back(static_cast<std::uint8_t>(byte));
}
void Assembler::put_32(std::uint32_t value) {
  for (unsigned shift = 0; shift < 32; shift += 8) put({static_cast<int>(value >> shift & 255U)});
}
void Assembler::put_64(std::uint64_t value) {
  put_32(static_cast<std::uint32_t>(value));
  put_32(static_cast<std::uint32_t>(value >> 32U));
}

void Assembler::instruction(Encoding e, int width, int reg, int second, Operand last) {
  const int rm = last.reg >= 0 ? last.reg : static_cast<int>(last.base);
  put({0xc4, (reg < 8 ? 0x80 : 0) | 0x40 | (rm < 8 ? 0x20 : 0) | e.map,
       e.wide << 7 | (~second & 15) << 3 | (width == 4 ? 4 : 0) | e.prefix, e.opcode});
  if (last.reg >= 0) {
    put({0xc0 | (reg & 7) << 3 | (rm & 7)});
  } else {
    put({0x80 | (reg & 7) << 3 | (rm & 7)});
    put_32(static_cast<std::uint32_t>(last.at));
  }
}

void Assembler::arithmetic(Arithmetic op, int width, int dst, int a, Operand b) {
  const bool unary = op == Arithmetic::sqrt && width > 1;
  instruction({prefix_of(width), k0F, 0, code(op)}, width, dst, unary ? kNone : a, b);
}
void Assembler::logic(Logic op, int dst, int a, Operand b) {
  instruction({kPacked, k0F, 0, code(op)}, 4, dst, a, b);
}
void Assembler::fused(Fused op, int width, int dst, int a, Operand b) {
  const int scalar = width == 1 ? 1 : 0;
  instruction({kPacked, k0F38, 1, static_cast<std::uint8_t>(code(op) + scalar)}, width, dst, a, b);
}
void Assembler::compare(Comparison op, int width, int dst, int a, Operand b) {
  instruction({prefix_of(width), k0F, 0, 0xc2}, width, dst, a, b);
  put({code(op)});
}
void Assembler::round_down(int width, int dst, Operand a) {
  const std::uint8_t opcode = width == 1 ? 0x0b : 0x09;
  const int second = width == 1 && a.reg >= 0 ? a.reg : kNone;
  instruction({kPacked, k0F3A, 0, opcode}, width, dst, second, a);
  put({9});  // towards minus infinity, without the exception of inexact results
}
void Assembler::blend(int dst, int a, int b, int mask) {
  instruction({kPacked, k0F3A, 0, 0x4b}, 4, dst, a, Operand::in(b));
  put({mask << 4});
}

void Assembler::move(int dst, int from) {
  instruction({kPacked, k0F, 0, 0x28}, 4, dst, kNone, Operand::in(from));
}
void Assembler::load(int width, int dst, Operand from) {
  instruction({prefix_of(width), k0F, 0, 0x10}, width, dst, kNone, from);
}
void Assembler::store(int width, int from, Operand to) {
  instruction({prefix_of(width), k0F, 0, 0x11}, width, from, kNone, to);
}
void Assembler::broadcast(int dst, Operand from) {
  instruction({kPacked, k0F38, 0, 0x19}, 4, dst, kNone, from);
}
void Assembler::load_high(int dst, int low, Operand from) {
  instruction({kPacked, k0F, 0, 0x16}, 2, dst, low, from);
}
void Assembler::interleave_low(int dst, int a, int b) {
  instruction({kPacked, k0F, 0, 0x14}, 2, dst, a, Operand::in(b));
}
void Assembler::interleave_high(int dst, int a, int b) {
  instruction({kPacked, k0F, 0, 0x15}, 2, dst, a, Operand::in(b));
}
void Assembler::insert_upper(int dst, int low, Operand upper) {
  instruction({kPacked, k0F3A, 0, 0x18}, 4, dst, low, upper);
  put({1});
}
void Assembler::extract_upper(int dst, int from) {
  instruction({kPacked, k0F3A, 0, 0x19}, 4, from, kNone, Operand::in(dst));
  put({1});
}
void Assembler::clear_upper() { put({0xc5, 0xf8, 0x77}); }

void Assembler::address_of_view(General array, std::size_t position) {
  static_assert(sizeof(View) == 16 && offsetof(View, base) == 0 && offsetof(View, offset) == 8);
  // mov rax, [array + at]; add rax, [array + at + 8]
  for (const auto& [opcode, field] : {std::array{0x8b, 0}, {0x03, 8}}) {
    if (array == General::r12) {
      put({0x49, opcode, 0x84, 0x24});
    } else {
      put({0x49, opcode, 0x85});
    }
    put_32(static_cast<std::uint32_t>(position * sizeof(View)) + static_cast<std::uint32_t>(field));
  }
}

void Assembler::enter() {
  put({0xf3, 0x0f, 0x1e, 0xfa});        // endbr64
  put({0x53, 0x41, 0x54, 0x41, 0x55});  // push rbx, r12, r13: the stack is aligned again
  put({0x48, 0x89, 0xfb});              // rbx = first argument
  put({0x49, 0x89, 0xf4});              // r12 = second
  put({0x49, 0x89, 0xd5});              // r13 = third
}
void Assembler::leave() {
  clear_upper();
  put({0x41, 0x5d, 0x41, 0x5c, 0x5b, 0xc3});
}
void Assembler::call(const void* function) {
  put({0x48, 0xb8});
  put_64(reinterpret_cast<std::uint64_t>(function));
  put({0xff, 0xd0});
}

// Arguments 0 to 4 are rdi, rsi, rdx, rcx, r8.
void Assembler::pass_address(int argument, const void* address) {
  static constexpr std::array<std::array<int, 2>, 5> kMove{
      {{0x48, 0xbf}, {0x48, 0xbe}, {0x48, 0xba}, {0x48, 0xb9}, {0x49, 0xb8}}};
  const auto& [rex, opcode] = kMove[static_cast<std::size_t>(argument)];
  put({rex, opcode});
  put_64(reinterpret_cast<std::uint64_t>(address));
}
void Assembler::pass_place(int argument, std::uint32_t place) {
  static constexpr std::array<std::array<int, 2>, 5> kLea{
      {{0x48, 0xbb}, {0x48, 0xb3}, {0x48, 0x93}, {0x48, 0x8b}, {0x4c, 0x83}}};
  const auto& [rex, modrm] = kLea[static_cast<std::size_t>(argument)];
  put({rex, 0x8d, modrm});
  put_32(place);
}
void Assembler::pass_rax(int argument) {
  static constexpr std::array<std::array<int, 2>, 5> kMove{
      {{0x48, 0xc7}, {0x48, 0xc6}, {0x48, 0xc2}, {0x48, 0xc1}, {0x49, 0xc0}}};
  const auto& [rex, modrm] = kMove[static_cast<std::size_t>(argument)];
  put({rex, 0x89, modrm});
}
void Assembler::pass_number(int argument, std::uint32_t number) {
  if (argument == 4) put({0x41});
  static constexpr std::array<int, 5> kMove{0xbf, 0xbe, 0xba, 0xb9, 0xb8};
  put({kMove[static_cast<std::size_t>(argument)]});
  put_32(number);
}

}  // namespace odeum::cpu
