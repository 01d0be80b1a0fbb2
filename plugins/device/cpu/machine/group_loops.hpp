// SPDX-License-Identifier: Apache-2.0
// Fused groups as machine code: stretches of additions, products and multiply-adds, with AVX-512 of
// activations too, become one loop each, in which values pass from operation to operation in vector
// registers. The operations are those of the kernels, one for one, so results are the same bits.
#pragma once

#include <vector>

#include "machine/machine_code.hpp"
#include "steps/group.hpp"

namespace odeum::cpu {

/// The group's instructions in order, stretches of them as loops; one by one where there is no
/// machine code.
std::vector<GroupPart> group_loops(const GroupProgram& program, MachineCode& code);

}  // namespace odeum::cpu
