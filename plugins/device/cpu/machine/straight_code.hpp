// SPDX-License-Identifier: Apache-2.0
// Straight-line code as machine code. A list of kernel calls hands every result on through memory;
// here values of up to a few elements of float64 stay in registers from one instruction to the
// next, and only what is long or complicated is called. The arithmetic is that of the kernels,
// operation by operation, so results are the same bits.
#pragma once

#include <span>

#include "machine/machine_code.hpp"
#include "odeum/device.hpp"
#include "plan/straight.hpp"

namespace odeum::cpu {

/// Where machine code finds what it does not compute itself.
struct MachineContext {
  const Kernels& kernels;
  std::span<const StraightCall> calls;  ///< one for each instruction; stay where they are
  const std::byte* arena = nullptr;     ///< constants are in their places
  std::size_t inputs = 0;               ///< of the program
};

using StraightFunction = void (*)(std::byte* arena, const View* inputs, const View* outputs);

/// All of the code as a function. Null where there is no machine code, or most of it would be
/// calls.
StraightFunction straight_function(const StraightCode& code, const MachineContext& context,
                                   MachineCode& memory);

}  // namespace odeum::cpu
