// SPDX-License-Identifier: Apache-2.0
#include "machine/loop_assembler.hpp"

namespace odeum::cpu {
namespace {

unsigned number(Gpr r) { return static_cast<unsigned>(r); }
unsigned low(unsigned r) { return r & 7U; }
unsigned high(unsigned r) { return r >> 3U; }
/// Register bits of VEX and EVEX prefixes are stored inverted.
unsigned inverted(unsigned bit) { return (bit & 1U) ^ 1U; }

constexpr unsigned kRexW = 0x48;

}  // namespace

void LoopAssembler::word(std::uint32_t x) {
  for (unsigned i = 0; i < 4; ++i) byte(x >> (8 * i) & 0xffU);
}

void LoopAssembler::push(Gpr r) {
  if (high(number(r)) != 0) byte(0x41);
  byte(0x50 + low(number(r)));
}
void LoopAssembler::pop(Gpr r) {
  if (high(number(r)) != 0) byte(0x41);
  byte(0x58 + low(number(r)));
}

void LoopAssembler::load_pointer(Gpr to, Gpr base, std::size_t index) {
  byte(kRexW | high(number(to)) << 2U | high(number(base)));
  byte(0x8b);
  byte(0x80 | low(number(to)) << 3U | low(number(base)));
  word(static_cast<std::uint32_t>(8 * index));
}

void LoopAssembler::zero_rcx() {
  byte(0x31);
  byte(0xc9);
}
void LoopAssembler::shift_left_rsi(int bits) {
  byte(kRexW);
  byte(0xc1);
  byte(0xe6);
  byte(static_cast<unsigned>(bits));
}
void LoopAssembler::loop_to(std::size_t to) {
  byte(kRexW);  // add rcx, imm32
  byte(0x81);
  byte(0xc1);
  word(static_cast<std::uint32_t>(vector_bytes_));
  byte(kRexW);  // cmp rcx, rsi
  byte(0x39);
  byte(0xf1);
  byte(0x0f);  // jb, from the end of the instruction
  byte(0x82);
  word(static_cast<std::uint32_t>(to - (bytes_.size() + 4)));
}
void LoopAssembler::end_vectors() {
  byte(0xc5);
  byte(0xf8);
  byte(0x77);
}
void LoopAssembler::ret() { byte(0xc3); }

void LoopAssembler::address(int reg, VectorOperand memory) {
  const unsigned base = low(number(memory.base));
  const bool displaced = base == 5;  // without a displacement that stands for another form
  byte((displaced ? 0x40U : 0U) | low(static_cast<unsigned>(reg)) << 3U | 4U);
  byte((memory.indexed ? 1U : 4U) << 3U | base);  // index rcx or none, scale 1
  if (displaced) byte(0);
}

void LoopAssembler::vector(Map map, unsigned prefix, bool w, unsigned opcode, int reg, int second,
                           VectorOperand last) {
  const auto r = static_cast<unsigned>(reg), v = static_cast<unsigned>(second);
  const bool memory = last.reg < 0;
  const unsigned rm = memory ? number(last.base) : static_cast<unsigned>(last.reg);
  const unsigned x = memory ? 0 : rm >> 4U;
  const unsigned registers = inverted(high(r)) << 7U | inverted(x) << 6U | inverted(high(rm)) << 5U;
  const unsigned wv = (w ? 0x80U : 0U) | (~v & 15U) << 3U;
  if (wide_) {
    byte(0x62);
    byte(registers | inverted(r >> 4U) << 4U | static_cast<unsigned>(map));
    byte(wv | 4U | prefix);
    byte(2U << 5U | inverted(v >> 4U) << 3U);
  } else {
    byte(0xc4);
    byte(registers | static_cast<unsigned>(map));
    byte(wv | 4U | prefix);
  }
  byte(opcode);
  if (memory) {
    address(reg, last);
  } else {
    byte(0xc0 | low(r) << 3U | low(rm));
  }
}

void LoopAssembler::load(int to, Gpr base) {
  vector(Map::m0f, f64_ ? 1 : 0, wide_ && f64_, 0x10, to, 0, {-1, base});
}
void LoopAssembler::store(Gpr base, int from) {
  vector(Map::m0f, f64_ ? 1 : 0, wide_ && f64_, 0x11, from, 0, {-1, base});
}
void LoopAssembler::broadcast(int to, Gpr base) {
  vector(Map::m0f38, 1, wide_ && f64_, f64_ ? 0x19 : 0x18, to, 0, {-1, base, false});
}
void LoopAssembler::copy(int to, int from) {
  vector(Map::m0f, f64_ ? 1 : 0, wide_ && f64_, 0x10, to, 0, {from, Gpr::rax});
}
void LoopAssembler::apply(LoopArithmetic fn, int to, int a, VectorOperand b) {
  vector(Map::m0f, f64_ ? 1 : 0, wide_ && f64_, static_cast<unsigned>(fn), to, a, b);
}
void LoopAssembler::apply(MultiplyAdd fn, int to, int second, VectorOperand m) {
  vector(Map::m0f38, 1, f64_, static_cast<unsigned>(fn), to, second, m);
}

}  // namespace odeum::cpu
