// SPDX-License-Identifier: Apache-2.0
#include "run/straight_line.hpp"

#include <algorithm>

#include "steps/copy_bytes.hpp"

namespace odeum::cpu {

StraightLine::StraightLine(const StraightCode& code, const Kernels& kernels, std::size_t inputs)
    : arena_(allocate_memory(code.arena.size())) {
  std::copy(code.arena.begin(), code.arena.end(), arena_.get());
  for (const std::uint32_t at : code.pointers) pointers_.push_back(arena_.get() + at);
  for (const StraightCode::Transfer& x : code.inputs) {
    const bool output = x.position >= inputs;
    inputs_.push_back({x.elements == 1 ? kernels.element[index(Fn::copy)][index(x.type)][1]
                                       : kernels.straight.read[index(x.type)],
                       output, output ? x.position - inputs : x.position, arena_.get() + x.at,
                       x.elements == 1 ? kPadding / size_of(x.type) : x.elements});
  }
  for (const StraightCode::Transfer& x : code.outputs)
    outputs_.push_back(
        {nullptr, true, x.position, arena_.get() + x.at, x.elements * size_of(x.type)});
  for (const Instruction& x : resolved(code.once)) x.kernel(x.out, x.a, x.b, x.c, x.n);
  code_ = resolved(code.code);
}

std::vector<StraightLine::Instruction> StraightLine::resolved(
    const std::vector<StraightInstruction>& code) const {
  std::vector<Instruction> result;
  result.reserve(code.size());
  for (const StraightInstruction& x : code) {
    const auto operand = [&](std::uint32_t at) -> const void* {
      return x.lists ? static_cast<const void*>(pointers_.data() + at) : arena_.get() + at;
    };
    result.push_back(
        {x.kernel, arena_.get() + x.out, operand(x.a), operand(x.b), operand(x.c), x.n});
  }
  return result;
}

void StraightLine::run(std::span<const View> inputs, std::span<const View> outputs) const {
  for (const Transfer& x : inputs_) {
    const View& from = x.output ? outputs[x.position] : inputs[x.position];
    const void* a = from.host<std::byte>();
    x.kernel(x.at, a, a, a, x.n);
  }
  for (const Instruction& x : code_) x.kernel(x.out, x.a, x.b, x.c, x.n);
  for (const Transfer& x : outputs_) copy_bytes(outputs[x.position].host<std::byte>(), x.at, x.n);
}

}  // namespace odeum::cpu
