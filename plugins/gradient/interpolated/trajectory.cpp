// SPDX-License-Identifier: Apache-2.0
#include "trajectory.hpp"

#include <memory>

#include "odeum/program.hpp"

namespace interpolated {
namespace {

using Tensors = std::vector<Tensor>;

void append(Tensors& to, const Tensors& values) {
  to.insert(to.end(), values.begin(), values.end());
}

/// All that an interpolation may look at, beside t and h.
Tensors values_of(const StepInputs& in, const StepOutputs& out) {
  Tensors values = in.y;
  append(values, in.carry);
  append(values, out.y);
  append(values, out.carry);
  append(values, out.dense);
  return values;
}

struct Spec {
  Shape shape;
  DType dtype;
  RowClass row_class;
};

Spec spec_of(Tensor x) { return {x.shape(), x.dtype(), x.row_class()}; }

Tensors declare(Recording& recording, const std::string& name, const std::vector<Spec>& specs) {
  Tensors values;
  for (std::size_t i = 0; i < specs.size(); ++i) {
    values.push_back(recording.input(name + std::to_string(i), specs[i].shape, specs[i].dtype,
                                     specs[i].row_class));
  }
  return values;
}

std::vector<Spec> member_specs(const Dynamics& dynamics) {
  std::vector<Spec> specs;
  for (const Member& m : dynamics.members) {
    specs.push_back({m.shape, m.dtype, m.shape.has_rows() ? RowClass::per_row : RowClass::row_sum});
  }
  return specs;
}

/// The extents of a solver's own values: known once its start and its step are recorded.
struct StepSpecs {
  std::vector<Spec> carry, dense;
};

StepSpecs record_step(const SolveSetting& setting) {
  const Dynamics& dynamics = setting.dynamics();
  Recording recording;
  Tensors constants;
  for (const InputSpec& s : dynamics.constants) {
    constants.push_back(recording.input(s.name, s.shape, s.dtype));
  }
  StepInputs in;
  in.t = recording.input("t", {1}, DType::f64);
  in.h = recording.input("h", {1}, DType::f64);
  in.y = declare(recording, "y", member_specs(dynamics));
  const auto rates = setting.rates(dynamics, constants);
  StepSpecs specs;
  for (const Tensor& value : setting.solver().start(*rates, in.t, in.y)) {
    specs.carry.push_back(spec_of(value));
  }
  in.carry = declare(recording, "carry", specs.carry);
  for (const Tensor& value : setting.solver().step(*rates, in).dense) {
    specs.dense.push_back(spec_of(value));
  }
  return specs;
}

/// (x, t, h, values of the step) to the wanted members at t + x h.
Program record_interpolation(const SolveSetting& setting, const StepSpecs& specs,
                             const std::vector<std::size_t>& wanted) {
  const std::vector<Spec> members = member_specs(setting.dynamics());
  Recording recording;
  const Tensor x = recording.input("x", {1}, DType::f64);
  StepInputs in;
  StepOutputs out;
  in.t = recording.input("t", {1}, DType::f64);
  in.h = recording.input("h", {1}, DType::f64);
  in.y = declare(recording, "y", members);
  in.carry = declare(recording, "carry", specs.carry);
  out.y = declare(recording, "end", members);
  out.carry = declare(recording, "end_carry", specs.carry);
  out.dense = declare(recording, "dense", specs.dense);
  const State all = setting.solver().interpolate(x, in, out);
  Tensors outputs;
  for (const std::size_t m : wanted) outputs.push_back(all[m]);
  return optimize(recording.program(outputs));
}

std::vector<bool> used_inputs(const Program& program) {
  std::vector<bool> read(program.nodes.size(), false);
  for (const Node& node : program.nodes) {
    for (const ValueId operand : node.operands) read[static_cast<std::size_t>(operand)] = true;
  }
  for (const ValueId output : program.outputs) read[static_cast<std::size_t>(output)] = true;
  std::vector<bool> used;
  for (const ValueId input : program.inputs) used.push_back(read[static_cast<std::size_t>(input)]);
  return used;
}

constexpr std::size_t kScalars = 3;  // x, t, h lead the interpolation's inputs

}  // namespace

Trajectory make_trajectory(const SolveSetting& setting, const std::vector<std::size_t>& wanted) {
  const auto program =
      std::make_shared<const Program>(record_interpolation(setting, record_step(setting), wanted));
  const std::vector<bool> used = used_inputs(*program);
  Trajectory trajectory;
  trajectory.record = {{"step begin", {1}, DType::f64}, {"step length", {1}, DType::f64}};
  for (std::size_t i = kScalars; i < used.size(); ++i) {
    const Node& input = (*program)[program->inputs[i]];
    if (used[i]) trajectory.record.push_back({program->input_names[i], input.shape, input.dtype});
  }
  trajectory.extra = [used](const StepInputs& in, const StepOutputs& out, std::span<const Tensor>) {
    const Tensors values = values_of(in, out);
    Tensors kept;
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (used[kScalars + i]) kept.push_back(values[i]);
    }
    return kept;
  };
  trajectory.states = [program, used](Tensor t, std::span<const Tensor> record) {
    Tensors arguments{(t - record[0]) / record[1], record[0], record[1]};
    std::size_t next = 2;
    for (std::size_t i = kScalars; i < used.size(); ++i) {
      const Node& input = (*program)[program->inputs[i]];
      arguments.push_back(used[i] ? record[next++] : full(t, input.shape, 0.0, input.dtype));
    }
    return inline_call(*program, arguments);
  };
  return trajectory;
}

}  // namespace interpolated
