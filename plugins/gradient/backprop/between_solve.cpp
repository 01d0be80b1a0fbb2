// SPDX-License-Identifier: Apache-2.0
#include "between_solve.hpp"

#include <algorithm>
#include <array>

#include "odeum/tensor.hpp"
#include "odeum/transforms.hpp"

namespace backprop {
namespace {

using Tensors = std::vector<Tensor>;

/// So many times are taken together as one program takes: a power of two, the rest without
/// cotangents.
std::size_t together(std::size_t times) {
  std::size_t size = times == 0 ? 0 : 1;
  while (size < times) size *= 2;
  return size;
}

StepReversal reversal_of(const StepRecording& step, const Program& program,
                         std::int64_t evaluations) {
  StepReversal reversal;
  reversal.program = optimize(program);
  reversal.arguments = step.arguments;
  reversal.used = read_inputs(reversal.program);
  reversal.evaluations = evaluations;
  return reversal;
}

}  // namespace

BetweenSolve::BetweenSolve(std::unique_ptr<SolveSetting> setting, std::vector<bool> wanted,
                           Policy policy)
    : setting_(std::move(setting)),
      wanted_(std::move(wanted)),
      policy_(policy),
      sweep_(*setting_, wanted_),
      whole_(record(1, std::vector<bool>(setting_->dynamics().members.size(), true)).reversal),
      checkpoints_(*setting_, sweep_, whole_),
      integrator_(
          setting_->integrator(setting_->dynamics(), setting_->options(),
                               {.save = SaveTimes::interpolated, .extra = {}, .extra_at = {}})) {}

BetweenSolve::~BetweenSolve() = default;

/// Extras: the times; then, time by time, the cotangents of the members that have some. Behind a
/// StepReversal's results the cotangents of the times.
BetweenSolve::Within BetweenSolve::record(std::size_t times,
                                          const std::vector<bool>& members) const {
  const Dynamics& dynamics = setting_->dynamics();
  StepRecording step(dynamics, sweep_.carry());
  Tensors seeds = step.cotangents();
  const auto rates = setting_->rates(dynamics, step.constants);
  StepInputs in = step.in;
  in.dense_output = times > 0 ? DenseOutput::wanted : DenseOutput::not_wanted;
  const StepOutputs out = setting_->solver().step(*rates, in);
  Tensors outputs = results_of(out);
  Tensors variables = step.variables(wanted_);
  if (times > 0) {
    const Tensor at = step.extra({{static_cast<std::int64_t>(times)}, DType::f64, RowClass::none});
    variables.push_back(at);
    for (std::size_t k = 0; k < times; ++k) {
      const auto index = static_cast<std::int64_t>(k);
      const Tensor x = (slice(at, 0, index, index + 1) - in.t) / in.h;
      const State state = setting_->solver().interpolate(x, in, out);
      for (std::size_t m = 0; m < members.size(); ++m) {
        if (!members[m]) continue;
        outputs.push_back(state[m]);
        seeds.push_back(step.extra(member_specs_of(dynamics)[m]));
      }
    }
  }
  const Program program = step.recording.program(vjp(outputs, variables, seeds));
  return {reversal_of(step, program, rates->calls()), nullptr};
}

BetweenSolve::Within& BetweenSolve::within(std::size_t times, const std::vector<bool>& members) {
  const auto [slot, made] = within_.try_emplace({times, members});
  Within& found = slot->second;
  if (!made) return found;
  found = record(times, members);
  CompileOptions options{.name = "step, reversed", .outputs = {}};
  options.outputs.assign(found.reversal.program.outputs.size(), OutputMode::overwrite);
  const auto constants = std::count(wanted_.begin(), wanted_.end(), true);
  const auto end = options.outputs.end() - (times > 0 ? 1 : 0);
  std::fill(end - constants, end, OutputMode::accumulate);
  found.run = setting_->compile(found.reversal.program, options);
  return found;
}

SolveReport BetweenSolve::forward(const SolveCall& call) {
  sweep_.open();
  checkpoints_.open(call.rows, policy_.checkpoints());
  SolveCall kept = call;
  kept.observer = [&](const AcceptedStep& step) {
    AcceptedStep of_whole = step;
    of_whole.interval = 0;
    sweep_.observe(of_whole);
    checkpoints_.observe(step);
    if (call.observer) call.observer(step);
  };
  return integrator_->integrate(kept);
}

/// To the sweep it is a solve from start to end, between which steps have fixed places.
SolveReport BetweenSolve::backward(const SolveCall& call, std::span<const View> result_cotangents,
                                   const CotangentTargets& targets) {
  const std::size_t members = setting_->dynamics().members.size();
  const std::size_t between = call.times.size() - 2;
  Pass pass{call, result_cotangents, targets.times, std::vector<bool>(members, false), between + 1};
  for (std::size_t i = 0; i < between * members; ++i) {
    if (result_cotangents[i]) pass.members[i % members] = true;
  }
  std::fill(targets.times.begin(), targets.times.end(), 0.0);
  const std::array ends{call.times.front(), call.times.back()};
  std::array<double, 2> of_ends{};
  SolveCall whole = call;
  whole.times = ends;
  CotangentTargets wanted = targets;
  if (!targets.times.empty()) wanted.times = of_ends;
  SolveReport report =
      sweep_.run(whole, result_cotangents.last(members), wanted,
                 [&](const ReverseSweep::Reversed& step) { return reverse(pass, step); });
  if (!targets.times.empty()) {
    targets.times.front() += of_ends[0];
    targets.times.back() += of_ends[1];
  }
  report.reached = static_cast<std::int64_t>(call.times.size());
  return report;
}

std::int64_t BetweenSolve::reverse(Pass& pass, const ReverseSweep::Reversed& step) {
  Device& device = setting_->device();
  const TakenStep& taken = sweep_.steps()[step.index];
  const std::size_t members = pass.members.size();
  const double direction = taken.h > 0.0 ? 1.0 : -1.0;
  const bool first_step = step.index == 0;
  std::size_t first = pass.pending;
  while (first > 1 && (first_step || direction * (pass.call.times[first - 1] - taken.t) > 0.0)) {
    --first;
  }
  const std::size_t count = pass.pending - first;
  const std::size_t size = together(count);
  Within& made = within(size, pass.members);

  std::vector<View> extras;
  std::vector<View> results(step.results.begin(), step.results.end());
  if (size > 0) {
    std::size_t bytes = 0;
    for (const ArraySpec& spec : member_specs_of(setting_->dynamics()))
      bytes = std::max(bytes, bytes_of(spec, step.rows));
    if (zero_bytes_ < bytes) {
      zeros_ = device.allocate(bytes);
      zero_bytes_ = bytes;
      device.fill_zero({zeros_.get(), 0}, bytes);
    }
    if (time_bytes_ < 2 * size * sizeof(double)) {
      time_bytes_ = 2 * size * sizeof(double);
      time_memory_ = device.allocate(time_bytes_);
    }
    std::vector<double> at(size, taken.t);
    for (std::size_t k = 0; k < count; ++k) at[k] = pass.call.times[first + k];
    const View times{time_memory_.get(), 0};
    device.upload(times, at.data(), size * sizeof(double));
    extras.push_back(times);
    for (std::size_t k = 0; k < size; ++k) {
      for (std::size_t m = 0; m < members; ++m) {
        if (!pass.members[m]) continue;
        const View cotangent =
            k < count ? pass.result_cotangents[(first + k - 1) * members + m] : View{};
        extras.push_back(cotangent ? cotangent : View{zeros_.get(), 0});
      }
    }
    results.push_back(pass.times.empty() ? View{} : times + size * sizeof(double));
  }
  const std::int64_t before = checkpoints_.evaluations();
  const std::span<const View> state = checkpoints_.at(step.index, step.constants);
  made.run->run(step.rows, sweep_.arguments(made.reversal, step, state, extras), results);
  if (count > 0 && !pass.times.empty())
    device.download(&pass.times[first], results.back(), count * sizeof(double));
  pass.pending = first;
  return made.reversal.evaluations + checkpoints_.evaluations() - before;
}

std::size_t BetweenSolve::kept_bytes() const { return checkpoints_.kept_bytes(); }

std::optional<std::size_t> BetweenSolve::estimate_kept_bytes(std::int64_t rows, std::int64_t,
                                                             std::int64_t steps) const {
  return policy_.checkpoint_bytes(checkpoints_.bytes_per_record(rows), steps);
}

}  // namespace backprop
