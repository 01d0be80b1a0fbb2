// SPDX-License-Identifier: Apache-2.0
// Straight-line code: a small program at a given number of rows as a list of kernel calls over one
// arena, every address known beforehand. What only moves elements (slices, concatenations,
// broadcasts, sums of one term) takes no instruction: a value is a list of places in the arena.
// Where a program's work is some hundred numbers, the other plans spend their time on finding
// memory; this one has nothing left to find.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "kernels/table.hpp"
#include "odeum/device.hpp"

namespace odeum::cpu {

/// A StraightCall and what it computes: operands are byte offsets in the arena, or in the table of
/// pointers.
struct StraightInstruction {
  enum class Kind : std::uint8_t {
    other,
    element,  ///< fn of operands that are scalars by `variant`
    chain,
    gather,
    sum  ///< one by one, of a list or of fewer than 16 neighbours
  };
  ElementKernel element = nullptr;
  std::uint32_t out = 0, a = 0, b = 0, c = 0;
  std::uint32_t n = 0;
  bool lists = false;               ///< a and b are positions in the table of pointers
  StraightKernel kernel = nullptr;  ///< null: `element` is called
  std::uint32_t list = 0;           ///< elements that a and b reach, where those are not n
  std::uint32_t terms = 0;          ///< of a chain, whose c is a place
  bool starts = true, ends = true;  ///< false: a chain without c, without b
  Kind kind = Kind::other;
  Fn fn = Fn::count;
  std::uint8_t variant = 0;
  DType type = DType::f64;
  std::uint32_t count = 0;  ///< elements, where n counts whole vectors
};

struct StraightCode {
  /// Elements between the caller's memory and the arena.
  struct Transfer {
    std::size_t position = 0;  ///< of the input or output
    std::uint32_t at = 0;      ///< in the arena
    std::uint32_t elements = 0;
    DType type = DType::f64;
  };
  std::vector<std::byte> arena;           ///< its contents before the first run: constants
  std::vector<std::uint32_t> pointers;    ///< offsets in the arena
  std::vector<StraightInstruction> once;  ///< on constants alone: before the first run
  std::vector<StraightInstruction> code;
  std::vector<Transfer> inputs, outputs;
};

/// What straight-line code is about to cost (a tenth of a nanosecond each): known before it is
/// written, which takes a fraction of a millisecond.
struct StraightWork {
  double fixed = 0, a_row = 0;
  double on(std::int64_t rows) const { return fixed + a_row * static_cast<double>(rows); }
};
StraightWork expected_work(const Program& program, const CompileOptions& options,
                           const std::vector<bool>& wanted);

/// Nothing where the work on so many rows is more than `most` or an operation has no straight-line
/// form. Depends on program and rows alone.
std::optional<StraightCode> make_straight(const Program& program, const CompileOptions& options,
                                          const std::vector<bool>& wanted, std::int64_t rows,
                                          const Kernels& kernels, double most);

/// Whether all operations of the program have a straight-line form.
bool is_straight(const Program& program);

}  // namespace odeum::cpu
