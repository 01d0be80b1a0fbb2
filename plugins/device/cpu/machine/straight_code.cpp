// SPDX-License-Identifier: Apache-2.0
#include "machine/straight_code.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "machine/straight_values.hpp"
#include "odeum/device.hpp"

namespace odeum::cpu {
namespace {

using Kind = StraightInstruction::Kind;
using Code = Xbyak::Operand;
using Xbyak::Reg64;
using Xbyak::Xmm;
using Xbyak::Ymm;

// Arguments of the function beside the arena, in registers that outlive calls; an address for a
// moment.
constexpr Reg64 kInputs(Code::R12), kOutputs(Code::R13), kMoment(Code::RAX);
/// Arguments of calls.
constexpr std::array kArguments = {Reg64(Code::RDI), Reg64(Code::RSI), Reg64(Code::RDX),
                                   Reg64(Code::RCX), Reg64(Code::R8)};

/// Towards minus infinity, without the exception of inexact results.
constexpr std::uint8_t kDown = 9;

enum Comparison : std::uint8_t { kEqual = 0, kLess = 1, kUnordered = 3, kNotEqual = 4 };

class Translation {
 public:
  Translation(const StraightCode& code, const MachineContext& context, VectorCode& to)
      : code_(code), context_(context), to_(to), values_(code, context.arena, to) {}

  void write() {
    // Once with every result stored, to see which of them are read from memory; then with those.
    values_.begin_with(true);
    write_all();
    to_.restart();
    values_.begin_with(false);
    write_all();
  }

 private:
  void write_all() {
    enter();
    values_.begin(0);
    for (const auto& x : code_.inputs) take_in(x);
    for (std::size_t i = 0; i < code_.code.size(); ++i) {
      const StraightInstruction& x = code_.code[i];
      if (!is_written(x)) {
        values_.begin(i + 1);
        call(x, context_.calls[i]);
        continue;
      }
      for (std::uint32_t first = 0; first < x.count; first += kLanes) {
        values_.begin(i + 1);
        piece(x, first, static_cast<int>(std::min(kLanes, x.count - first)));
        if (x.kind == Kind::sum) break;
      }
    }
    for (const auto& x : code_.outputs) {
      values_.begin(code_.code.size() + 1);
      hand_out(x);
    }
    leave();
  }

  void enter() {
    to_.endbr64();
    // An odd number: the stack is aligned again.
    for (const Reg64& saved : {kArena, kInputs, kOutputs}) to_.push(saved);
    to_.mov(kArena, kArguments[0]);
    to_.mov(kInputs, kArguments[1]);
    to_.mov(kOutputs, kArguments[2]);
  }
  void leave() {
    to_.vzeroupper();
    for (const Reg64& saved : {kOutputs, kInputs, kArena}) to_.pop(saved);
    to_.ret();
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
    values_.store_if_read(reg, out, count);
  }

  int plain(const StraightInstruction& x, std::uint32_t first, int count) {
    const Lanes w = StraightValues::lanes(count);
    const Held result{x.out + first * kSize, count, false};
    const auto at = [&](unsigned k, std::uint32_t place) {
      return values_.operand(place, (x.variant >> k & 1U) != 0, first, count);
    };
    const auto loaded = [&](unsigned k, std::uint32_t place) {
      return values_.operand_in_register(place, (x.variant >> k & 1U) != 0, first, count);
    };
    const int a = loaded(0, x.a);
    switch (x.fn) {
      case Fn::sqrt: {
        const int to = values_.take(result);
        w.count == 1 ? to_.vsqrtsd(Xmm(to), Xmm(a), Xmm(a)) : to_.vsqrtpd(Ymm(to), Ymm(a));
        return to;
      }
      case Fn::floor: {
        const int to = values_.take(result);
        w.count == 1 ? to_.vroundsd(Xmm(to), Xmm(a), Xmm(a), kDown)
                     : to_.vroundpd(Ymm(to), Ymm(a), kDown);
        return to;
      }
      case Fn::neg:
      case Fn::abs: {
        const int to = values_.take(result);
        if (x.fn == Fn::neg) {
          to_.vxorpd(Ymm(to), Ymm(a), to_.constant(Constant::sign).memory);
        } else {
          to_.vandpd(Ymm(to), Ymm(a), to_.constant(Constant::magnitude).memory);
        }
        return to;
      }
      case Fn::max:
      case Fn::min:
        return larger_or_smaller(x.fn, a, loaded(1, x.b), w, result);
      case Fn::less:
      case Fn::equal: {
        const Source b = at(1, x.b);
        const int to = values_.take(result);
        compare(x.fn == Fn::less ? kLess : kEqual, w, to, a, b);
        to_.vandpd(Ymm(to), Ymm(to), to_.constant(Constant::one).memory);
        return to;
      }
      case Fn::select:
        return select(a, loaded(1, x.b), loaded(2, x.c), w, result);
      default: {
        const Source b = at(1, x.b);
        const int to = values_.take(result);
        to_.apply(x.fn, w, to, a, b);
        return to;
      }
    }
  }

  /// All bits of `to` where the comparison holds.
  void compare(Comparison comparison, Lanes w, int to, int a, const Source& b) {
    if (w.count > 1) {
      const Ymm target(to), first(a);
      b.reg >= 0 ? to_.vcmppd(target, first, Ymm(b.reg), comparison)
                 : to_.vcmppd(target, first, b.memory, comparison);
    } else {
      const Xmm target(to), first(a);
      b.reg >= 0 ? to_.vcmpsd(target, first, Xmm(b.reg), comparison)
                 : to_.vcmpsd(target, first, b.memory, comparison);
    }
  }
  /// to = mask ? b : a, by element.
  void blend(int to, int a, int b, int mask) { to_.vblendvpd(Ymm(to), Ymm(a), Ymm(b), Ymm(mask)); }
  void clear(int reg) { to_.vxorpd(Ymm(reg), Ymm(reg), Ymm(reg)); }

  /// b where it is the larger (smaller) or not a number, else a. The instruction gives its last
  /// source where they are equal or one is not a number.
  int larger_or_smaller(Fn fn, int a, int b, Lanes w, Held result) {
    const int not_a_number = values_.take();
    const int to = values_.take(result);
    compare(kUnordered, w, not_a_number, b, Source::in(b));
    to_.apply(fn, w, to, b, Source::in(a));
    blend(to, to, b, not_a_number);
    return to;
  }

  int select(int condition, int yes, int no, Lanes w, Held result) {
    const int is_set = values_.take();
    const int to = values_.take(result);
    clear(is_set);
    compare(kNotEqual, w, is_set, condition, Source::in(is_set));
    blend(to, no, yes, is_set);
    return to;
  }

  int fused(const StraightInstruction& x, std::uint32_t first, int count) {
    const auto at = [&](unsigned k, std::uint32_t place) {
      return values_.operand(place, (x.variant >> k & 1U) != 0, first, count);
    };
    const int a = values_.operand_in_register(x.a, (x.variant & 1U) != 0, first, count);
    const Source b = at(1, x.b);
    const Source c = at(2, x.c);
    const int to = values_.copied(c, count, {x.out + first * kSize, count, false});
    to_.add_product(x.fn, StraightValues::lanes(count), to, a, b);
    return to;
  }

  /// A weight for `count` elements.
  Source weight(std::uint32_t place, int count) {
    return count == 1 ? values_.scalar(place) : values_.splat(place);
  }

  int chain(const StraightInstruction& x, std::uint32_t first, int count) {
    const Lanes w = StraightValues::lanes(count);
    const auto term = [&](std::uint32_t t) {
      return std::pair{code_.pointers[x.a + 2 * t] + first * kSize,
                       code_.pointers[x.a + 2 * t + 1]};
    };
    std::uint32_t t = 0;
    int sum = -1;
    const Held result{x.out + first * kSize, count, false};
    if (x.starts) {
      const Source start = values_.run(x.c + first * kSize, count);
      sum = values_.copied(start, count, x.ends ? Held{} : result);
    } else {
      const auto [from, by] = term(t++);
      const int factor = values_.run_in_register(from, count);
      const Source scale = weight(by, count);
      sum = values_.take(x.ends ? Held{} : result);
      to_.apply(Fn::mul, w, sum, factor, scale);
    }
    for (; t < x.terms; ++t) {
      const auto [from, by] = term(t);
      const int factor = values_.run_in_register(from, count);
      to_.add_product(Fn::mul_add, w, sum, factor, weight(by, count));
      values_.keep_only(sum);
    }
    if (!x.ends) return sum;
    const std::uint32_t y = code_.pointers[x.b] + first * kSize;
    const Source scale = weight(code_.pointers[x.b + 1], count);
    const int to = values_.copied(values_.run(y, count), count, result);
    to_.add_product(Fn::mul_add, w, to, sum, scale);
    return to;
  }

  /// Two neighbours of a list in the two lowest lanes.
  int pair(const std::uint32_t* list, int count) {
    const Source low = values_.scalar(list[0]);
    if (count == 1) return values_.in_register(low, 1, {list[0], 1, false});
    const int first = values_.in_register(low, 1, {list[0], 1, false});
    const Source high = values_.scalar(list[1]);
    const int to = values_.take();
    if (high.reg >= 0) {
      to_.vunpcklpd(Xmm(to), Xmm(first), Xmm(high.reg));
    } else {
      to_.vmovhpd(Xmm(to), Xmm(first), high.memory);
    }
    return to;
  }

  int gather(const StraightInstruction& x, std::uint32_t first, int count) {
    const std::uint32_t* list = code_.pointers.data() + x.a + first;
    const Held result{x.out + first * kSize, count, false};
    if (count == 1) return values_.copied(values_.scalar(list[0]), 1, result);
    const int low = pair(list, 2);
    if (count == 2) return values_.copied(Source::in(low), 2, result);
    const int high = pair(list + 2, count - 2);
    const int to = values_.take(result);
    to_.vinsertf128(Ymm(to), Ymm(low), Xmm(high), 1);
    return to;
  }

  /// 0 + x + x + ..., one by one: also what `add_rows` does with few neighbours.
  int sum(const StraightInstruction& x) {
    const int to = values_.take({x.out, 1, false});
    clear(to);
    for (std::uint32_t i = 0; i < x.count; ++i) {
      const std::uint32_t place = x.lists ? code_.pointers[x.a + i] : x.a + i * kSize;
      to_.apply(Fn::add, StraightValues::lanes(1), to, to, values_.scalar(place));
      values_.keep_only(to);
    }
    return to;
  }

  // --- Calls and the caller's memory --------------------------------------------------------

  void call(const StraightInstruction& x, const StraightCall& target) {
    each_read(x, code_, [&](std::uint32_t place) { values_.read(place); });
    to_.mov(kArguments[0], reinterpret_cast<std::size_t>(&target));
    call(reinterpret_cast<const void*>(target.kernel));
  }
  /// With the arguments in place.
  void call(const void* function) {
    to_.vzeroupper();
    to_.mov(kMoment, reinterpret_cast<std::size_t>(function));
    to_.call(kMoment);
    values_.forget_all();
  }
  void pass(const Reg64& argument, std::uint32_t place) {
    to_.lea(argument, values_.in_arena(place).memory);
  }

  /// The address that the view at `position` of an array holds, for a moment.
  void find_view(const Reg64& array, std::size_t position) {
    static_assert(sizeof(View) == 16 && offsetof(View, base) == 0 && offsetof(View, offset) == 8);
    const auto at = static_cast<int>(position * sizeof(View));
    to_.mov(kMoment, to_.ptr[array + at]);
    to_.add(kMoment, to_.ptr[array + at + 8]);
  }
  /// Of elements from the i-th on.
  Xbyak::Address in_view(std::uint32_t i) const {
    return to_.ptr[kMoment + static_cast<int>(i * kSize)];
  }

  void take_in(const StraightCode::Transfer& x) {
    const bool output = x.position >= context_.inputs;
    find_view(output ? kOutputs : kInputs, output ? x.position - context_.inputs : x.position);
    if (!is_written(x)) {
      const auto type = static_cast<std::size_t>(x.type);
      const bool one = x.elements == 1;
      const ElementKernel kernel = one ? context_.kernels.element[index(Fn::copy)][type][1]
                                       : context_.kernels.straight.read[type];
      pass(kArguments[0], x.at);
      for (const std::size_t operand : {1, 2, 3}) to_.mov(kArguments[operand], kMoment);
      to_.mov(kArguments[4], one ? kPadding / size_of(x.type) : x.elements);
      call(reinterpret_cast<const void*>(kernel));
      return;
    }
    for (std::uint32_t first = 0; first < x.elements; first += kLanes) {
      values_.begin(0);
      const int count = static_cast<int>(std::min(kLanes, x.elements - first));
      const std::uint32_t place = x.at + first * kSize;
      const int reg = values_.take({place, count, false});
      if (count == 3) {
        const int third = values_.take();
        to_.load({DType::f64, 2}, reg, in_view(first));
        to_.load({DType::f64, 1}, third, in_view(first + 2));
        to_.vinsertf128(Ymm(reg), Ymm(reg), Xmm(third), 1);
      } else {
        to_.load({DType::f64, count}, reg, in_view(first));
      }
      values_.store_if_read(reg, place, count);
    }
  }

  void hand_out(const StraightCode::Transfer& x) {
    find_view(kOutputs, x.position);
    if (!is_written(x)) {
      const auto bytes = static_cast<std::uint32_t>(x.elements * size_of(x.type));
      for (std::uint32_t at = 0; at < bytes; at += kSize) values_.read(x.at + at);
      to_.mov(kArguments[0], kMoment);
      pass(kArguments[1], x.at);
      to_.mov(kArguments[2], bytes);
      call(reinterpret_cast<const void*>(
          static_cast<void* (*)(void*, const void*, std::size_t)>(&std::memcpy)));
      return;
    }
    for (std::uint32_t first = 0; first < x.elements; first += kLanes) {
      values_.begin(code_.code.size() + 1);
      const int count = static_cast<int>(std::min(kLanes, x.elements - first));
      const int reg = values_.run_in_register(x.at + first * kSize, count);
      if (count == 3) {
        const int third = values_.take();
        to_.store({DType::f64, 2}, in_view(first), reg);
        to_.vextractf128(Xmm(third), Ymm(reg), 1);
        to_.store({DType::f64, 1}, in_view(first + 2), third);
      } else {
        to_.store({DType::f64, count}, in_view(first), reg);
      }
    }
  }

  const StraightCode& code_;
  const MachineContext& context_;
  VectorCode& to_;
  StraightValues values_;
};

}  // namespace

StraightFunction straight_function(const StraightCode& code, const MachineContext& context,
                                   MachineCode& memory) {
  const auto written = std::count_if(code.code.begin(), code.code.end(),
                                     [](const StraightInstruction& x) { return is_written(x); });
  if (2 * static_cast<std::size_t>(written) < code.code.size()) return nullptr;
  return memory.add<StraightFunction>(
      [&](VectorCode& to) { Translation(code, context, to).write(); });
}

}  // namespace odeum::cpu
