// SPDX-License-Identifier: Apache-2.0
// What a dynamics depends on, read off a recording of its rates.
#include <algorithm>

#include "odeum/program.hpp"
#include "odeum/solve.hpp"

namespace odeum::inline v1 {
namespace {

/// (t, members, constants) to rates.
Program record_rates(const Dynamics& dynamics) {
  Recording recording;
  const Tensor t = recording.input("t", {1}, DType::f64);
  State y;
  for (const Member& m : dynamics.members) y.push_back(recording.input(m.name, m.shape, m.dtype));
  std::vector<Tensor> constants;
  for (const InputSpec& s : dynamics.constants) {
    constants.push_back(recording.input(s.name, s.shape, s.dtype));
  }
  return optimize(recording.program(dynamics.rates(t, y, constants)));
}

}  // namespace

std::vector<bool> quadratures(const Dynamics& dynamics) {
  const Program program = record_rates(dynamics);
  std::vector<bool> read(program.nodes.size(), false);
  for (const Node& node : program.nodes) {
    for (const ValueId operand : node.operands) read[static_cast<std::size_t>(operand)] = true;
  }
  for (const ValueId output : program.outputs) read[static_cast<std::size_t>(output)] = true;
  std::vector<bool> result;
  for (std::size_t m = 0; m < dynamics.members.size(); ++m) {
    result.push_back(m > 0 && !read[static_cast<std::size_t>(program.inputs[m + 1])]);
  }
  return result;
}

std::vector<std::string> couplings(const Dynamics& dynamics) {
  const Program program = record_rates(dynamics);
  const auto coupled = [&](ValueId id) { return program[id].row_class == RowClass::coupled; };
  std::vector<bool> needed(program.nodes.size(), false);
  for (std::size_t m = 0; m < dynamics.members.size(); ++m) {
    if (dynamics.members[m].shape.has_rows()) {
      needed[static_cast<std::size_t>(program.outputs[m])] = true;
    }
  }
  std::vector<std::string> names;
  for (std::size_t i = program.nodes.size(); i-- > 0;) {
    const Node& node = program.nodes[i];
    if (!needed[i] || node.row_class != RowClass::coupled) continue;
    for (const ValueId operand : node.operands) needed[static_cast<std::size_t>(operand)] = true;
    if (std::none_of(node.operands.begin(), node.operands.end(), coupled)) {
      names.emplace_back(name(node.op));
    }
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

}  // namespace odeum::inline v1
