// SPDX-License-Identifier: Apache-2.0
#include "run/straight_line.hpp"

#include <algorithm>

#include "steps/copy_bytes.hpp"

namespace odeum::cpu {

StraightLine::StraightLine(const StraightCode& code, const Kernels& kernels, std::size_t inputs,
                           MachineCodeUse machine_code)
    : arena_(allocate_memory(padded(code.arena.size()) + kPadding)),
      machine_code_(machine_code, kernels) {
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
  for (const StraightCall& x : resolved(code.once, kernels)) x.kernel(x);
  code_ = resolved(code.code, kernels);
  function_ = straight_function(code, {kernels, code_, arena_.get(), inputs}, machine_code_);
  machine_code_.finish();
}

std::vector<StraightCall> StraightLine::resolved(const std::vector<StraightInstruction>& code,
                                                 const Kernels& kernels) const {
  std::vector<StraightCall> result;
  result.reserve(code.size());
  for (const StraightInstruction& x : code) {
    const auto listed = [&](std::uint32_t at) -> const void* { return pointers_.data() + at; };
    const auto placed = [&](std::uint32_t at) -> const void* { return arena_.get() + at; };
    StraightCall call{x.kernel != nullptr ? x.kernel : kernels.straight.call,
                      arena_.get() + x.out,
                      x.lists ? listed(x.a) : placed(x.a),
                      x.lists ? listed(x.b) : placed(x.b),
                      placed(x.c),
                      x.n,
                      x.terms,
                      x.element};
    if (!x.starts) call.c = nullptr;
    if (!x.ends) call.b = nullptr;
    result.push_back(call);
  }
  return result;
}

void StraightLine::run(std::span<const View> inputs, std::span<const View> outputs) const {
  if (function_ != nullptr) {
    function_(arena_.get(), inputs.data(), outputs.data());
    return;
  }
  for (const Transfer& x : inputs_) {
    const View& from = x.output ? outputs[x.position] : inputs[x.position];
    const void* a = from.host<std::byte>();
    x.kernel(x.at, a, a, a, x.n);
  }
  for (const StraightCall& x : code_) x.kernel(x);
  for (const Transfer& x : outputs_) copy_bytes(outputs[x.position].host<std::byte>(), x.at, x.n);
}

}  // namespace odeum::cpu
