// SPDX-License-Identifier: Apache-2.0
#include "solve/sample_loop.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "odeum/error.hpp"
#include "solve/call_check.hpp"

namespace odeum::solve {
SampleLoop::SampleLoop(Dynamics dynamics, std::shared_ptr<const Solver> solver,
                       std::shared_ptr<const Controller> controller, SolveOptions options,
                       std::shared_ptr<Device> device, IntegratorRequest request)
    : dynamics_(std::move(dynamics)),
      solver_(std::move(solver)),
      controller_(std::move(controller)),
      options_(std::move(options)),
      device_(std::move(device)),
      request_(std::move(request)),
      method_{dynamics_, *solver_, *controller_, options_},
      first_(options_.first_step == 0.0 ? FirstStep::chosen : FirstStep::given),
      members_(member_specs(dynamics_)) {
  if (!method_.adaptive()) {
    throw ConfigError("a step size per sample needs a method that controls its steps");
  }
  if (!request_.events.events.empty() || request_.until != Until::end) {
    throw ConfigError(
        "events and steady states end a solve for all of its samples at one time, "
        "which samples with steps of their own do not have: use step_size: shared");
  }
  const std::string reason = per_sample_refusal(*solver_, dynamics_);
  if (!reason.empty()) throw ConfigError("this solver " + reason);
}

SolveReport SampleLoop::integrate(const SolveCall& call) {
  check_call(call, dynamics_, StepSize::per_sample);
  Progress solve{.call = call, .samples = {}, .placed = {}, .report = {}};
  if (!run_attempt_) compile();
  open(solve);
  deliver_reached(solve, solve.placed);
  while (goes_on(solve)) {
    compact(solve);
    begin(solve);
    if (goes_on(solve)) round(solve);
  }
  conclude(solve);
  return solve.report;
}

void SampleLoop::compile() {
  start_ = record_sample_start(method_, first_);
  for (const ValueSpec& carried : start_.carry) {
    if (carried.shape.has_rows()) continue;
    throw ConfigError(
        "this solver hands on one value for the whole batch from step to step, so "
        "its samples cannot have steps of their own: use step_size: shared");
  }
  attempt_ = record_sample_attempt(method_, start_.carry, request_);
  const auto build = [&](const Program& program, const char* what) {
    return device_->compile(optimize(program), {.name = what, .outputs = {}});
  };
  run_start_ = build(start_.program, "start of a solve");
  if (request_.save == SaveTimes::interpolated) {
    run_interpolation_ =
        build(record_sample_interpolation(method_, start_.carry, attempt_.dense), "dense output");
  }
  run_attempt_ = build(attempt_.program, "step");
  lay_out();
}

/// Samples at their starts, every one in its own row.
void SampleLoop::open(Progress& solve) {
  const SolveCall& call = solve.call;
  const std::size_t times = call.times.size();
  solve.samples.reserve(static_cast<std::size_t>(call.rows));
  for (std::int64_t s = 0; s < call.rows; ++s) {
    const std::span<const double> own =
        call.row_times.empty() ? call.times
                               : call.row_times.subspan(static_cast<std::size_t>(s) * times, times);
    solve.samples.emplace_back(own, options_, request_.save, dynamics_.members.front().dtype,
                               controller_->initial_memory());
    solve.placed.push_back(s);
  }
  workspace_->place(call.rows);
  std::copy(call.constants.begin(), call.constants.end(), constants_.begin());
  current_ = 0;
  bind();
  for (std::size_t m = 0; m < members_.size(); ++m) {
    device_->copy(now().state[m], call.initial[m], bytes_of(members_[m], call.rows));
  }
}

std::int64_t SampleLoop::active(const Progress& solve) const {
  return std::count_if(solve.placed.begin(), solve.placed.end(),
                       [&](std::int64_t s) { return at(solve, s).active(); });
}

bool SampleLoop::goes_on(const Progress& solve) const {
  const auto failed = [](const Sample& s) { return !s.report().ok(); };
  if (options_.on_failure == OnFailure::fail &&
      std::any_of(solve.samples.begin(), solve.samples.end(), failed)) {
    return false;
  }
  return active(solve) > 0;
}

/// Counts a run; its evaluations are those of the samples that `has_part` is true for.
template <class HasPart>
void SampleLoop::ran(Progress& solve, std::int64_t evaluations, const HasPart& has_part) {
  solve.report.evaluations += evaluations;
  solve.report.row_evaluations += evaluations * rows(solve);
  for (const std::int64_t s : solve.placed) {
    if (has_part(at(solve, s))) at(solve, s).count(evaluations);
  }
}

/// Starts the method where a sample waits for it: evaluates what first steps need and chooses
/// their sizes. The other half has room for what the start gives to rows that do not.
void SampleLoop::begin(Progress& solve) {
  std::vector<std::int64_t> waiting;
  std::vector<double> control;
  for (std::int64_t row = 0; row < rows(solve); ++row) {
    const Sample& sample = at(solve, sample_of(solve, row));
    if (sample.waits()) waiting.push_back(row);
    control.insert(control.end(), {sample.t(), sample.left()});
  }
  if (waiting.empty()) return;
  device_->upload(start_control_[0], control.data(), control.size() * sizeof(double));
  run_start_->run(rows(solve), now().start_in, now().start_out);
  ran(solve, start_.evaluations, [](const Sample& sample) { return sample.waits(); });
  std::vector<double> begun(solve.placed.size() * SampleStartProgram::begin_size);
  device_->download(begun.data(), begin_[0], begun.size() * sizeof(double));
  // Before the first step also the rows that ended where they began: whoever differentiates a round
  // runs through all of its rows, and what they carry has to be finite.
  std::vector<std::int64_t> fresh = waiting;
  if (solve.rounds == 0) {
    fresh.resize(solve.placed.size());
    std::iota(fresh.begin(), fresh.end(), std::int64_t{0});
  }
  for (const Run& run : runs_of(fresh, fresh)) {
    copy_rows(start_.carry, next().carry, now().carry, run);
  }
  for (const std::int64_t row : waiting) {
    const double* own =
        begun.data() + static_cast<std::size_t>(row) * SampleStartProgram::begin_size;
    const bool given = first_ == FirstStep::given;
    at(solve, sample_of(solve, row))
        .begin(given ? options_.first_step : own[SampleStartProgram::first_step],
               own[SampleStartProgram::non_finite] == 0.0);
  }
  fill_control(solve);
  diagnose(solve);
}

/// One attempted step of every active sample.
void SampleLoop::round(Progress& solve) {
  for (const std::int64_t s : solve.placed) {
    if (at(solve, s).active()) at(solve, s).plan();
  }
  fill_control(solve);
  std::vector<std::int64_t> accepted;
  if (active(solve) > 0) {
    attempt(solve);
    accepted = judge(solve);
  }
  diagnose(solve);
  if (accepted.empty()) return;
  observe(solve, accepted);
  if (request_.save == SaveTimes::interpolated) deliver_within(solve, accepted);
  current_ = 1 - current_;
  for (const std::int64_t row : accepted) at(solve, sample_of(solve, row)).advance();
  deliver_reached(solve, accepted);
}

/// Times, steps and the controller's memory of all rows to the device. A row that has ended stands
/// still; one that failed shows the step that it failed with.
void SampleLoop::fill_control(const Progress& solve) {
  control_values_.clear();
  for (const std::int64_t s : solve.placed) {
    const Sample& sample = at(solve, s);
    const double h = sample.active()        ? sample.step().h
                     : sample.report().ok() ? 0.0
                                            : sample.report().h;
    control_values_.insert(control_values_.end(), {sample.t(), h, sample.active() ? 1.0 : 0.0,
                                                   sample.clipped() ? 1.0 : 0.0});
    const std::vector<double>& memory = sample.memory();
    control_values_.insert(control_values_.end(), memory.begin(), memory.end());
  }
  device_->upload(control_[0], control_values_.data(), control_values_.size() * sizeof(double));
}

void SampleLoop::attempt(Progress& solve) {
  place_outputs(solve);
  run_attempt_->run(rows(solve), now().attempt_in, now().attempt_out);
  decision_values_.resize(solve.placed.size() * static_cast<std::size_t>(decision_entries_));
  device_->download(decision_values_.data(), decision_[0],
                    decision_values_.size() * sizeof(double));
  ran(solve, attempt_.evaluations, [](const Sample& sample) { return sample.active(); });
}

/// Where extra outputs go. Dense output is always written: a device may round a step otherwise
/// where one of its outputs is not wanted, and that must not depend on other samples' times.
void SampleLoop::place_outputs(const Progress& solve) {
  if (!request_.extra_at) return;
  const std::span<const View> places = request_.extra_at(solve.rounds);
  std::copy(places.begin(), places.end(),
            now().attempt_out.end() - static_cast<std::ptrdiff_t>(attempt_.extra.size()));
}

/// The rows whose steps count.
std::vector<std::int64_t> SampleLoop::judge(Progress& solve) {
  using Entry = SampleAttemptProgram;
  std::vector<std::int64_t> accepted;
  const auto entries = static_cast<std::size_t>(decision_entries_);
  for (std::size_t row = 0; row < solve.placed.size(); ++row) {
    Sample& sample = at(solve, solve.placed[row]);
    if (!sample.active()) continue;
    const std::span<const double> own = std::span(decision_values_).subspan(row * entries, entries);
    const bool counts = sample.judge({.accept = own[Entry::accept] != 0.0,
                                      .next_h = own[Entry::next_h],
                                      .error_ratio = own[Entry::error_ratio],
                                      .non_finite = own[Entry::non_finite],
                                      .convergence = own[Entry::convergence],
                                      .memory = own.subspan(Entry::decision_size)});
    if (counts) accepted.push_back(static_cast<std::int64_t>(row));
  }
  return accepted;
}

std::string per_sample_refusal(const Solver& solver, const Dynamics& dynamics) {
  if (solver.host_driven()) {
    return "brings its own loop, which has one step for the whole batch: use step_size: shared, or "
           "a method of odeum's loop";
  }
  for (const Member& member : dynamics.members) {
    if (member.shape.has_rows()) continue;
    return "integrates '" + member.name +
           "', whose rate is a sum over all samples: without a common time of the samples there is "
           "nothing to sum. For gradients use gauss_legendre, whose nodes need no common step, or "
           "backprop; or step_size: shared";
  }
  const std::vector<std::string> mixing = couplings(dynamics);
  if (mixing.empty()) return "";
  std::string names;
  for (const std::string& name : mixing) names += (names.empty() ? "" : ", ") + name;
  return "cannot step each sample by itself: the rates mix samples (by " + names +
         "), so that one sample's rate needs all others at its own time. Use step_size: shared";
}

}  // namespace odeum::solve
