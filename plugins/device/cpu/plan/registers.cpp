// SPDX-License-Identifier: Apache-2.0
#include "plan/registers.hpp"

#include <algorithm>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "odeum/error.hpp"

namespace odeum::cpu {
namespace {

using Kind = GroupInstruction::Kind;

/// The operands that an instruction computes.
std::vector<int> results(const GroupInstruction& x) {
  if (x.kind == Kind::softplus_sigmoid) return {x.out, x.b};
  if (x.kind == Kind::kernel || x.kind == Kind::load) return {x.out};
  return {};
}

/// Does every chunk start at a whole vector, so that only the last one of a block ends inside one?
bool fit_chunk_to_rows(GroupProgram& program) {
  if (!program.whole_rows) return true;
  const std::int64_t width = program.elements;
  const std::int64_t whole = program.granule / std::gcd(program.granule, width);
  std::int64_t rows = std::max<std::int64_t>(1, program.chunk / width);
  if (rows > whole) rows = rows / whole * whole;
  program.chunk = rows * width;
  return rows % whole == 0;
}

/// The last instruction that touches each operand.
std::vector<std::size_t> last_uses(const GroupProgram& program) {
  std::vector<std::size_t> last(program.operands.size(), 0);
  for (std::size_t i = 0; i < program.instructions.size(); ++i) {
    const GroupInstruction& x = program.instructions[i];
    if (x.kind != Kind::load) {
      for (const int operand : {x.a, x.b, x.c}) last[static_cast<std::size_t>(operand)] = i;
    }
    for (const int out : results(x)) last[static_cast<std::size_t>(out)] = i;
  }
  return last;
}

}  // namespace

void assign_registers(GroupProgram& program, std::size_t element_size) {
  std::vector<GroupOperand>& operands = program.operands;
  const std::vector<std::size_t> last = last_uses(program);
  std::vector<int> place(operands.size(), 0);
  std::vector<bool> placed(operands.size(), false);
  std::vector<std::size_t> busy_until;  // of registers: an instruction
  const auto put = [&](std::size_t i, std::size_t o) {
    if (operands[o].kind != GroupOperand::Kind::reg || placed[o]) return;
    const auto free = std::find_if(busy_until.begin(), busy_until.end(),
                                   [i](std::size_t until) { return until < i; });
    const auto r = free - busy_until.begin();
    if (free == busy_until.end()) busy_until.push_back(0);
    busy_until[static_cast<std::size_t>(r)] = last[o];
    place[o] = static_cast<int>(r);
    placed[o] = true;
  };
  for (std::size_t i = 0; i < program.instructions.size(); ++i) {
    for (const int out : results(program.instructions[i])) put(i, static_cast<std::size_t>(out));
  }
  const bool aligned = fit_chunk_to_rows(program);
  program.registers = static_cast<int>(busy_until.size());
  for (GroupOperand& x : operands) {
    if (x.kind != GroupOperand::Kind::direct) continue;
    if (!x.in_arena || (x.written && !aligned)) x.spare = program.registers++;
  }
  std::vector<GroupOperand> table(static_cast<std::size_t>(program.registers));
  for (std::size_t o = 0; o < operands.size(); ++o) {
    if (operands[o].kind == GroupOperand::Kind::reg) continue;
    place[o] = static_cast<int>(table.size());
    table.push_back(operands[o]);
  }
  if (table.size() > kMostOperands) {
    bug("device cpu: a fused group has " + std::to_string(table.size()) + " operands");
  }
  for (GroupInstruction& x : program.instructions) {
    for (int* operand : {&x.out, &x.a, &x.b, &x.c})
      *operand = place[static_cast<std::size_t>(*operand)];
  }
  operands = std::move(table);
  program.register_bytes =
      padded(static_cast<std::size_t>(program.chunk) * element_size) + kPadding;
}

}  // namespace odeum::cpu
