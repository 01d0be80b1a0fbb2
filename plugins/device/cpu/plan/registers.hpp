// SPDX-License-Identifier: Apache-2.0
// The last step of making a group's program.
#pragma once

#include <cstddef>

#include "steps/group.hpp"

namespace odeum::cpu {

/// Fits the chunk to rows where sums need that, gives values that live one after another the same
/// register, adds registers that stand in for memory into which whole vectors must not reach, and
/// orders the operands as GroupStep wants them: registers first. `element_size`: the largest.
void assign_registers(GroupProgram& program, std::size_t element_size);

}  // namespace odeum::cpu
