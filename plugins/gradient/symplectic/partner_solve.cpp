// SPDX-License-Identifier: Apache-2.0
#include "partner_solve.hpp"

#include <algorithm>
#include <limits>

namespace symplectic {
namespace {

/// The call, with the accepted steps seen by the sweep and by `keep`.
template <class Keep>
SolveCall observed(const SolveCall& call, ReverseSweep& sweep, const Keep& keep) {
  SolveCall own = call;
  own.observer = [&call, &sweep, keep](const AcceptedStep& step) {
    sweep.observe(step);
    keep(step);
    if (call.observer) call.observer(step);
  };
  return own;
}

}  // namespace

PartnerSolve::PartnerSolve(std::unique_ptr<SolveSetting> setting, const std::vector<bool>& wanted)
    : setting_(std::move(setting)),
      sweep_(*setting_, wanted, Carry::left_out),
      partner_(make_partner(*setting_, wanted)),
      run_points_(setting_->compile(partner_.points, {.name = "stages", .outputs = {}})),
      records_(setting_->device(), state_specs(1)),
      points_(setting_->device(), state_specs(partner_.stages.size() - 1)),
      mu_(setting_->device(), state_specs(partner_.stages.size())),
      integrator_(setting_->integrator(setting_->dynamics(), setting_->options(), {})) {
  for (const StageReversal& stage : partner_.reversals) {
    CompileOptions options{.name = "stage, reversed", .outputs = {}};
    options.outputs.assign(stage.program.outputs.size(), OutputMode::accumulate);
    std::fill_n(options.outputs.begin(), partner_.states.size(), OutputMode::overwrite);
    run_stages_.push_back(setting_->compile(stage.program, options));
  }
}

/// The state members, so many times over.
std::vector<ArraySpec> PartnerSolve::state_specs(std::size_t times) const {
  const std::vector<ArraySpec> members = member_specs_of(setting_->dynamics());
  std::vector<ArraySpec> specs;
  for (std::size_t i = 0; i < times; ++i) {
    for (const std::size_t m : partner_.states) specs.push_back(members[m]);
  }
  return specs;
}

SolveReport PartnerSolve::forward(const SolveCall& call) {
  sweep_.open();
  records_.open(call.rows, std::numeric_limits<std::size_t>::max());
  const std::vector<ArraySpec> specs = state_specs(1);
  return integrator_->integrate(observed(call, sweep_, [&](const AcceptedStep& step) {
    const std::span<const View> record = records_.at(static_cast<std::size_t>(step.index));
    for (std::size_t s = 0; s < specs.size(); ++s) {
      setting_->device().copy(record[s], step.y[partner_.states[s]], bytes_of(specs[s], call.rows));
    }
  }));
}

SolveReport PartnerSolve::backward(const SolveCall& call, std::span<const View> result_cotangents,
                                   const CotangentTargets& targets) {
  points_.place(call.rows);
  mu_.place(call.rows);
  return sweep_.run(call, result_cotangents, targets,
                    [this](const ReverseSweep::Reversed& step) { return reverse(step); });
}

std::int64_t PartnerSolve::reverse(const ReverseSweep::Reversed& step) {
  Device& device = setting_->device();
  const std::span<const View> begin = records_.at(step.index);
  const std::vector<ArraySpec> members = member_specs_of(setting_->dynamics());
  const auto scalar = sizeof(double);
  for (std::size_t i = 0; i < 2; ++i) {
    if (step.results[i]) device.fill_zero(step.results[i], scalar);
  }
  for (std::size_t m = 0; m < members.size(); ++m) {
    device.copy(step.results[2 + m], step.after[m], bytes_of(members[m], step.rows));
  }
  if (partner_.stages.size() > 1) {
    std::vector<View> arguments{step.t, step.h};
    arguments.insert(arguments.end(), begin.begin(), begin.end());
    arguments.insert(arguments.end(), step.constants.begin(), step.constants.end());
    run_points_->run(step.rows, arguments, points_.views());
  }
  const std::size_t states = partner_.states.size();
  for (std::size_t n = 0; n < partner_.reversals.size(); ++n) {
    const std::size_t stage = partner_.stages.size() - 1 - n;
    reverse_stage(
        step, n,
        stage == 0 ? begin
                   : std::span<const View>(points_.views()).subspan((stage - 1) * states, states));
  }
  return partner_.evaluations;
}

void PartnerSolve::reverse_stage(const ReverseSweep::Reversed& step, std::size_t n,
                                 std::span<const View> point) {
  const StageReversal& reversal = partner_.reversals[n];
  const std::size_t states = partner_.states.size();
  const std::size_t members = setting_->dynamics().members.size();
  const auto mu_of = [&](std::size_t stage) {
    const auto found = std::find(partner_.stages.begin(), partner_.stages.end(), stage);
    const auto place = static_cast<std::size_t>(found - partner_.stages.begin());
    return std::span<const View>(mu_.views()).subspan(place * states, states);
  };
  std::vector<View> arguments{step.t, step.h};
  const auto append = [&](std::vector<View>& to, std::span<const View> views) {
    to.insert(to.end(), views.begin(), views.end());
  };
  append(arguments, point);
  append(arguments, step.after.first(members));
  for (const std::size_t j : reversal.later) append(arguments, mu_of(j));
  append(arguments, step.constants);

  std::vector<View> results;
  append(results, mu_of(reversal.stage));
  for (const std::size_t m : partner_.states) results.push_back(step.results[2 + m]);
  append(results, step.results.first(2));
  append(results, step.results.subspan(2 + members));
  run_stages_[n]->run(step.rows, arguments, results);
}

std::size_t PartnerSolve::kept_bytes() const {
  return sweep_.steps().size() * records_.bytes_per_record();
}

std::optional<std::size_t> PartnerSolve::estimate_kept_bytes(std::int64_t rows, std::int64_t,
                                                             std::int64_t steps) const {
  return static_cast<std::size_t>(steps) * records_.bytes_per_record(rows);
}

ImplicitPartnerSolve::ImplicitPartnerSolve(std::unique_ptr<SolveSetting> setting,
                                           const std::vector<bool>& wanted)
    : setting_(std::move(setting)),
      sweep_(*setting_, wanted),
      reversal_(record_step_reversal(*setting_, sweep_.carry(), wanted)),
      run_(sweep_.compile(reversal_.program)),
      kept_(*setting_, sweep_, reversal_),
      integrator_(setting_->integrator(setting_->dynamics(), setting_->options(), {})) {}

SolveReport ImplicitPartnerSolve::forward(const SolveCall& call) {
  sweep_.open();
  kept_.open(call.rows, {});
  return integrator_->integrate(
      observed(call, sweep_, [this](const AcceptedStep& step) { kept_.observe(step); }));
}

SolveReport ImplicitPartnerSolve::backward(const SolveCall& call,
                                           std::span<const View> result_cotangents,
                                           const CotangentTargets& targets) {
  return sweep_.run(call, result_cotangents, targets, [this](const ReverseSweep::Reversed& step) {
    const std::span<const View> state = kept_.at(step.index, step.constants);
    run_->run(step.rows, sweep_.arguments(reversal_, step, state, {}), step.results);
    return reversal_.evaluations;
  });
}

std::size_t ImplicitPartnerSolve::kept_bytes() const { return kept_.kept_bytes(); }

std::optional<std::size_t> ImplicitPartnerSolve::estimate_kept_bytes(std::int64_t rows,
                                                                     std::int64_t,
                                                                     std::int64_t steps) const {
  return static_cast<std::size_t>(steps) * kept_.bytes_per_record(rows);
}

}  // namespace symplectic
