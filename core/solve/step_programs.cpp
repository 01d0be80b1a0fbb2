// SPDX-License-Identifier: Apache-2.0
#include "solve/step_programs.hpp"

#include <cmath>

#include "odeum/transforms.hpp"
#include "solve/error_norm.hpp"
#include "solve/first_step.hpp"
#include "solve/forecast.hpp"
#include "solve/pace.hpp"
#include "solve/rates.hpp"

namespace odeum::solve {

std::vector<Tensor> declare(Recording& recording, const std::vector<ValueSpec>& specs) {
  std::vector<Tensor> inputs;
  for (const ValueSpec& s : specs) {
    inputs.push_back(recording.input(s.name, s.shape, s.dtype, s.row_class));
  }
  return inputs;
}

std::vector<Tensor> declare_constants(Recording& recording, const Dynamics& dynamics) {
  std::vector<Tensor> inputs;
  for (const InputSpec& s : dynamics.constants) {
    inputs.push_back(recording.input(s.name, s.shape, s.dtype));
  }
  return inputs;
}

std::vector<ValueSpec> specs_of(const std::string& name, const std::vector<Tensor>& values) {
  std::vector<ValueSpec> specs;
  for (std::size_t i = 0; i < values.size(); ++i) {
    specs.push_back(
        {name + std::to_string(i), values[i].shape(), values[i].dtype(), values[i].row_class()});
  }
  return specs;
}

namespace {

Tensor entry(Tensor control, int index) { return slice(control, 0, index, index + 1); }

Tensor non_finite_entries(const State& values, std::span<const Member> members, Tensor like) {
  Tensor count = full(like, {1}, 0.0);
  for (std::size_t m = 0; m < members.size(); ++m) {
    // Sums over rows are looked at by whoever uses them: they feed nothing back.
    if (members[m].shape.has_rows()) count = count + count_non_finite(values[m]);
  }
  return count;
}

/// The in- and outputs of a step already taken, as inputs.
void declare_step(Recording& recording, const Method& method, const std::vector<ValueSpec>& carry,
                  const std::vector<ValueSpec>& dense, StepInputs& in, StepOutputs& out) {
  in.y = declare(recording, member_specs(method.dynamics));
  in.carry = declare(recording, carry);
  out.y = declare(recording, member_specs(method.dynamics));
  out.carry = declare(recording, carry);
  out.dense = declare(recording, dense);
}

// CVODE's reduction of a step whose nonlinear solver has not converged (Cohen, Hindmarsh, CVODE,
// a stiff/nonstiff ODE solver in C, Comput. Phys. 10 (1996), ETACF).
constexpr double kShorter = 0.25;

/// The largest convergence of all rows, not a number if one is; 0 where nothing was iterated.
Tensor largest_convergence(Tensor convergence, Tensor like) {
  if (!convergence) return full(like, {1}, 0.0);
  return convergence.shape().has_rows() ? reshape(reduce_max(convergence, {0}), {1}) : convergence;
}

/// The controller's decision where the step has converged, else to repeat it shorter.
ControlOutputs unless_diverged(Tensor convergence, const ControlOutputs& decided, Tensor h,
                               const std::vector<Tensor>& memory) {
  const Tensor converged = less(convergence, full(convergence, {1}, std::nextafter(1.0, 2.0)));
  ControlOutputs control{select(converged, decided.accept, zeros_like(decided.accept)),
                         select(converged, decided.next_h, kShorter * h),
                         {}};
  for (std::size_t i = 0; i < memory.size(); ++i) {
    control.memory.push_back(select(converged, decided.memory[i], memory[i]));
  }
  return control;
}

/// A recording of one attempted step: what `record_attempt` and `record_diagnosis` share.
struct RecordedStep {
  Recording recording;
  Tensor control;
  std::vector<Tensor> memory;
  StepInputs in;
  std::vector<Tensor> constants;
  StepOutputs out;
  std::int64_t evaluations = 0;

  /// `more` numbers come behind the control's own.
  RecordedStep(const Method& method, const std::vector<ValueSpec>& carry, DenseOutput dense,
               std::int64_t more = 0) {
    const auto memories = static_cast<std::int64_t>(method.controller.initial_memory().size());
    control =
        recording.input("control", {AttemptProgram::control_size + memories + more}, DType::f64);
    in.t = entry(control, AttemptProgram::t);
    in.h = entry(control, AttemptProgram::h);
    for (int i = 0; i < memories; ++i) {
      memory.push_back(entry(control, AttemptProgram::control_size + i));
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

struct Judged {
  Tensor ratio, non_finite, convergence;
};

struct Verdict {
  Tensor finite, accepted;
};

/// As the loop judges an attempt.
Verdict judge(const RecordedStep& step, Tensor accept, const Judged& judged,
              const SolveOptions& options) {
  const auto number = [&](double value) { return full(step.in.h, {1}, value); };
  const Tensor finite =
      less(judged.non_finite, number(0.5)) * less(abs(judged.ratio), number(HUGE_VAL));
  const Tensor converged = less(judged.convergence, number(std::nextafter(1.0, 2.0)));
  Tensor passes = 1.0 - equal(accept, number(0.0));
  if (options.at_min_step == AtMinStep::clip) {
    passes = max(passes, 1.0 - less(number(kStretch * options.min_step), abs(step.in.h)));
  }
  return {finite, finite * converged * passes};
}

/// [t, h, memory, course]
Tensor control_of(const Forecast& forecast, const std::vector<Tensor>& memory) {
  std::vector<Tensor> parts{forecast.t, forecast.h};
  parts.insert(parts.end(), memory.begin(), memory.end());
  parts.insert(parts.end(), forecast.course.begin(), forecast.course.end());
  return concat(parts, 0);
}

/// The control of the attempt that follows, and the members and carry that it begins with.
std::vector<Tensor> follow(const RecordedStep& step, const ControlOutputs& control,
                           const Judged& judged, const SolveOptions& options) {
  const Verdict verdict = judge(step, control.accept, judged, options);
  const std::int64_t size = step.control.shape()[0];
  const Forecast forecast =
      record_forecast({.t = step.in.t,
                       .h = step.in.h,
                       .course = slice(step.control, 0, size - Course::size, size),
                       .accepted = verdict.accepted,
                       .finite = verdict.finite,
                       .next_h = control.next_h},
                      options);
  std::vector<Tensor> outputs{control_of(forecast, control.memory)};
  const auto choose = [&](const std::vector<Tensor>& after, const std::vector<Tensor>& before) {
    for (std::size_t i = 0; i < after.size(); ++i) {
      outputs.push_back(select(matched(verdict.accepted, after[i]), after[i], before[i]));
    }
  };
  choose(step.out.y, step.in.y);
  choose(step.out.carry, step.in.carry);
  return outputs;
}

}  // namespace

bool Method::adaptive() const {
  const bool given = options.step > 0.0 || options.steps > 0;
  return !given && solver.error_order() > 0 && controller.adaptive();
}

std::vector<ValueSpec> member_specs(const Dynamics& dynamics) {
  std::vector<ValueSpec> specs;
  for (const Member& m : dynamics.members) {
    specs.push_back(
        {m.name, m.shape, m.dtype, m.shape.has_rows() ? RowClass::per_row : RowClass::row_sum});
  }
  return specs;
}

StartProgram record_start(const Method& method, FirstStep first, Following following) {
  const bool forecast = following == Following::forecast && first == FirstStep::chosen;
  constexpr std::int64_t kLandings = Course::size - Course::targets;
  Recording recording;
  const Tensor control = recording.input("control", {forecast ? 2 + kLandings : 2}, DType::f64);
  const Tensor t = entry(control, 0);
  const Tensor span = entry(control, 1);
  const State y = declare(recording, member_specs(method.dynamics));
  const std::vector<Tensor> constants = declare_constants(recording, method.dynamics);
  CountedRates rates(method.dynamics, method.options, constants);

  std::vector<Tensor> outputs = method.solver.start(rates, t, y);
  StartProgram start;
  start.carry = specs_of("carry", outputs);
  Tensor step = full(control, {1}, 0.0);
  Tensor bad = full(control, {1}, 0.0);
  if (first == FirstStep::chosen) {
    step = choose_first_step(rates, t, span, y, method, state_norm);
    bad = non_finite_entries(rates(t, y), method.dynamics.members, control);
  }
  if (forecast) {
    const Tensor targets = slice(control, 0, 2, 2 + kLandings);
    std::vector<Tensor> memory;
    for (const double value : method.controller.initial_memory()) {
      memory.push_back(full(control, {1}, value));
    }
    outputs.insert(outputs.begin(),
                   control_of(record_first_attempt(t, step, targets, method.options), memory));
  }
  outputs.insert(outputs.begin(), concat({step, bad}, 0));
  start.evaluations = rates.calls();
  start.program = recording.program(outputs);
  return start;
}

AttemptProgram record_attempt(const Method& method, const std::vector<ValueSpec>& carry,
                              const IntegratorRequest& request, Following following) {
  const bool interpolated =
      request.save == SaveTimes::interpolated || !request.events.events.empty();
  const bool dense = interpolated || (request.extra && request.extra_dense == DenseOutput::wanted);
  const bool forecast = following == Following::forecast;
  RecordedStep step(method, carry, dense ? DenseOutput::wanted : DenseOutput::not_wanted,
                    forecast ? Course::size : 0);
  const std::span<const Member> members = method.dynamics.members;
  const Tensor bad = non_finite_entries(step.out.y, members, step.control);
  Tensor ratio = full(step.control, {1}, 0.0);
  if (method.adaptive()) {
    ratio = error_norm(step.out.error, step.in.y, step.out.y, members, method.options);
    const Tensor finite = less(bad, full(bad, {1}, 0.5));
    ratio = select(finite, ratio, full(bad, {1}, HUGE_VAL));
  }
  ControlOutputs control{full(ratio, {1}, 1.0), step.in.h, step.memory};
  if (method.adaptive() || !method.controller.adaptive()) {
    control = method.controller.decide(
        {ratio, step.in.h, step.memory, std::max(1, method.solver.error_order())});
  }

  const Tensor convergence = largest_convergence(step.out.convergence, step.control);
  if (step.out.convergence) {
    control = unless_diverged(convergence, control, step.in.h, step.memory);
  }
  AttemptProgram attempt;
  if (step.out.convergence) attempt.iteration = specs_of("convergence", {step.out.convergence});
  std::vector<Tensor> decision{control.accept, control.next_h, ratio, bad, convergence};
  decision.insert(decision.end(), control.memory.begin(), control.memory.end());
  std::vector<Tensor> outputs{concat(decision, 0)};
  const auto append = [&](const std::vector<Tensor>& values) {
    outputs.insert(outputs.end(), values.begin(), values.end());
  };
  if (forecast) {
    append(follow(step, control, {ratio, bad, convergence}, method.options));
  } else {
    append(step.out.y);
    append(step.out.carry);
  }

  if (interpolated) {
    append(step.out.dense);
    attempt.dense = specs_of("dense", step.out.dense);
  }
  if (request.extra) {
    const std::vector<Tensor> extra = request.extra(step.in, step.out, step.constants);
    append(extra);
    attempt.extra = specs_of("extra", extra);
  }
  attempt.evaluations = step.evaluations;
  attempt.program = step.recording.program(outputs);
  return attempt;
}

Program record_interpolation(const Method& method, const std::vector<ValueSpec>& carry,
                             const std::vector<ValueSpec>& dense, std::int64_t points) {
  Recording recording;
  const Tensor control = recording.input("control", {2 + points}, DType::f64);
  StepInputs in;
  StepOutputs out;
  in.t = entry(control, 0);
  in.h = entry(control, 1);
  declare_step(recording, method, carry, dense, in, out);
  std::vector<Tensor> all;
  for (int i = 0; i < static_cast<int>(points); ++i) {
    const State y = method.solver.interpolate(entry(control, 2 + i), in, out);
    all.insert(all.end(), y.begin(), y.end());
  }
  return recording.program(all);
}

Program record_steadiness(const Method& method) {
  Recording recording;
  const Tensor t = recording.input("t", {1}, DType::f64);
  const State y = declare(recording, member_specs(method.dynamics));
  const std::vector<Tensor> constants = declare_constants(recording, method.dynamics);
  const State rates = method.dynamics.rates(t, y, constants);
  Tensor farthest = full(y.front(), {kRows}, 0.0, DType::f64);
  for (std::size_t m = 0; m < y.size(); ++m) {
    const Member& member = method.dynamics.members[m];
    if (!member.in_error_norm || !member.shape.has_rows()) continue;
    const Tensor ratio = cast(rates[m] / tolerance(abs(y[m]), member, method.options), DType::f64);
    const Tensor rms = ratio.rank() > 1 ? sqrt(mean_features(square(ratio))) : abs(ratio);
    farthest = max(farthest, member.norm_weight * rms);
  }
  return recording.program(std::span(&farthest, 1));
}

Program record_event_values(const Method& method, const EventFunctions& functions,
                            const std::vector<ValueSpec>& carry,
                            const std::vector<ValueSpec>& dense, std::int64_t points) {
  Recording recording;
  const Tensor control = recording.input("control", {2}, DType::f64);
  const Tensor at = recording.input("points", {points}, DType::f64);
  StepInputs in;
  StepOutputs out;
  in.t = entry(control, 0);
  in.h = entry(control, 1);
  declare_step(recording, method, carry, dense, in, out);
  const std::vector<Tensor> constants = declare_constants(recording, method.dynamics);

  const Tensor x = placeholder(in.t);
  const State y = method.solver.interpolate(x, in, out);
  const Tensor values = functions.values(in.t + x * in.h, y, constants);
  const Tensor slopes =
      jvp(std::span(&values, 1), std::span(&x, 1), std::vector<Tensor>{ones_like(x)}).front();
  const Tensor both = concat({cast(values, DType::f64), cast(slopes, DType::f64)});
  const std::vector<Tensor> mapped{reshape(at, {points, 1})};
  return recording.program(vmap(std::span(&both, 1), std::span(&x, 1), mapped));
}

Program record_diagnosis(const Method& method, const std::vector<ValueSpec>& carry) {
  const RecordedStep step(method, carry, DenseOutput::not_wanted);
  std::vector<Tensor> outputs = step.out.y;
  if (!step.out.error.empty()) {
    for (std::size_t m = 0; m < step.in.y.size(); ++m) {
      const Member& member = method.dynamics.members[m];
      if (!member.in_error_norm) continue;
      outputs.push_back(error_over_tolerance(step.out.error[m], step.in.y[m], step.out.y[m], member,
                                             method.options));
    }
  }
  if (step.out.convergence) outputs.push_back(step.out.convergence);
  return step.recording.program(outputs);
}

}  // namespace odeum::solve
