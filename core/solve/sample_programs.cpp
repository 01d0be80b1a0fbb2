// SPDX-License-Identifier: Apache-2.0
#include "solve/sample_programs.hpp"

#include <algorithm>
#include <cmath>

#include "odeum/error.hpp"
#include "solve/error_norm.hpp"
#include "solve/first_step.hpp"
#include "solve/rates.hpp"
#include "solve/row_norm.hpp"

namespace odeum::solve {
namespace {

/// A column of a packed [rows, entries].
Tensor column(Tensor packed, int index) {
  return reshape(slice(packed, 1, index, index + 1), {kRows});
}

Tensor packed(const std::vector<Tensor>& columns) {
  std::vector<Tensor> parts;
  for (const Tensor& c : columns) parts.push_back(reshape(c, {kRows, 1}));
  return concat(parts, 1);
}

Tensor all_rows(Tensor like, double value) { return full(like, {kRows}, value, DType::f64); }

/// A recording of one round of attempted steps.
struct RecordedRound {
  Recording recording;
  Tensor control;
  std::vector<Tensor> memory;
  StepInputs in;
  std::vector<Tensor> constants;
  StepOutputs out;
  std::int64_t evaluations = 0;

  RecordedRound(const Method& method, const std::vector<ValueSpec>& carry, DenseOutput dense) {
    const auto memories = static_cast<std::int64_t>(method.controller.initial_memory().size());
    const std::int64_t entries = SampleAttemptProgram::control_size + memories;
    control = recording.input("control", {kRows, entries}, DType::f64);
    in.t = column(control, SampleAttemptProgram::t);
    in.h = column(control, SampleAttemptProgram::h);
    for (int i = 0; i < memories; ++i) {
      memory.push_back(column(control, SampleAttemptProgram::control_size + i));
    }
    in.y = declare(recording, member_specs(method.dynamics));
    in.carry = declare(recording, carry);
    in.dense_output = dense;
    constants = declare_constants(recording, method.dynamics);
    CountedRates rates(method.dynamics, method.options, constants);
    out = method.solver.step(rates, in);
    evaluations = rates.calls();
  }
};

std::vector<Tensor> kept_or_new(Tensor accept, const std::vector<Tensor>& fresh,
                                const std::vector<Tensor>& old) {
  std::vector<Tensor> result;
  for (std::size_t i = 0; i < fresh.size(); ++i) {
    result.push_back(
        select(broadcast(matched(accept, fresh[i]), fresh[i].shape()), fresh[i], old[i]));
  }
  return result;
}

}  // namespace

SampleStartProgram record_sample_start(const Method& method, FirstStep first) {
  Recording recording;
  const Tensor control =
      recording.input("control", {kRows, SampleStartProgram::control_size}, DType::f64);
  const Tensor t = column(control, SampleStartProgram::t);
  const Tensor span = column(control, SampleStartProgram::span);
  const State y = declare(recording, member_specs(method.dynamics));
  const std::vector<Tensor> constants = declare_constants(recording, method.dynamics);
  CountedRates rates(method.dynamics, method.options, constants);

  std::vector<Tensor> outputs = method.solver.start(rates, t, y);
  SampleStartProgram start;
  start.carry = specs_of("carry", outputs);
  Tensor step = all_rows(control, 0.0);
  Tensor bad = all_rows(control, 0.0);
  if (first == FirstStep::chosen) {
    step = choose_first_step(rates, t, span, y, method, row_state_norm);
    bad = row_non_finite(rates(t, y));
  }
  outputs.insert(outputs.begin(), packed({step, bad}));
  start.evaluations = rates.calls();
  start.program = recording.program(outputs);
  return start;
}

SampleAttemptProgram record_sample_attempt(const Method& method,
                                           const std::vector<ValueSpec>& carry,
                                           const IntegratorRequest& request) {
  const bool dense = request.save == SaveTimes::interpolated ||
                     (request.extra && request.extra_dense == DenseOutput::wanted);
  RecordedRound round(method, carry, dense ? DenseOutput::wanted : DenseOutput::not_wanted);
  const std::span<const Member> members = method.dynamics.members;
  const StepInputs& in = round.in;
  const StepOutputs& out = round.out;
  const Tensor bad = row_non_finite(out.y);
  const Tensor one = all_rows(bad, 1.0);
  const Tensor finite = less(bad, all_rows(bad, 0.5));
  Tensor ratio = row_error_norm(out.error, in.y, out.y, members, method.options);
  ratio = select(finite, ratio, all_rows(bad, HUGE_VAL));
  const Tensor bounded = less(ratio, all_rows(bad, HUGE_VAL));
  Tensor convergence = all_rows(bad, 0.0);
  if (out.convergence) convergence = broadcast(out.convergence, {kRows});
  const Tensor converged = max(less(convergence, one), equal(convergence, one));

  const ControlOutputs control = method.controller.decide(
      {ratio, in.h, round.memory, std::max(1, method.solver.error_order())});
  const Tensor active = column(round.control, SampleAttemptProgram::active);
  const Tensor clipped = column(round.control, SampleAttemptProgram::clipped);
  const Tensor accept = max(control.accept, clipped) * active * bounded * converged;

  std::vector<Tensor> decision{accept, control.next_h, ratio, bad, convergence};
  decision.insert(decision.end(), control.memory.begin(), control.memory.end());
  std::vector<Tensor> outputs{packed(decision)};
  const auto append = [&](const std::vector<Tensor>& values) {
    outputs.insert(outputs.end(), values.begin(), values.end());
  };
  append(kept_or_new(accept, out.y, in.y));
  append(kept_or_new(accept, out.carry, in.carry));

  SampleAttemptProgram attempt;
  if (request.save == SaveTimes::interpolated) {
    append(out.dense);
    attempt.dense = specs_of("dense", out.dense);
  }
  if (request.extra) {
    const std::vector<Tensor> extra = request.extra(in, out, round.constants);
    append(extra);
    attempt.extra = specs_of("extra", extra);
  }
  attempt.evaluations = round.evaluations;
  attempt.program = round.recording.program(outputs);
  return attempt;
}

Program record_sample_interpolation(const Method& method, const std::vector<ValueSpec>& carry,
                                    const std::vector<ValueSpec>& dense) {
  Recording recording;
  const Tensor control = recording.input("control", {kRows, 3}, DType::f64);
  StepInputs in;
  StepOutputs out;
  in.t = column(control, 1);
  in.h = column(control, 2);
  in.y = declare(recording, member_specs(method.dynamics));
  in.carry = declare(recording, carry);
  out.y = declare(recording, member_specs(method.dynamics));
  out.carry = declare(recording, carry);
  out.dense = declare(recording, dense);
  return recording.program(method.solver.interpolate(column(control, 0), in, out));
}

Program record_sample_diagnosis(const Method& method, const std::vector<ValueSpec>& carry) {
  const RecordedRound round(method, carry, DenseOutput::not_wanted);
  std::vector<Tensor> outputs = round.out.y;
  for (std::size_t m = 0; m < round.in.y.size(); ++m) {
    const Member& member = method.dynamics.members[m];
    if (!member.in_error_norm) continue;
    outputs.push_back(error_over_tolerance(round.out.error[m], round.in.y[m], round.out.y[m],
                                           member, method.options));
  }
  return round.recording.program(outputs);
}

}  // namespace odeum::solve
