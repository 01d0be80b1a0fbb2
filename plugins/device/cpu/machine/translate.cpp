// SPDX-License-Identifier: Apache-2.0
#include "machine/translate.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>

#include "machine/assembler.hpp"
#include "machine/lifetimes.hpp"
#include "machine/register_file.hpp"
#include "odeum/device.hpp"

namespace odeum::cpu {
namespace {

using Kind = StraightInstruction::Kind;

constexpr std::uint32_t kLanesWritten = 4;
constexpr std::uint32_t kSize = sizeof(double);

// Cells behind the arena.
constexpr std::size_t kMagnitude = 0, kSign = kPadding, kOne = 2 * kPadding;

class Translation {
 public:
  Translation(const StraightCode& code, const MachineContext& context)
      : code_(code),
        context_(context),
        lifetimes_(lifetimes(code)),
        in_memory_(lifetimes_.last_use.size(), true),
        masks_(static_cast<std::uint32_t>(padded_size(code.arena.size()))) {}

  std::vector<std::uint8_t> bytes() {
    // Once with every result stored, to see which of them are read from memory; then with those.
    write();
    in_memory_ = read_;
    write();
    return assembler_.bytes();
  }

 private:
  static std::size_t padded_size(std::size_t bytes) {
    return (bytes + kPadding - 1) / kPadding * kPadding;
  }
  void write() {
    assembler_ = {};
    registers_.forget_all();
    read_.assign(lifetimes_.last_use.size(), false);
    assembler_.enter();
    registers_.begin(0);
    for (const auto& x : code_.inputs) take_in(x);
    for (std::size_t i = 0; i < code_.code.size(); ++i) {
      const StraightInstruction& x = code_.code[i];
      if (!is_written(x)) {
        registers_.begin(i + 1);
        call(x, context_.calls[i]);
        continue;
      }
      for (std::uint32_t first = 0; first < x.count; first += kLanesWritten) {
        registers_.begin(i + 1);
        piece(x, first, static_cast<int>(std::min(kLanesWritten, x.count - first)));
        if (x.kind == Kind::sum) break;
      }
    }
    for (const auto& x : code_.outputs) {
      registers_.begin(code_.code.size() + 1);
      hand_out(x);
    }
    assembler_.leave();
  }

  // --- Operands -----------------------------------------------------------------------------

  static int width(int count) { return count == 1 ? 1 : 4; }

  void read_from_memory(std::uint32_t place, int count) {
    for (int k = 0; k < count; ++k)
      read_[lifetimes_.element(place + static_cast<std::uint32_t>(k) * kSize)] = true;
  }

  /// A number that nothing writes and that fills a vector.
  bool is_filled(std::uint32_t place) const {
    if (place % kPadding + kLanesWritten * kSize > kPadding || lifetimes_.written[place / kPadding])
      return false;
    const std::byte* at = context_.arena + place;
    return std::memcmp(at, at + kSize, (kLanesWritten - 1) * kSize) == 0;
  }

  /// The element in the lowest lane of a register, or in memory.
  Operand scalar(std::uint32_t place) {
    if (const int reg = registers_.find(place, 1); reg >= 0) return Operand::in(reg);
    int lane = 0;
    const int from = registers_.find_lane(place, &lane);
    if (from < 0) {
      read_from_memory(place, 1);
      return Operand::at_place(place);
    }
    const int reg = registers_.take({place, 1, false});
    if (lane == 1) {
      assembler_.interleave_high(reg, from, from);
    } else {
      assembler_.extract_upper(reg, from);
      if (lane == 3) assembler_.interleave_high(reg, reg, reg);
    }
    return Operand::in(reg);
  }

  /// The element in every lane.
  Operand splat(std::uint32_t place) {
    if (const int reg = registers_.find_splat(place); reg >= 0) return Operand::in(reg);
    if (is_filled(place)) return Operand::at_place(place);
    const Operand one = scalar(place);
    const int reg = registers_.take({place, 1, true});
    assembler_.broadcast(reg, one);
    return Operand::in(reg);
  }

  Operand run(std::uint32_t place, int count) {
    if (count == 1) return scalar(place);
    if (const int reg = registers_.find(place, count); reg >= 0) return Operand::in(reg);
    read_from_memory(place, count);
    return Operand::at_place(place);
  }

  Operand operand(std::uint32_t place, bool is_splat, std::uint32_t first, int count) {
    if (is_splat) return count == 1 ? scalar(place) : splat(place);
    return run(place + first * kSize, count);
  }

  /// In a register; `what` it then holds, if anything that may be asked for again.
  int in_register(Operand x, int count, Held what = {}) {
    if (x.reg >= 0) return x.reg;
    const int reg = registers_.take(what);
    assembler_.load(width(count), reg, x);
    return reg;
  }
  int operand_in_register(std::uint32_t place, bool is_splat, std::uint32_t first, int count) {
    if (is_splat && count > 1) return in_register(splat(place), count);
    return run_in_register(is_splat ? place : place + first * kSize, count);
  }
  int run_in_register(std::uint32_t place, int count) {
    return in_register(run(place, count), count, {place, count, false});
  }
  /// A register for a result that starts as a copy of an operand.
  int copied(Operand x, int count, Held what) {
    const int reg = registers_.take(what);
    if (x.reg >= 0) {
      assembler_.move(reg, x.reg);
    } else {
      assembler_.load(width(count), reg, x);
    }
    return reg;
  }

  void store_if_read(int reg, std::uint32_t place, int count) {
    for (int k = 0; k < count; ++k) {
      if (!in_memory_[lifetimes_.element(place + static_cast<std::uint32_t>(k) * kSize)]) continue;
      assembler_.store(width(count), reg, Operand::at_place(place));
      return;
    }
  }

  Operand mask(std::size_t cell) const {
    return Operand::at_place(masks_ + static_cast<std::uint32_t>(cell));
  }

  // --- Instructions -------------------------------------------------------------------------

  void piece(const StraightInstruction& x, std::uint32_t first, int count) {
    const std::uint32_t out = x.out + first * kSize;
    int reg = -1;
    if (x.kind == Kind::element) {
      reg = x.fn >= Fn::mul_add && x.fn != Fn::select ? fused(x, first, count)
                                                      : plain(x, first, count);
    } else if (x.kind == Kind::chain) {
      reg = chain(x, first, count);
    } else if (x.kind == Kind::gather) {
      reg = gather(x, first, count);
    } else {
      reg = sum(x);
      count = 1;
    }
    store_if_read(reg, out, count);
  }

  int plain(const StraightInstruction& x, std::uint32_t first, int count) {
    const int w = width(count);
    const Held result{x.out + first * kSize, count, false};
    const auto at = [&](unsigned k, std::uint32_t place) {
      return operand(place, (x.variant >> k & 1U) != 0, first, count);
    };
    const auto loaded = [&](unsigned k, std::uint32_t place) {
      return operand_in_register(place, (x.variant >> k & 1U) != 0, first, count);
    };
    const int a = loaded(0, x.a);
    switch (x.fn) {
      case Fn::sqrt: {
        const int to = registers_.take(result);
        assembler_.arithmetic(Arithmetic::sqrt, w, to, a, Operand::in(a));
        return to;
      }
      case Fn::floor: {
        const int to = registers_.take(result);
        assembler_.round_down(w, to, Operand::in(a));
        return to;
      }
      case Fn::neg:
      case Fn::abs: {
        const int to = registers_.take(result);
        assembler_.logic(x.fn == Fn::neg ? Logic::lxor : Logic::land, to, a,
                         mask(x.fn == Fn::neg ? kSign : kMagnitude));
        return to;
      }
      case Fn::max:
      case Fn::min:
        return larger_or_smaller(x.fn, a, loaded(1, x.b), w, result);
      case Fn::less:
      case Fn::equal: {
        const Operand b = at(1, x.b);
        const int to = registers_.take(result);
        assembler_.compare(x.fn == Fn::less ? Comparison::less : Comparison::equal, w, to, a, b);
        assembler_.logic(Logic::land, to, to, mask(kOne));
        return to;
      }
      case Fn::select:
        return select(a, loaded(1, x.b), loaded(2, x.c), w, result);
      default: {
        const Operand b = at(1, x.b);
        const int to = registers_.take(result);
        assembler_.arithmetic(opcode(x.fn), w, to, a, b);
        return to;
      }
    }
  }

  static Arithmetic opcode(Fn fn) {
    if (fn == Fn::add) return Arithmetic::add;
    if (fn == Fn::sub) return Arithmetic::sub;
    return fn == Fn::mul ? Arithmetic::mul : Arithmetic::div;
  }

  /// b where it is the larger (smaller) or not a number, else a. The instruction gives its last
  /// source where they are equal or one is not a number.
  int larger_or_smaller(Fn fn, int a, int b, int w, Held result) {
    const int not_a_number = registers_.take();
    const int to = registers_.take(result);
    assembler_.compare(Comparison::unordered, w, not_a_number, b, Operand::in(b));
    assembler_.arithmetic(fn == Fn::max ? Arithmetic::max : Arithmetic::min, w, to, b,
                          Operand::in(a));
    assembler_.blend(to, to, b, not_a_number);
    return to;
  }

  int select(int condition, int yes, int no, int w, Held result) {
    const int is_set = registers_.take();
    const int to = registers_.take(result);
    assembler_.logic(Logic::lxor, is_set, is_set, Operand::in(is_set));
    assembler_.compare(Comparison::not_equal, w, is_set, condition, Operand::in(is_set));
    assembler_.blend(to, no, yes, is_set);
    return to;
  }

  int fused(const StraightInstruction& x, std::uint32_t first, int count) {
    const auto at = [&](unsigned k, std::uint32_t place) {
      return operand(place, (x.variant >> k & 1U) != 0, first, count);
    };
    const int a = operand_in_register(x.a, (x.variant & 1U) != 0, first, count);
    const Operand b = at(1, x.b);
    const Operand c = at(2, x.c);
    const int to = copied(c, count, {x.out + first * kSize, count, false});
    const Fused op = x.fn == Fn::mul_add   ? Fused::add
                     : x.fn == Fn::mul_sub ? Fused::sub
                                           : Fused::negated;
    assembler_.fused(op, width(count), to, a, b);
    return to;
  }

  /// A weight for `count` elements.
  Operand weight(std::uint32_t place, int count) {
    return count == 1 ? scalar(place) : splat(place);
  }

  int chain(const StraightInstruction& x, std::uint32_t first, int count) {
    const int w = width(count);
    const auto term = [&](std::uint32_t t) {
      return std::pair{code_.pointers[x.a + 2 * t] + first * kSize,
                       code_.pointers[x.a + 2 * t + 1]};
    };
    std::uint32_t t = 0;
    int sum = -1;
    const Held result{x.out + first * kSize, count, false};
    if (x.starts) {
      sum = copied(run(x.c + first * kSize, count), count, x.ends ? Held{} : result);
    } else {
      const auto [from, by] = term(t++);
      const int factor = run_in_register(from, count);
      const Operand scale = weight(by, count);
      sum = registers_.take(x.ends ? Held{} : result);
      assembler_.arithmetic(Arithmetic::mul, w, sum, factor, scale);
    }
    for (; t < x.terms; ++t) {
      const auto [from, by] = term(t);
      const int factor = run_in_register(from, count);
      assembler_.fused(Fused::add, w, sum, factor, weight(by, count));
      registers_.keep_only(sum);
    }
    if (!x.ends) return sum;
    const std::uint32_t y = code_.pointers[x.b] + first * kSize;
    const Operand scale = weight(code_.pointers[x.b + 1], count);
    const int to = copied(run(y, count), count, result);
    assembler_.fused(Fused::add, w, to, sum, scale);
    return to;
  }

  /// Two neighbours of a list in the two lowest lanes.
  int pair(const std::uint32_t* list, int count) {
    const Operand low = scalar(list[0]);
    if (count == 1) return in_register(low, 1, {list[0], 1, false});
    const int first = in_register(low, 1, {list[0], 1, false});
    const Operand high = scalar(list[1]);
    const int to = registers_.take();
    if (high.reg >= 0) {
      assembler_.interleave_low(to, first, high.reg);
    } else {
      assembler_.load_high(to, first, high);
    }
    return to;
  }

  int gather(const StraightInstruction& x, std::uint32_t first, int count) {
    const std::uint32_t* list = code_.pointers.data() + x.a + first;
    const Held result{x.out + first * kSize, count, false};
    if (count == 1) return copied(scalar(list[0]), 1, result);
    const int low = pair(list, 2);
    if (count == 2) return copied(Operand::in(low), 2, result);
    const int high = pair(list + 2, count - 2);
    const int to = registers_.take(result);
    assembler_.insert_upper(to, low, Operand::in(high));
    return to;
  }

  /// 0 + x + x + ..., one by one: also what `add_rows` does with fewer than 16 neighbours.
  int sum(const StraightInstruction& x) {
    const int to = registers_.take({x.out, 1, false});
    assembler_.logic(Logic::lxor, to, to, Operand::in(to));
    for (std::uint32_t i = 0; i < x.count; ++i) {
      const std::uint32_t place = x.lists ? code_.pointers[x.a + i] : x.a + i * kSize;
      assembler_.arithmetic(Arithmetic::add, 1, to, to, scalar(place));
      registers_.keep_only(to);
    }
    return to;
  }

  // --- Calls and the caller's memory --------------------------------------------------------

  void call(const StraightInstruction& x, const StraightCall& target) {
    each_read(x, code_, [&](std::uint32_t place) { read_[lifetimes_.element(place)] = true; });
    assembler_.clear_upper();
    assembler_.pass_address(0, &target);
    assembler_.call(reinterpret_cast<const void*>(target.kernel));
    registers_.forget_all();
  }

  void take_in(const StraightCode::Transfer& x) {
    const bool output = x.position >= context_.inputs;
    assembler_.address_of_view(output ? General::r13 : General::r12,
                               output ? x.position - context_.inputs : x.position);
    if (!is_written(x)) {
      assembler_.clear_upper();
      const auto type = static_cast<std::size_t>(x.type);
      const bool one = x.elements == 1;
      const ElementKernel kernel = one ? context_.kernels.element[index(Fn::copy)][type][1]
                                       : context_.kernels.straight.read[type];
      assembler_.pass_place(0, x.at);
      for (const int argument : {1, 2, 3}) assembler_.pass_rax(argument);
      const auto n = static_cast<std::uint32_t>(one ? kPadding / size_of(x.type) : x.elements);
      assembler_.pass_number(4, n);
      assembler_.call(reinterpret_cast<const void*>(kernel));
      registers_.forget_all();
      return;
    }
    for (std::uint32_t first = 0; first < x.elements; first += kLanesWritten) {
      registers_.begin(0);
      const int count = static_cast<int>(std::min(kLanesWritten, x.elements - first));
      const std::uint32_t place = x.at + first * kSize;
      const int reg = registers_.take({place, count, false});
      const auto from = [&](std::uint32_t i) { return Operand::at_address((first + i) * kSize); };
      if (count == 3) {
        const int third = registers_.take();
        assembler_.load(2, reg, from(0));
        assembler_.load(1, third, from(2));
        assembler_.insert_upper(reg, reg, Operand::in(third));
      } else {
        assembler_.load(count, reg, from(0));
      }
      store_if_read(reg, place, count);
    }
  }

  void hand_out(const StraightCode::Transfer& x) {
    assembler_.address_of_view(General::r13, x.position);
    if (!is_written(x)) {
      const auto bytes = static_cast<std::uint32_t>(x.elements * size_of(x.type));
      for (std::uint32_t at = 0; at < bytes; at += kSize)
        read_[lifetimes_.element(x.at + at)] = true;
      assembler_.clear_upper();
      assembler_.pass_rax(0);
      assembler_.pass_place(1, x.at);
      assembler_.pass_number(2, bytes);
      assembler_.call(reinterpret_cast<const void*>(
          static_cast<void* (*)(void*, const void*, std::size_t)>(&std::memcpy)));
      registers_.forget_all();
      return;
    }
    for (std::uint32_t first = 0; first < x.elements; first += kLanesWritten) {
      registers_.begin(code_.code.size() + 1);
      const int count = static_cast<int>(std::min(kLanesWritten, x.elements - first));
      const int reg = run_in_register(x.at + first * kSize, count);
      const auto to = [&](std::uint32_t i) { return Operand::at_address((first + i) * kSize); };
      if (count == 3) {
        const int third = registers_.take();
        assembler_.store(2, reg, to(0));
        assembler_.extract_upper(third, reg);
        assembler_.store(1, third, to(2));
      } else {
        assembler_.store(count, reg, to(0));
      }
    }
  }

  const StraightCode& code_;
  const MachineContext& context_;
  Lifetimes lifetimes_;
  std::vector<bool> in_memory_;  ///< by element: results that must be stored
  std::vector<bool> read_;       ///< by element: those read from memory
  std::uint32_t masks_;
  Assembler assembler_;
  RegisterFile registers_{lifetimes_.last_use};
};

}  // namespace

void write_masks(std::byte* to) {
  constexpr std::uint64_t kSignBit = std::uint64_t{1} << 63U;
  for (std::size_t at = 0; at < kPadding; at += kSize) {
    const std::uint64_t magnitude = ~kSignBit;
    const double one = 1.0;
    std::memcpy(to + kMagnitude + at, &magnitude, kSize);
    std::memcpy(to + kSign + at, &kSignBit, kSize);
    std::memcpy(to + kOne + at, &one, kSize);
  }
}

std::vector<std::uint8_t> translated(const StraightCode& code, const MachineContext& context) {
  const auto written = std::count_if(code.code.begin(), code.code.end(),
                                     [](const StraightInstruction& x) { return is_written(x); });
  if (2 * static_cast<std::size_t>(written) < code.code.size()) return {};
  return Translation(code, context).bytes();
}

bool has_machine_code(const Kernels& kernels) {
#if defined(__x86_64__)
  return std::string_view(kernels.instruction_set) != "generic";
#else
  (void)kernels;
  return false;
#endif
}

}  // namespace odeum::cpu
