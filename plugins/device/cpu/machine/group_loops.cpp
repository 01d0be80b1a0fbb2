// SPDX-License-Identifier: Apache-2.0
#include "machine/group_loops.hpp"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <limits>
#include <optional>
#include <utility>

#include "machine/function_code.hpp"
#include "machine/register_file.hpp"
#include "machine/vector_code.hpp"

namespace odeum::cpu {
namespace {

using Kind = GroupInstruction::Kind;
using Xbyak::Reg64;

constexpr std::size_t kNever = std::numeric_limits<std::size_t>::max();
constexpr int kNothing = -1;
/// A single operation is as fast as its kernel.
constexpr std::size_t kShortest = 2;

// Arguments of a loop: the table of operands, the number of elements (then the loop's end in
// bytes). The position in bytes and a pointer for a moment:
const Reg64 kTable(Xbyak::Operand::RDI), kEnd(Xbyak::Operand::RSI);
const Reg64 kAt(Xbyak::Operand::RCX), kMoment(Xbyak::Operand::RAX);
/// Pointers to operands stay in these; the first ones belong to the callee anyway.
constexpr std::array kPointers = {Xbyak::Operand::RDX, Xbyak::Operand::R8,  Xbyak::Operand::R9,
                                  Xbyak::Operand::R10, Xbyak::Operand::R11, Xbyak::Operand::RBX,
                                  Xbyak::Operand::RBP, Xbyak::Operand::R12, Xbyak::Operand::R13,
                                  Xbyak::Operand::R14, Xbyak::Operand::R15};
constexpr std::size_t kFirstSaved = 5;
/// In loops over rows that stand apart: where a row ends, as a position in bytes.
const Reg64 kRowEnd(kPointers.back());

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

/// What machine code for vectors of 64 bytes computes itself.
bool is_function(const GroupInstruction& x) {
  if (x.type != DType::f32) return false;
  if (x.kind == Kind::softplus_sigmoid) return true;
  return x.kind == Kind::kernel &&
         (x.fn == Fn::tanh || x.fn == Fn::softplus || x.fn == Fn::sigmoid);
}

/// The operands that a kernel or a pair of them reads.
std::array<int, 3> operands_of(const GroupInstruction& x) {
  if (x.kind == Kind::softplus_sigmoid) return {x.a, x.a, x.a};
  return {x.a, x.b, x.c};
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

/// Scalars of instructions [first, last) that stand in registers throughout, as many as leave room
/// for the rest.
std::vector<int> kept_scalars(const GroupProgram& program, std::size_t first, std::size_t last,
                              std::size_t most) {
  std::vector<int> kept;
  for (std::size_t i = first; i < last; ++i) {
    const GroupInstruction& x = program.instructions[i];
    for (const int operand : operands_of(x)) {
      const GroupOperand& what = program.operands[static_cast<std::size_t>(operand)];
      const bool known = std::find(kept.begin(), kept.end(), operand) != kept.end();
      if (what.kind != GroupOperand::Kind::scalar || known || kept.size() == most) continue;
      kept.push_back(operand);
    }
  }
  return kept;
}

/// The loop of instructions [first, last).
class Stretch {
 public:
  Stretch(const GroupProgram& program, std::size_t first, std::size_t last, int vector_bytes,
          VectorCode& code)
      : program_(program),
        first_(first),
        last_(last),
        lanes_{program.instructions[first].type, 0},
        code_(code),
        functions_(code),
        held_in_(program.operands.size(), kNothing),
        saved_(program.operands.size(), true),
        kept_(kept_scalars(program, first, last, vector_bytes == 64 ? 12 : 5)),
        row_bytes_(row_bytes()),
        registers_((vector_bytes == 64 ? 32 : 16) - static_cast<int>(kept_.size()), kNothing) {
    lanes_.count = vector_bytes / static_cast<int>(size_of(lanes_.type));
    // Behind those that values move through.
    for (std::size_t i = 0; i < kept_.size(); ++i)
      held_in(kept_[i]) = registers_.count() + static_cast<int>(i);
  }

  void write() {
    // Once to see which pointers there are; then between loading them and giving them back.
    body();
    code_.restart();
    functions_.forget_numbers();
    enter();
    Xbyak::Label again;
    code_.L(again);
    body();
    code_.add(kAt, lanes_.count * static_cast<int>(size_of(lanes_.type)));
    if (row_bytes_ != 0) {
      code_.cmp(kAt, kRowEnd);
      code_.jb(again);
      next_row();
    }
    code_.cmp(kAt, kEnd);
    code_.jb(again);
    leave();
    functions_.write_numbers();
  }

 private:
  bool is_scalar(int operand) const {
    return program_.operands[static_cast<std::size_t>(operand)].kind == GroupOperand::Kind::scalar;
  }
  bool is_kept(int operand) const {
    return std::find(kept_.begin(), kept_.end(), operand) != kept_.end();
  }
  int& held_in(int operand) { return held_in_[static_cast<std::size_t>(operand)]; }

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

  /// Is the result `out` of instruction i needed outside of the stretch?
  bool leaves(int out, std::size_t i) const {
    if (program_.operands[static_cast<std::size_t>(out)].kind != GroupOperand::Kind::reg)
      return true;
    for (std::size_t k = i + 1; k < program_.instructions.size(); ++k) {
      if (k >= last_ && reads(program_.instructions[k], out)) return true;
      if (writes(program_.instructions[k], out)) return false;
    }
    return false;
  }

  /// Bytes of a row, where some operand's rows stand apart; else 0.
  int row_bytes() const {
    for (std::size_t i = first_; i < last_; ++i) {
      if (touches_rows(program_, program_.instructions[i]))
        return static_cast<int>(program_.elements) * static_cast<int>(size_of(lanes_.type));
    }
    return 0;
  }
  const GroupOperand& what(int operand) const {
    return program_.operands[static_cast<std::size_t>(operand)];
  }
  bool stands_apart(int operand) const { return what(operand).kind == GroupOperand::Kind::rows; }
  /// Bytes from the end of an operand's row to the next one.
  int gap(int operand) const {
    return static_cast<int>(what(operand).row_stride - program_.elements) *
           static_cast<int>(size_of(lanes_.type));
  }
  /// Do the two differ by their offsets alone?
  bool share_pointer(int a, int b) const {
    return a == b || (stands_apart(a) && stands_apart(b) && what(a).slot == what(b).slot &&
                      what(a).row_stride == what(b).row_stride);
  }

  /// The register that points at an operand, by its place in kPointers; nothing if all are taken.
  std::optional<std::size_t> pointer_of(int operand) {
    const auto found = std::find_if(pointers_.begin(), pointers_.end(),
                                    [&](int other) { return share_pointer(other, operand); });
    const auto p = static_cast<std::size_t>(found - pointers_.begin());
    if (found != pointers_.end()) return p;
    // The last register counts rows.
    if (p == kPointers.size() - (row_bytes_ != 0 ? 1 : 0)) return std::nullopt;
    pointers_.push_back(operand);
    return p;
  }
  /// Where an operand's element at the loop's position is.
  Xbyak::Address at(int operand) {
    const auto p = pointer_of(operand);
    if (!p) return at_moment(operand);
    const std::int64_t apart = what(operand).offset - what(pointers_[*p]).offset;
    const int distance = static_cast<int>(apart) * static_cast<int>(size_of(lanes_.type));
    return code_.ptr[Reg64(kPointers[*p]) + kAt + (stands_apart(operand) ? distance : 0)];
  }
  /// The same without a register for the pointer.
  Xbyak::Address at_moment(int operand) {
    if (!stands_apart(operand)) {
      load_pointer(kMoment, operand);
      return code_.ptr[kMoment + kAt];
    }
    // Row r ends at (r + 1) rows' bytes, and so many gaps stand before the row after it.
    code_.imul(kMoment, kRowEnd, gap(operand) / row_bytes_);
    code_.add(kMoment, code_.ptr[kTable + operand * static_cast<int>(sizeof(void*))]);
    return code_.ptr[kMoment + kAt - gap(operand)];
  }
  void next_row() {
    code_.add(kRowEnd, row_bytes_);
    for (std::size_t p = 0; p < pointers_.size(); ++p) {
      if (stands_apart(pointers_[p])) code_.add(Reg64(kPointers[p]), gap(pointers_[p]));
    }
  }
  void load_pointer(const Reg64& to, int operand) {
    code_.mov(to, code_.ptr[kTable + operand * static_cast<int>(sizeof(void*))]);
  }

  void forget(int operand) {
    if (held_in(operand) < 0 || is_kept(operand)) return;
    registers_.forget(held_in(operand));
    held_in(operand) = kNothing;
  }
  int hold(int reg, int operand) {
    held_in(operand) = registers_.fill(reg, operand);
    return reg;
  }

  /// A register for instruction i: a free one, or that of the value which is needed last.
  int allocate(std::size_t i) {
    const int chosen = registers_.choose(
        [&](int operand) { return operand == kNothing ? kNever : next_read(operand, i); });
    const int operand = registers_[chosen];
    if (operand != kNothing) {
      if (!saved_[static_cast<std::size_t>(operand)] && !is_last_read(operand, i)) {
        code_.store(lanes_, at(operand), chosen);
        saved_[static_cast<std::size_t>(operand)] = true;
      }
      forget(operand);
    }
    return registers_.use(chosen);
  }

  int in_register(int operand, std::size_t i) {
    if (held_in(operand) >= 0) return held_in(operand);
    const int to = allocate(i);
    if (is_scalar(operand)) {
      const auto p = pointer_of(operand);
      if (!p) load_pointer(kMoment, operand);
      code_.broadcast(lanes_, to, Source::at(code_.ptr[p ? Reg64(kPointers[*p]) : kMoment]));
    } else {
      code_.load(lanes_, to, at(operand));
    }
    return hold(to, operand);
  }

  /// Read once from memory, by instruction i.
  bool is_in_memory(int operand, std::size_t i) {
    return held_in(operand) < 0 && !is_scalar(operand) && is_last_read(operand, i);
  }
  Source last_operand(int operand, std::size_t i) {
    if (is_in_memory(operand, i)) return Source::at(at(operand));
    return Source::in(in_register(operand, i));
  }

  /// The register of an operand that ends here, or another one.
  int result_register(std::initializer_list<int> operands, std::size_t i) {
    for (const int operand : operands) {
      if (ends(operand, i)) return held_in(operand);
    }
    return allocate(i);
  }

  void body() {
    registers_.forget_all();
    for (int& reg : held_in_) {
      if (reg < registers_.count()) reg = kNothing;
    }
    saved_.assign(saved_.size(), true);
    for (std::size_t i = first_; i < last_; ++i) instruction(i);
  }

  void instruction(std::size_t i) {
    const GroupInstruction& x = program_.instructions[i];
    registers_.begin();
    for (const int operand : operands_of(x)) {
      if (held_in(operand) >= 0 && !is_kept(operand)) registers_.use(held_in(operand));
    }
    if (is_function(x)) {
      function(x, i);
      return;
    }
    const int to = result(x, i);
    free_operands(x, i);
    put(x.out, to, i);
  }

  void free_operands(const GroupInstruction& x, std::size_t i) {
    for (const int operand : operands_of(x)) {
      if (ends(operand, i)) forget(operand);
    }
  }

  /// Instruction i gave `out` in a register.
  void put(int out, int reg, std::size_t i) {
    forget(out);
    hold(reg, out);
    const bool stored = leaves(out, i);
    saved_[static_cast<std::size_t>(out)] = stored;
    if (stored) code_.store(lanes_, at(out), reg);
    if (is_last_read(out, i)) forget(out);
  }

  void function(const GroupInstruction& x, std::size_t i) {
    const int from = in_register(x.a, i);
    FunctionRegisters registers;
    for (int& reg : registers) reg = allocate(i);
    const bool pair = x.kind == Kind::softplus_sigmoid;
    if (pair) {
      functions_.softplus_sigmoid(from, registers);
    } else if (x.fn == Fn::tanh) {
      functions_.tanh(from, registers);
    } else if (x.fn == Fn::softplus) {
      functions_.softplus(from, registers);
    } else {
      functions_.sigmoid(from, registers);
    }
    free_operands(x, i);
    put(x.out, registers[0], i);
    if (pair) put(x.b, registers[1], i);
  }

  int result(const GroupInstruction& x, std::size_t i) {
    if (x.fn >= Fn::mul_add) return multiply_add(x, i);
    if (x.fn != Fn::copy) return arithmetic(x, i);
    const int from = in_register(x.a, i);
    const int to = result_register({x.a}, i);
    if (to != from) code_.copy(lanes_, to, from);
    return to;
  }

  int arithmetic(const GroupInstruction& x, std::size_t i) {
    int a = x.a, b = x.b;
    const bool turns = x.fn == Fn::add || x.fn == Fn::mul;
    if (turns && a != b && is_in_memory(a, i) && !is_in_memory(b, i)) std::swap(a, b);
    const int first = in_register(a, i);
    if (!is_in_memory(b, i)) in_register(b, i);
    const int to = result_register({a, b}, i);
    code_.apply(x.fn, lanes_, to, first, last_operand(b, i));
    return to;
  }

  /// +-a b +- c; the result takes the place of one of the three.
  int multiply_add(const GroupInstruction& x, std::size_t i) {
    int a = x.a, b = x.b;
    if (is_in_memory(a, i) && !is_in_memory(b, i)) std::swap(a, b);
    const int factor = in_register(a, i);
    for (const auto& [ending, other] : {std::pair{a, b}, std::pair{b, a}}) {
      if (!ends(ending, i)) continue;
      const int second = in_register(other, i);
      const int to = held_in(ending);
      code_.scale_and_add(x.fn, lanes_, to, second, last_operand(x.c, i));
      return to;
    }
    int to;
    if (ends(x.c, i)) {
      to = held_in(x.c);
    } else if (is_in_memory(x.c, i)) {
      to = allocate(i);
      code_.load(lanes_, to, at(x.c));
    } else {
      const int addend = in_register(x.c, i);
      to = allocate(i);
      code_.copy(lanes_, to, addend);
    }
    code_.add_product(x.fn, lanes_, to, factor, last_operand(b, i));
    return to;
  }

  void enter() {
    for (std::size_t p = kFirstSaved; p < pointers_.size(); ++p) code_.push(Reg64(kPointers[p]));
    if (row_bytes_ != 0) {
      code_.push(kRowEnd);
      code_.mov(kRowEnd, row_bytes_);
    }
    code_.xor_(kAt.cvt32(), kAt.cvt32());
    code_.shl(kEnd, lanes_.type == DType::f64 ? 3 : 2);
    for (const int operand : kept_) {
      load_pointer(kMoment, operand);
      code_.broadcast(lanes_, held_in(operand), Source::at(code_.ptr[kMoment]));
    }
    for (std::size_t p = 0; p < pointers_.size(); ++p)
      load_pointer(Reg64(kPointers[p]), pointers_[p]);
  }
  void leave() {
    code_.vzeroupper();
    if (row_bytes_ != 0) code_.pop(kRowEnd);
    for (std::size_t p = pointers_.size(); p-- > kFirstSaved;) code_.pop(Reg64(kPointers[p]));
    code_.ret();
  }

  const GroupProgram& program_;
  std::size_t first_, last_;
  Lanes lanes_;
  VectorCode& code_;
  FunctionCode functions_;
  std::vector<int> held_in_;  ///< of operands: the vector register, or kNothing
  std::vector<bool> saved_;   ///< of operands: does their memory hold the value?
  std::vector<int> kept_;     ///< scalars that stand in registers throughout
  int row_bytes_;             ///< 0: every operand's elements follow each other
  RegisterFile<int> registers_;
  std::vector<int> pointers_;  ///< operands, in the order of kPointers
};

}  // namespace

std::vector<GroupPart> group_loops(const GroupProgram& program, MachineCode& code) {
  std::vector<GroupPart> parts;
  const std::size_t count = program.instructions.size();
  const auto goes_on = [&](std::size_t first, std::size_t i) {
    if (i >= count || program.instructions[i].type != program.instructions[first].type)
      return false;
    return is_arithmetic(program.instructions[i]) ||
           (code.vector_bytes() == 64 && is_function(program.instructions[i]));
  };
  for (std::size_t i = 0; i < count;) {
    std::size_t end = i;
    while (goes_on(i, end)) ++end;
    Loop loop = nullptr;
    const auto by_rows = [&] { return touches_rows(program, program.instructions[i]); };
    if (end >= i + kShortest || (end > i && by_rows())) {
      loop = code.add<Loop>(
          [&](VectorCode& to) { Stretch(program, i, end, code.vector_bytes(), to).write(); });
    }
    if (loop != nullptr) {
      parts.push_back({loop, 0});
      i = end;
    } else {
      for (end = std::max(end, i + 1); i < end; ++i) parts.push_back({nullptr, i});
    }
  }
  return parts;
}

}  // namespace odeum::cpu
