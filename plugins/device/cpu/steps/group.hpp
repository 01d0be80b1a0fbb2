// SPDX-License-Identifier: Apache-2.0
// A fused group of elementwise operations, run over chunks of flat elements that stay in the
// first-level cache: stretches of arithmetic as machine code made for them
// (machine/group_loops.hpp), the rest by vector kernels, one call an operation.
#pragma once

#include <cstdint>
#include <vector>

#include "odeum/shape.hpp"
#include "plan/layout.hpp"
#include "steps/step.hpp"

namespace odeum::cpu {

/// An operand of an instruction, by its place in one table: registers first, then memory.
struct GroupOperand {
  enum class Kind : std::uint8_t {
    reg,       ///< a register: a chunk of scratch
    direct,    ///< a slot, element by element
    scalar,    ///< one element of a slot
    periodic,  ///< a slot that holds a row's elements, repeated up to row + chunk
    rows,      ///< rows of a slot that stand `row_stride` elements apart: a slice of wider rows
  };
  Kind kind = Kind::reg;
  DType type = DType::f32;
  int slot = -1;
  std::int64_t offset = 0;
  std::int64_t row_stride = 0;
  bool in_arena =
      false;  ///< whole vectors may be read and written past the last element of the slot
  bool read = false, written = false;
  int spare = -1;  ///< register that stands in where whole vectors would reach too far
};

struct GroupInstruction {
  enum class Kind : std::uint8_t { kernel, softplus_sigmoid, load, store, row_sum, column_sum };
  Kind kind = Kind::kernel;
  ElementKernel kernel = nullptr;
  Fn fn = Fn::count;                 ///< of the kernel; count: a conversion
  int out = 0, a = 0, b = 0, c = 0;  ///< operands; of softplus_sigmoid, b is the second result
  int slot = -1;                     ///< of memory: load, store, sums
  Access access;                     ///< load, store
  DType type = DType::f32;           ///< of the result, or of what is moved or summed
  DType from = DType::f32;           ///< kernel: of the operands
  std::int64_t width = 0;    ///< elements summed (row_sum), of a row (column_sum; 1: of all)
  std::int64_t offset = 0;   ///< column_sum: of the first accumulator
  double scale = 1.0;        ///< column_sum: times this and
  std::vector<int> scalars;  ///< ... the first elements of these slots
};

struct GroupProgram {
  bool rowful = false;
  std::int64_t elements = 0;  ///< of a row (with operands of kind rows whole vectors), or in total
  std::int64_t chunk = 1024;  ///< elements
  bool whole_rows = false;    ///< chunks end at the ends of rows
  bool sharded = false;
  std::int64_t granule = 16;  ///< elements that kernels take at once
  std::size_t register_bytes = 0;
  int registers = 0;
  double cost = 1.0;  ///< operations an element
  std::vector<GroupOperand> operands;
  std::vector<GroupInstruction> instructions;
};

inline constexpr std::size_t kMostOperands = 1280;

/// A loop over n elements, a multiple of what kernels take at once, of the buffers in `at`.
using Loop = void (*)(void** at, std::size_t n);

/// What runs over a chunk: machine code for some of the instructions, or a single one.
struct GroupPart {
  Loop loop = nullptr;  ///< null: the instruction
  std::size_t instruction = 0;
};

/// Is some operand that a kernel or a pair of them touches of kind rows?
bool touches_rows(const GroupProgram& program, const GroupInstruction& instruction);

class GroupStep final : public Step {
 public:
  /// `parts`: the instructions in order.
  GroupStep(GroupProgram program, const std::vector<GroupPart>& parts);
  std::int64_t units(std::int64_t rows) const override;
  void run(const Context& context, std::int64_t begin, std::int64_t end) const override;
  std::int64_t grain(std::int64_t rows) const override;
  bool sharded() const override { return program_.sharded; }
  std::size_t scratch(std::int64_t) const override;
  double work(std::int64_t rows) const override;

 private:
  // What a chunk touches, packed: the fields of operands and instructions that the loops need.
  struct Code {
    Loop loop = nullptr;
    ElementKernel kernel = nullptr;  ///< both null: see `instruction`
    std::uint16_t out = 0, a = 0, b = 0, c = 0;
    std::uint16_t instruction = 0;
    bool by_rows = false;  ///< a kernel call a row
  };
  struct Moving {
    std::uint16_t at = 0, size = 4;  ///< place in the table; bytes of an element
    std::int16_t spare = -1;
    bool periodic = false, read = false, written = false;
    int slot = -1;
    std::int64_t offset = 0;
    std::int64_t row_stride = 0;  ///< 0: as many as a row has
  };
  struct Scalar {
    int at = 0, slot = -1;
    std::size_t offset = 0;  ///< bytes
  };

  void run_chunk(const Context& context, void** at, std::int64_t begin, std::int64_t n) const;
  void run_rows(const Context& context, void** at, std::int64_t n,
                const GroupInstruction& instruction) const;
  void run_other(const Context& context, void** at, std::int64_t begin, std::int64_t n,
                 const GroupInstruction& instruction) const;

  GroupProgram program_;
  std::vector<Code> code_;
  std::vector<Moving> moving_;
  std::vector<Scalar> scalars_;
};

}  // namespace odeum::cpu
