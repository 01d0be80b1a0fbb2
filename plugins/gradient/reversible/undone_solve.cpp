// SPDX-License-Identifier: Apache-2.0
#include "undone_solve.hpp"

#include <algorithm>
#include <cmath>

#include "odeum/transforms.hpp"

namespace reversible {
namespace {

using Tensors = std::vector<Tensor>;

void append(Tensors& to, const Tensors& from) { to.insert(to.end(), from.begin(), from.end()); }

Tensors constants_of(const Tensors& values) {
  Tensors result;
  for (const Tensor& value : values) result.push_back(stop_gradient(value));
  return result;
}

/// One program for a step led back and differentiated: (t, h, members and carry at its end,
/// constants, cotangents) to a StepReversal's results, then members and carry at its beginning.
StepReversal record_undoing(const SolveSetting& setting, const std::vector<ArraySpec>& carry,
                            const std::vector<bool>& wanted) {
  StepRecording step(setting.dynamics(), carry);
  const Tensors seeds = step.cotangents();
  const auto rates = setting.rates(setting.dynamics(), step.constants);
  StepInputs end = step.in;
  end.t = step.in.t + step.in.h;
  const StepOutputs undone = setting.solver().undo(*rates, end);

  // Where the step began is a point to differentiate at, whatever it was computed from.
  StepInputs begin = step.in;
  begin.y = constants_of(undone.y);
  begin.carry = constants_of(undone.carry);
  Tensors variables = step.variables(wanted);
  auto at = std::copy(begin.y.begin(), begin.y.end(), variables.begin() + 2);
  std::copy(begin.carry.begin(), begin.carry.end(), at);
  const StepOutputs out = setting.solver().step(*rates, begin);

  StepReversal reversal;
  reversal.evaluations = rates->calls();
  Tensors results = results_of(undone);
  append(results, vjp(results_of(out), variables, seeds));
  reversal.program = optimize(step.recording.program(results));
  reversal.arguments = step.arguments;
  reversal.used.assign(reversal.arguments.size(), true);
  return reversal;
}

/// (members led back, members at the start) to by state member the largest row's RMS of their
/// difference over the tolerance, float64 [1]; not a number where one is met.
Program record_drift(const SolveSetting& setting) {
  const Dynamics& dynamics = setting.dynamics();
  Recording recording;
  const Tensors reached = declare(recording, "reached", member_specs_of(dynamics));
  const Tensors start = declare(recording, "start", member_specs_of(dynamics));
  const Tensors constants = declare_constants(recording, dynamics);
  const auto rates = setting.rates(dynamics, constants);
  Tensors misses;
  for (std::size_t m = 0; m < start.size(); ++m) {
    if (rates->quadrature(m)) continue;
    const Tensor off =
        (reached[m] - start[m]) / rates->tolerance(m, max(abs(reached[m]), abs(start[m])));
    Tensor miss = square(cast(off, DType::f64));
    if (miss.rank() > 1) miss = mean_features(miss);
    misses.push_back(reshape(sqrt(reduce_max(miss, {0})), {1}));
  }
  return recording.program(misses);
}

std::vector<ArraySpec> joined(std::vector<ArraySpec> a, const std::vector<ArraySpec>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

std::size_t states_of(const Dynamics& dynamics) {
  const std::vector<bool> quadrature = quadratures(dynamics);
  return static_cast<std::size_t>(std::count(quadrature.begin(), quadrature.end(), false));
}

/// The forward solve also writes where each step ends, one over the other: the last stays.
IntegratorRequest ends_to(const Arrays& end) {
  IntegratorRequest request;
  request.extra = [](const StepInputs&, const StepOutputs& out, std::span<const Tensor>) {
    return results_of(out);
  };
  request.extra_dense = DenseOutput::not_wanted;
  request.extra_at = [&end](std::int64_t) { return std::span<const View>(end.views()); };
  return request;
}

}  // namespace

UndoneSolve::UndoneSolve(std::unique_ptr<SolveSetting> setting, const std::vector<bool>& wanted,
                         double drift)
    : setting_(std::move(setting)),
      drift_(drift),
      sweep_(*setting_, wanted),
      reversal_(record_undoing(*setting_, sweep_.carry(), wanted)),
      run_undo_(sweep_.compile(reversal_.program)),
      run_drift_(setting_->compile(record_drift(*setting_), {.name = "drift", .outputs = {}})),
      end_(setting_->device(), state_specs()),
      states_{{setting_->device(), state_specs()}, {setting_->device(), state_specs()}},
      misses_(setting_->device(),
              {states_of(setting_->dynamics()), ArraySpec{{1}, DType::f64, RowClass::none}}),
      integrator_(setting_->integrator(setting_->dynamics(), setting_->options(), ends_to(end_))) {}

std::vector<ArraySpec> UndoneSolve::state_specs() const {
  return joined(member_specs_of(setting_->dynamics()), sweep_.carry());
}

SolveReport UndoneSolve::forward(const SolveCall& call) {
  sweep_.open();
  end_.place(call.rows);
  SolveCall own = call;
  own.observer = [&](const AcceptedStep& step) {
    sweep_.observe(step);
    if (call.observer) call.observer(step);
  };
  return integrator_->integrate(own);
}

SolveReport UndoneSolve::backward(const SolveCall& call, std::span<const View> result_cotangents,
                                  const CotangentTargets& targets) {
  Device& device = setting_->device();
  for (Arrays& state : states_) state.place(call.rows);
  current_ = 0;
  for (std::size_t i = 0; i < end_.views().size(); ++i) {
    device.copy(states_[0].views()[i], end_.views()[i], end_.bytes(i));
  }
  SolveReport report =
      sweep_.run(call, result_cotangents, targets,
                 [this](const ReverseSweep::Reversed& step) { return undo(step); });
  if (sweep_.steps().empty()) return report;
  report.error_ratio = drifted(call);
  if (!(report.error_ratio <= 1.0)) {
    report.status = Status::drifted;
    report.t = call.times.back();
  }
  return report;
}

std::int64_t UndoneSolve::undo(const ReverseSweep::Reversed& step) {
  std::vector<View> results = states_[1 - current_].views();
  results.insert(results.end(), step.results.begin(), step.results.end());
  run_undo_->run(step.rows, sweep_.arguments(reversal_, step, states_[current_].views(), {}),
                 results);
  current_ = 1 - current_;
  return reversal_.evaluations;
}

/// By how much the steps undone miss the start, over what is allowed.
double UndoneSolve::drifted(const SolveCall& call) {
  const std::vector<View>& reached = states_[current_].views();
  const auto members = static_cast<std::ptrdiff_t>(call.initial.size());
  std::vector<View> arguments(reached.begin(), reached.begin() + members);
  arguments.insert(arguments.end(), call.initial.begin(), call.initial.end());
  arguments.insert(arguments.end(), call.constants.begin(), call.constants.end());
  misses_.place(1);
  run_drift_->run(call.rows, arguments, misses_.views());
  double worst = 0.0;
  for (const View& view : misses_.views()) {
    double miss = 0.0;
    setting_->device().download(&miss, view, sizeof miss);
    worst = miss <= worst ? worst : miss;  // not a number stays
    if (std::isnan(worst)) break;
  }
  return worst / drift_;
}

std::size_t UndoneSolve::kept_bytes() const {
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < end_.views().size(); ++i) bytes += end_.bytes(i);
  return bytes;
}

std::optional<std::size_t> UndoneSolve::estimate_kept_bytes(std::int64_t rows, std::int64_t,
                                                            std::int64_t) const {
  std::size_t bytes = 0;
  for (const ArraySpec& spec : end_.specs()) bytes += bytes_of(spec, rows);
  return bytes;
}

}  // namespace reversible
