// SPDX-License-Identifier: Apache-2.0
#include "odeum/reversal.hpp"

#include <cmath>

#include "odeum/transforms.hpp"
#include "solve/rates.hpp"

namespace odeum::inline v1 {
namespace {

using Tensors = std::vector<Tensor>;
using Kind = StepArgument::Kind;

void append(Tensors& to, const Tensors& from) { to.insert(to.end(), from.begin(), from.end()); }

Tensors chosen(const Tensors& values, const std::vector<bool>& wanted) {
  Tensors result;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (wanted[i]) result.push_back(values[i]);
  }
  return result;
}

}  // namespace

ArraySpec spec_of(Tensor value) { return {value.shape(), value.dtype(), value.row_class()}; }

std::size_t bytes_of(const ArraySpec& spec, std::int64_t rows) {
  return static_cast<std::size_t>(spec.shape.elements(rows)) * size_of(spec.dtype);
}

std::vector<ArraySpec> member_specs_of(const Dynamics& dynamics) {
  std::vector<ArraySpec> specs;
  for (const Member& m : dynamics.members) {
    specs.push_back({m.shape, m.dtype, m.shape.has_rows() ? RowClass::per_row : RowClass::row_sum});
  }
  return specs;
}

std::vector<Tensor> declare(Recording& recording, const std::string& name,
                            const std::vector<ArraySpec>& specs) {
  Tensors values;
  for (std::size_t i = 0; i < specs.size(); ++i) {
    values.push_back(recording.input(name + std::to_string(i), specs[i].shape, specs[i].dtype,
                                     specs[i].row_class));
  }
  return values;
}

std::vector<Tensor> declare_constants(Recording& recording, const Dynamics& dynamics) {
  Tensors values;
  for (const InputSpec& s : dynamics.constants) {
    values.push_back(recording.input(s.name, s.shape, s.dtype));
  }
  return values;
}

std::vector<bool> read_inputs(const Program& program) {
  std::vector<bool> read(program.nodes.size(), false);
  for (const Node& node : program.nodes) {
    for (const ValueId operand : node.operands) read[static_cast<std::size_t>(operand)] = true;
  }
  for (const ValueId output : program.outputs) read[static_cast<std::size_t>(output)] = true;
  std::vector<bool> result;
  for (const ValueId input : program.inputs) {
    result.push_back(read[static_cast<std::size_t>(input)]);
  }
  return result;
}

std::unique_ptr<Rates> step_rates(const Dynamics& dynamics, const SolveOptions& options,
                                  std::span<const Tensor> constants) {
  return std::make_unique<solve::CountedRates>(dynamics, options, constants);
}

std::int64_t given_steps(const SolveOptions& options, std::span<const double> times) {
  std::int64_t total = 0;
  for (std::size_t i = 1; i < times.size(); ++i) {
    const double span = std::abs(times[i] - times[i - 1]);
    if (span > 0.0 && options.steps > 0) total += options.steps;
    if (options.step > 0.0) total += static_cast<std::int64_t>(std::ceil(span / options.step));
  }
  return total;
}

StepRecording::StepRecording(const Dynamics& dynamics, const std::vector<ArraySpec>& carry)
    : dynamics_(dynamics), carry_(carry) {
  in.t = recording.input("t", {1}, DType::f64);
  in.h = recording.input("h", {1}, DType::f64);
  in.y = declare(recording, "y", member_specs_of(dynamics));
  in.carry = declare(recording, "carry", carry);
  in.dense_output = DenseOutput::not_wanted;
  constants = declare_constants(recording, dynamics);
  arguments = {{Kind::time}, {Kind::step}};
  for (std::size_t m = 0; m < in.y.size(); ++m) arguments.push_back({Kind::member, m});
  for (std::size_t c = 0; c < carry.size(); ++c) arguments.push_back({Kind::carry, c});
  for (std::size_t c = 0; c < constants.size(); ++c) arguments.push_back({Kind::constant, c});
}

std::vector<Tensor> StepRecording::cotangents() {
  Tensors seeds = declare(recording, "cotangent_y", member_specs_of(dynamics_));
  for (std::size_t m = 0; m < seeds.size(); ++m) arguments.push_back({Kind::member_cotangent, m});
  append(seeds, declare(recording, "cotangent_carry", carry_));
  for (std::size_t c = 0; c < carry_.size(); ++c) arguments.push_back({Kind::carry_cotangent, c});
  return seeds;
}

Tensor StepRecording::extra(const ArraySpec& spec) {
  arguments.push_back({Kind::extra, extras_});
  return recording.input("extra" + std::to_string(extras_++), spec.shape, spec.dtype,
                         spec.row_class);
}

std::vector<Tensor> StepRecording::variables(const std::vector<bool>& wanted) const {
  Tensors result{in.t, in.h};
  append(result, in.y);
  append(result, in.carry);
  append(result, chosen(constants, wanted));
  return result;
}

std::vector<Tensor> results_of(const StepOutputs& out) {
  Tensors results = out.y;
  append(results, out.carry);
  return results;
}

StepReversal record_step_reversal(const SolveSetting& setting, const std::vector<ArraySpec>& carry,
                                  const std::vector<bool>& wanted) {
  StepRecording step(setting.dynamics(), carry);
  const Tensors seeds = step.cotangents();
  const auto rates = setting.rates(setting.dynamics(), step.constants);
  const StepOutputs out = setting.solver().step(*rates, step.in);
  StepReversal reversal;
  reversal.evaluations = rates->calls();
  reversal.program =
      optimize(step.recording.program(vjp(results_of(out), step.variables(wanted), seeds)));
  reversal.arguments = step.arguments;
  reversal.used = read_inputs(reversal.program);
  return reversal;
}

StartReversal record_start_reversal(const SolveSetting& setting, const std::vector<bool>& wanted) {
  const Dynamics& dynamics = setting.dynamics();
  StartReversal reversal;
  Recording recording;
  const Tensor t = recording.input("t", {1}, DType::f64);
  const State y = declare(recording, "y", member_specs_of(dynamics));
  const Tensors constants = declare_constants(recording, dynamics);
  const auto rates = setting.rates(dynamics, constants);
  const Tensors carry = setting.solver().start(*rates, t, y);
  for (const Tensor& value : carry) reversal.carry.push_back(spec_of(value));
  const Tensors cotangents = declare(recording, "cotangent", reversal.carry);
  Tensors variables{t};
  append(variables, y);
  append(variables, chosen(constants, wanted));
  reversal.program = recording.program(vjp(carry, variables, cotangents));
  reversal.evaluations = rates->calls();
  return reversal;
}

}  // namespace odeum::inline v1
