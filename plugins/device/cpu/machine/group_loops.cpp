// SPDX-License-Identifier: Apache-2.0
#include "machine/group_loops.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <utility>

#include "machine/loop_assembler.hpp"

namespace odeum::cpu {
namespace {

using Kind = GroupInstruction::Kind;

constexpr std::size_t kNever = std::numeric_limits<std::size_t>::max();
/// A single operation is as fast as its kernel.
constexpr std::size_t kShortest = 2;

/// Pointers to operands stay in these; the first ones belong to the callee anyway.
constexpr std::array<Gpr, 11> kPointers = {Gpr::rdx, Gpr::r8,  Gpr::r9,  Gpr::r10,
                                           Gpr::r11, Gpr::rbx, Gpr::rbp, Gpr::r12,
                                           Gpr::r13, Gpr::r14, Gpr::r15};
constexpr std::size_t kFirstSaved = 5;

bool is_arithmetic(const GroupInstruction& x) {
  if (x.kind != Kind::kernel || x.type == DType::i64) return false;
  switch (x.fn) {
    case Fn::copy:
    case Fn::add:
    case Fn::sub:
    case Fn::mul:
    case Fn::div:
    case Fn::mul_add:
    case Fn::mul_sub:
    case Fn::sub_mul:
      return true;
    default:
      return false;
  }
}

bool reads(const GroupInstruction& x, int operand) {
  if (x.kind == Kind::load) return false;
  if (x.a == operand) return true;
  return x.kind == Kind::kernel && (x.b == operand || x.c == operand);
}
bool writes(const GroupInstruction& x, int operand) {
  const bool pair = x.kind == Kind::softplus_sigmoid;
  if (pair && x.b == operand) return true;
  return (pair || x.kind == Kind::kernel || x.kind == Kind::load) && x.out == operand;
}

/// The loop of instructions [first, last).
class Stretch {
 public:
  Stretch(const GroupProgram& program, std::size_t first, std::size_t last, int vector_bytes)
      : program_(program),
        first_(first),
        last_(last),
        type_(program.instructions[first].type),
        vector_bytes_(vector_bytes),
        body_(vector_bytes, type_),
        held_in_(program.operands.size(), -1),
        saved_(program.operands.size(), true) {
    held_.fill(-1);
    keep_scalars();
  }

  std::vector<std::uint8_t> compile() {
    for (std::size_t i = first_; i < last_; ++i) instruction(i);
    body_.loop_to(0);
    return whole();
  }

 private:
  struct Pointer {
    int operand;
    Gpr reg;
  };

  int registers() const { return vector_bytes_ == 64 ? 32 : 16; }
  bool is_scalar(int operand) const {
    return program_.operands[static_cast<std::size_t>(operand)].kind == GroupOperand::Kind::scalar;
  }
  bool is_kept(int operand) const {
    return std::find(kept_.begin(), kept_.end(), operand) != kept_.end();
  }
  int& held_in(int operand) { return held_in_[static_cast<std::size_t>(operand)]; }
  int& held(int reg) { return held_[static_cast<std::size_t>(reg)]; }

  /// Scalars stand in the last registers throughout, as many as leave room for the rest.
  void keep_scalars() {
    const std::size_t most = vector_bytes_ == 64 ? 12 : 5;
    free_ = registers();
    for (std::size_t i = first_; i < last_; ++i) {
      const GroupInstruction& x = program_.instructions[i];
      for (const int operand : {x.a, x.b, x.c}) {
        if (!is_scalar(operand) || is_kept(operand) || kept_.size() == most) continue;
        kept_.push_back(operand);
        held_in(operand) = --free_;
      }
    }
  }

  /// The next instruction of the stretch that reads what the operand holds after instruction i.
  std::size_t next_read(int operand, std::size_t i) const {
    for (++i; i < last_; ++i) {
      if (reads(program_.instructions[i], operand)) return i;
      if (writes(program_.instructions[i], operand)) return kNever;
    }
    return kNever;
  }
  bool is_last_read(int operand, std::size_t i) const { return next_read(operand, i) == kNever; }
  /// In a register that instruction i is the last to need.
  bool ends(int operand, std::size_t i) {
    return held_in(operand) >= 0 && !is_kept(operand) && is_last_read(operand, i);
  }

  /// Is what instruction i computes needed outside of the stretch?
  bool leaves(std::size_t i) const {
    const int out = program_.instructions[i].out;
    if (program_.operands[static_cast<std::size_t>(out)].kind != GroupOperand::Kind::reg)
      return true;
    for (std::size_t k = i + 1; k < program_.instructions.size(); ++k) {
      if (k >= last_ && reads(program_.instructions[k], out)) return true;
      if (writes(program_.instructions[k], out)) return false;
    }
    return false;
  }

  Gpr pointer(int operand) {
    for (const Pointer& p : pointers_) {
      if (p.operand == operand) return p.reg;
    }
    if (pointers_.size() < kPointers.size()) {
      pointers_.push_back({operand, kPointers[pointers_.size()]});
      return pointers_.back().reg;
    }
    body_.load_pointer(Gpr::rax, Gpr::rdi, static_cast<std::size_t>(operand));
    return Gpr::rax;
  }

  void forget(int operand) {
    if (held_in(operand) < 0 || is_kept(operand)) return;
    held(held_in(operand)) = -1;
    held_in(operand) = -1;
  }

  /// A register for instruction i: a free one, or that of the value which is needed last.
  int allocate(std::size_t i) {
    for (int r = 0; r < free_; ++r) {
      if (held(r) < 0) return r;
    }
    const GroupInstruction& x = program_.instructions[i];
    int chosen = -1;
    std::size_t latest = 0;
    for (int r = 0; r < free_; ++r) {
      const int operand = held(r);
      if (operand == x.a || operand == x.b || operand == x.c) continue;
      const std::size_t next = next_read(operand, i);
      if (chosen >= 0 && next <= latest) continue;
      chosen = r;
      latest = next;
    }
    const int operand = held(chosen);
    if (!saved_[static_cast<std::size_t>(operand)] && latest != kNever) {
      body_.store(pointer(operand), chosen);
      saved_[static_cast<std::size_t>(operand)] = true;
    }
    forget(operand);
    return chosen;
  }

  int in_register(int operand, std::size_t i) {
    if (held_in(operand) >= 0) return held_in(operand);
    const int r = allocate(i);
    if (is_scalar(operand)) {
      body_.broadcast(r, pointer(operand));
    } else {
      body_.load(r, pointer(operand));
    }
    held(r) = operand;
    return held_in(operand) = r;
  }

  /// Where instruction i reads an operand as its last one: memory, if it is the only reader.
  VectorOperand last_operand(int operand, std::size_t i) {
    const bool once = held_in(operand) < 0 && !is_scalar(operand) && is_last_read(operand, i);
    if (once) return {-1, pointer(operand)};
    return {in_register(operand, i)};
  }
  bool is_in_memory(int operand, std::size_t i) {
    return held_in(operand) < 0 && !is_scalar(operand) && is_last_read(operand, i);
  }

  /// The register of an operand that ends here, or another one.
  int result_register(std::initializer_list<int> operands, std::size_t i) {
    for (const int operand : operands) {
      if (ends(operand, i)) return held_in(operand);
    }
    return allocate(i);
  }

  void instruction(std::size_t i) {
    const GroupInstruction& x = program_.instructions[i];
    int to = -1;
    if (x.fn == Fn::copy) {
      const int from = in_register(x.a, i);
      to = result_register({x.a}, i);
      if (to != from) body_.copy(to, from);
    } else if (x.fn >= Fn::mul_add) {
      to = multiply_add(x, i);
    } else {
      to = arithmetic(x, i);
    }
    for (const int operand : {x.a, x.b, x.c}) {
      if (ends(operand, i)) forget(operand);
    }
    forget(x.out);
    held(to) = x.out;
    held_in(x.out) = to;
    const bool stored = leaves(i);
    saved_[static_cast<std::size_t>(x.out)] = stored;
    if (stored) body_.store(pointer(x.out), to);
    if (is_last_read(x.out, i)) forget(x.out);
  }

  int arithmetic(const GroupInstruction& x, std::size_t i) {
    int a = x.a, b = x.b;
    const bool turns = x.fn == Fn::add || x.fn == Fn::mul;
    if (turns && a != b && is_in_memory(a, i) && !is_in_memory(b, i)) std::swap(a, b);
    const int first = in_register(a, i);
    if (!is_in_memory(b, i)) in_register(b, i);
    const int to = result_register({a, b}, i);
    const LoopArithmetic fn = x.fn == Fn::add   ? LoopArithmetic::add
                              : x.fn == Fn::sub ? LoopArithmetic::sub
                              : x.fn == Fn::mul ? LoopArithmetic::mul
                                                : LoopArithmetic::div;
    body_.apply(fn, to, first, last_operand(b, i));
    return to;
  }

  /// +-a b +- c; the result takes the place of one of the three.
  int multiply_add(const GroupInstruction& x, std::size_t i) {
    const auto form = [&x](MultiplyAdd add, MultiplyAdd sub, MultiplyAdd negative) {
      return x.fn == Fn::mul_add ? add : (x.fn == Fn::mul_sub ? sub : negative);
    };
    const MultiplyAdd of_factor =
        form(MultiplyAdd::add213, MultiplyAdd::sub213, MultiplyAdd::negative213);
    const MultiplyAdd of_addend =
        form(MultiplyAdd::add231, MultiplyAdd::sub231, MultiplyAdd::negative231);
    int a = x.a, b = x.b;
    if (is_in_memory(a, i) && !is_in_memory(b, i)) std::swap(a, b);
    const int factor = in_register(a, i);
    for (const auto& [ending, other] : {std::pair{a, b}, std::pair{b, a}}) {
      if (!ends(ending, i)) continue;
      const int second = in_register(other, i);
      const int to = held_in(ending);
      body_.apply(of_factor, to, second, last_operand(x.c, i));
      return to;
    }
    int to;
    if (ends(x.c, i)) {
      to = held_in(x.c);
    } else if (is_in_memory(x.c, i)) {
      to = allocate(i);
      body_.load(to, pointer(x.c));
      held(to) = x.out;  // taken
    } else {
      const int addend = in_register(x.c, i);
      to = allocate(i);
      body_.copy(to, addend);
      held(to) = x.out;
    }
    body_.apply(of_addend, to, factor, last_operand(b, i));
    return to;
  }

  std::vector<std::uint8_t> whole() const {
    LoopAssembler code(vector_bytes_, type_);
    const std::size_t used = pointers_.size();
    for (std::size_t p = kFirstSaved; p < used; ++p) code.push(kPointers[p]);
    code.zero_rcx();
    code.shift_left_rsi(type_ == DType::f64 ? 3 : 2);
    for (const int operand : kept_) {
      code.load_pointer(Gpr::rax, Gpr::rdi, static_cast<std::size_t>(operand));
      code.broadcast(held_in_[static_cast<std::size_t>(operand)], Gpr::rax);
    }
    for (const Pointer& p : pointers_)
      code.load_pointer(p.reg, Gpr::rdi, static_cast<std::size_t>(p.operand));
    std::vector<std::uint8_t> bytes = code.bytes();
    bytes.insert(bytes.end(), body_.bytes().begin(), body_.bytes().end());
    LoopAssembler end(vector_bytes_, type_);
    end.end_vectors();
    for (std::size_t p = used; p-- > kFirstSaved;) end.pop(kPointers[p]);
    end.ret();
    bytes.insert(bytes.end(), end.bytes().begin(), end.bytes().end());
    return bytes;
  }

  const GroupProgram& program_;
  std::size_t first_, last_;
  DType type_;
  int vector_bytes_;
  LoopAssembler body_;
  std::vector<int> held_in_;    ///< of operands: the vector register, or -1
  std::vector<bool> saved_;     ///< of operands: does their memory hold the value?
  std::array<int, 32> held_{};  ///< of vector registers: the operand, or -1
  std::vector<int> kept_;       ///< scalars that stand in registers throughout
  int free_ = 0;                ///< registers below this one are for values
  std::vector<Pointer> pointers_;
};

int vector_bytes(const Kernels& kernels) {
  if (std::strcmp(kernels.instruction_set, "avx512") == 0) return 64;
  return std::strcmp(kernels.instruction_set, "avx2") == 0 ? 32 : 0;
}

}  // namespace

std::vector<GroupPart> group_loops(const GroupProgram& program, const Kernels& kernels,
                                   MachineCode& code) {
  std::vector<GroupPart> parts;
  const int bytes = vector_bytes(kernels);
  const std::size_t count = program.instructions.size();
  const auto goes_on = [&](std::size_t first, std::size_t i) {
    return i < count && is_arithmetic(program.instructions[i]) &&
           program.instructions[i].type == program.instructions[first].type;
  };
  for (std::size_t i = 0; i < count;) {
    std::size_t end = i;
    while (bytes > 0 && goes_on(i, end)) ++end;
    if (end >= i + kShortest) {
      if (const Loop loop = code.add(Stretch(program, i, end, bytes).compile())) {
        parts.push_back({loop, 0});
        i = end;
        continue;
      }
    }
    for (end = std::max(end, i + 1); i < end; ++i) parts.push_back({nullptr, i});
  }
  return parts;
}

}  // namespace odeum::cpu
