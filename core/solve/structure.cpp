// SPDX-License-Identifier: Apache-2.0
// What a dynamics depends on, read off a recording of its rates.
#include <algorithm>
#include <stdexcept>

#include "odeum/program.hpp"
#include "odeum/solve.hpp"
#include "odeum/transforms.hpp"

namespace odeum::inline v1 {
namespace {

/// The rates as a function of t, members and constants.
struct RecordedRates {
  explicit RecordedRates(const Dynamics& dynamics) : t(recording.input("t", {1}, DType::f64)) {
    for (const Member& m : dynamics.members) y.push_back(recording.input(m.name, m.shape, m.dtype));
    for (const InputSpec& s : dynamics.constants) {
      constants.push_back(recording.input(s.name, s.shape, s.dtype));
    }
    rates = dynamics.rates(t, y, constants);
  }

  Recording recording;
  Tensor t;
  State y;
  std::vector<Tensor> constants;
  State rates;
};

/// (t, members, constants) to rates.
Program record_rates(const Dynamics& dynamics) {
  const RecordedRates recorded(dynamics);
  return optimize(recorded.recording.program(recorded.rates));
}

bool calls_host_code(const Program& program) {
  return std::any_of(program.nodes.begin(), program.nodes.end(),
                     [](const Node& node) { return node.op == Op::host_call; });
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

std::string derivative_refusal(const Dynamics& dynamics, Differentiation differentiation) {
  const RecordedRates recorded(dynamics);
  if (!calls_host_code(optimize(recorded.recording.program(recorded.rates)))) return "";
  std::vector<Tensor> variables = recorded.y;
  for (const Tensor& constant : recorded.constants) {
    if (constant.dtype() != DType::i64) variables.push_back(constant);
  }
  std::vector<Tensor> seeds;
  try {
    if (differentiation == Differentiation::forward) {
      for (const Tensor& variable : variables) seeds.push_back(ones_like(variable));
      jvp(recorded.rates, variables, seeds);
    } else {
      for (const Tensor& rate : recorded.rates) seeds.push_back(ones_like(rate));
      vjp(recorded.rates, variables, seeds);
    }
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "";
}

}  // namespace odeum::inline v1
