// SPDX-License-Identifier: Apache-2.0
// In the place of everything else here on other processors than x86-64 and where Xbyak is missing.
#include "machine/group_loops.hpp"
#include "machine/machine_code.hpp"
#include "machine/straight_code.hpp"

namespace odeum::cpu {

struct MachineCode::Block {};

bool can_write_machine_code() { return false; }

MachineCode::MachineCode(MachineCodeUse, const Kernels&) {}
MachineCode::~MachineCode() = default;
void MachineCode::finish() {}

std::vector<GroupPart> group_loops(const GroupProgram& program, MachineCode&) {
  std::vector<GroupPart> parts;
  for (std::size_t i = 0; i < program.instructions.size(); ++i) parts.push_back({nullptr, i});
  return parts;
}

StraightFunction straight_function(const StraightCode&, const MachineContext&, MachineCode&) {
  return nullptr;
}

}  // namespace odeum::cpu
