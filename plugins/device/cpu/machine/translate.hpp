// SPDX-License-Identifier: Apache-2.0
// Straight-line code as machine code. A list of kernel calls hands every result on through memory;
// here values of up to a few elements of float64 stay in registers from one instruction to the
// next, and only what is long or complicated is called. The arithmetic is that of the kernels,
// operation by operation, so results are the same bits.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "plan/straight.hpp"

namespace odeum::cpu {

/// Where machine code finds what it does not compute itself.
struct MachineContext {
  const Kernels& kernels;
  std::span<const StraightCall> calls;  ///< one for each instruction; stay where they are
  const std::byte* arena = nullptr;     ///< constants are in their places
  std::size_t inputs = 0;               ///< of the program
};

/// Bytes behind the arena of the code that the machine code reads: `write_masks` fills them.
inline constexpr std::size_t kMaskBytes = 3 * kPadding;
void write_masks(std::byte* to);

/// Machine code of void(std::byte* arena, const View* inputs, const View* outputs) in the system's
/// calling convention, for x86-64 with AVX2 and FMA. Empty where most of the code would be calls.
std::vector<std::uint8_t> translated(const StraightCode& code, const MachineContext& context);

/// Whether the kernels are of an instruction set for which there is machine code.
bool has_machine_code(const Kernels& kernels);

}  // namespace odeum::cpu
