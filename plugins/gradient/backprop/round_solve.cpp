// SPDX-License-Identifier: Apache-2.0
#include "round_solve.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace backprop {
namespace {

// The step of rows that took none, whose derivatives count nothing but must be finite: so short
// that it leads nowhere, but not zero, by which multistep methods divide.
constexpr double kStandStill = 1e-10;

std::vector<ArraySpec> joined(std::vector<ArraySpec> a, const std::vector<ArraySpec>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

std::vector<ArraySpec> with_rows(const std::vector<InputSpec>& constants) {
  std::vector<ArraySpec> specs;
  for (const InputSpec& c : constants) {
    if (c.shape.has_rows()) specs.push_back({c.shape, c.dtype, RowClass::per_row});
  }
  return specs;
}

std::vector<ArraySpec> packed(std::int64_t entries) {
  return {{{kRows, entries}, DType::f64, RowClass::per_row}};
}

std::unique_ptr<Executable> adder(const SolveSetting& setting, const ArraySpec& spec) {
  Recording recording;
  const Tensor cotangent = recording.input("cotangent", spec.shape, spec.dtype, spec.row_class);
  return setting.compile(recording.program(std::span(&cotangent, 1)),
                         {.name = "add cotangents", .outputs = {OutputMode::accumulate}});
}

std::vector<std::int64_t> everyone(std::int64_t rows) {
  std::vector<std::int64_t> layout(static_cast<std::size_t>(rows));
  std::iota(layout.begin(), layout.end(), std::int64_t{0});
  return layout;
}

void append(std::vector<View>& to, std::span<const View> views) {
  to.insert(to.end(), views.begin(), views.end());
}

}  // namespace

RoundSolve::RoundSolve(std::unique_ptr<SolveSetting> setting, std::vector<bool> wanted)
    : setting_(std::move(setting)),
      wanted_(std::move(wanted)),
      reversal_(record_round_reversal(*setting_, wanted_)),
      state_specs_(joined(member_specs_of(setting_->dynamics()), reversal_.carry)),
      row_constants_(with_rows(setting_->dynamics().constants)),
      integrator_(setting_->integrator(setting_->dynamics(), setting_->options(), {})),
      memory_(setting_->device()),
      cotangents_{{setting_->device(), state_specs_}, {setting_->device(), state_specs_}},
      home_(setting_->device(), state_specs_),
      carries_(setting_->device(), reversal_.carry),
      constant_cotangents_(setting_->device(), row_constants_),
      constant_home_(setting_->device(), row_constants_),
      constant_values_(setting_->device(), row_constants_),
      staged_(setting_->device(), member_specs_of(setting_->dynamics())),
      control_(setting_->device(), packed(RoundReversal::control_size)),
      times_(setting_->device(), packed(2)) {
  const auto constants = std::count(wanted_.begin(), wanted_.end(), true);
  CompileOptions options{.name = "round of steps, reversed", .outputs = {}};
  options.outputs.assign(reversal_.round.outputs.size(), OutputMode::overwrite);
  std::fill(options.outputs.end() - constants, options.outputs.end(), OutputMode::accumulate);
  run_round_ = setting_->compile(reversal_.round, options);
  if (!reversal_.carry.empty()) {
    options.name = "start, reversed";
    options.outputs.assign(reversal_.start.outputs.size(), OutputMode::accumulate);
    options.outputs[0] = OutputMode::overwrite;
    run_start_ = setting_->compile(reversal_.start, options);
  }
  for (const ArraySpec& spec : member_specs_of(setting_->dynamics())) {
    add_members_.push_back(adder(*setting_, spec));
  }
  for (const ArraySpec& spec : row_constants_) add_constants_.push_back(adder(*setting_, spec));
}

SolveReport RoundSolve::forward(const SolveCall& call) {
  memory_.clear();
  rounds_.clear();
  SolveCall kept = call;
  kept.observer = [&](const AcceptedStep& step) { keep(call, step); };
  return integrator_->integrate(kept);
}

void RoundSolve::keep(const SolveCall& call, const AcceptedStep& step) {
  Round round{.rows = {step.rows.begin(), step.rows.end()}, .state = {}};
  const std::size_t members = step.y.size();
  for (std::size_t i = 0; i < state_specs_.size(); ++i) {
    const std::size_t bytes =
        bytes_of(state_specs_[i], static_cast<std::int64_t>(step.rows.size()));
    round.state.push_back(memory_.take(bytes));
    setting_->device().copy(round.state.back(), i < members ? step.y[i] : step.carry[i - members],
                            bytes);
  }
  rounds_.push_back(std::move(round));
  if (call.observer) call.observer(step);
}

SolveReport RoundSolve::backward(const SolveCall& call, std::span<const View> result_cotangents,
                                 const CotangentTargets& targets) {
  Pass pass{.call = call,
            .result_cotangents = result_cotangents,
            .targets = targets,
            .pending = std::vector<std::size_t>(static_cast<std::size_t>(call.rows),
                                                call.times.size() - 1),
            .layout = everyone(call.rows)};
  open(pass);
  SolveReport report;
  std::vector<std::int64_t> layout;
  for (auto round = rounds_.rbegin(); round != rounds_.rend(); ++round) {
    layout.clear();
    for (const RowStep& row : round->rows) layout.push_back(row.sample);
    move_to(pass, layout);
    add_results(pass, round->rows);
    reverse(pass, *round);
    std::int64_t evaluations = reversal_.round_evaluations;
    if (run_start_ && reverse_start(pass, *round)) evaluations += reversal_.start_evaluations;
    report.evaluations += evaluations;
    report.row_evaluations += evaluations * static_cast<std::int64_t>(layout.size());
    ++report.accepted;
  }
  move_to(pass, everyone(call.rows));
  close(pass);
  report.t = call.times.front();
  report.reached = static_cast<std::int64_t>(call.times.size());
  return report;
}

void RoundSolve::open(Pass& pass) {
  const std::int64_t rows = pass.call.rows;
  for (Arrays* buffers :
       {&cotangents_[0], &cotangents_[1], &home_, &carries_, &constant_cotangents_, &constant_home_,
        &constant_values_, &staged_, &control_, &times_}) {
    buffers->place(rows);
  }
  Device& device = setting_->device();
  for (std::size_t i = 0; i < state_specs_.size(); ++i) {
    device.fill_zero(cotangents_[current_].views()[i], cotangents_[current_].bytes(i));
  }
  for (std::size_t i = 0; i < row_constants_.size(); ++i) {
    device.fill_zero(constant_cotangents_.views()[i], constant_cotangents_.bytes(i));
  }
  std::fill(pass.targets.times.begin(), pass.targets.times.end(), 0.0);
  std::fill(pass.targets.row_times.begin(), pass.targets.row_times.end(), 0.0);
  load_constants(pass);
}

/// The constants as the layout's rows need them.
void RoundSolve::load_constants(const Pass& pass) {
  constants_.assign(pass.call.constants.begin(), pass.call.constants.end());
  if (pass.layout.size() == static_cast<std::size_t>(pass.call.rows)) return;
  const std::vector<InputSpec>& specs = setting_->dynamics().constants;
  for (std::size_t c = 0, next = 0; c < specs.size(); ++c) {
    if (specs[c].shape.has_rows()) constants_[c] = constant_values_.views()[next++];
  }
}

/// Brings cotangents into the rows of another layout, by way of those of all samples.
void RoundSolve::move_to(Pass& pass, const std::vector<std::int64_t>& layout) {
  if (layout == pass.layout) return;
  const auto runs = [](const std::vector<std::int64_t>& samples) {
    std::vector<Run> all;
    for (std::size_t row = 0; row < samples.size(); ++row) {
      const auto sample = static_cast<std::size_t>(samples[row]);
      if (!all.empty() && all.back().to + all.back().count == sample) {
        ++all.back().count;
      } else {
        all.push_back({.from = row, .to = sample});
      }
    }
    return all;
  };
  for (const Run& run : runs(pass.layout)) {
    copy_rows(state_specs_, cotangents_[current_].views(), home_.views(), run);
    copy_rows(row_constants_, constant_cotangents_.views(), constant_home_.views(), run);
  }
  std::vector<View> values;
  for (std::size_t c = 0; c < pass.call.constants.size(); ++c) {
    if (setting_->dynamics().constants[c].shape.has_rows())
      values.push_back(pass.call.constants[c]);
  }
  for (const Run& run : runs(layout)) {
    const Run back{.from = run.to, .to = run.from, .count = run.count};
    copy_rows(state_specs_, home_.views(), cotangents_[current_].views(), back);
    copy_rows(row_constants_, constant_home_.views(), constant_cotangents_.views(), back);
    copy_rows(row_constants_, values, constant_values_.views(), back);
  }
  pass.layout = layout;
  load_constants(pass);
}

void RoundSolve::copy_rows(const std::vector<ArraySpec>& specs, std::span<const View> from,
                           std::span<const View> to, const Run& run) {
  for (std::size_t i = 0; i < specs.size(); ++i) {
    const std::size_t bytes = bytes_of(specs[i], 1);
    setting_->device().copy(to[i] + run.to * bytes, from[i] + run.from * bytes, run.count * bytes);
  }
}

/// Adds the cotangents of results that the rows' states after their steps are, or were before any
/// later step.
void RoundSolve::add_results(Pass& pass, const std::vector<RowStep>& rows) {
  const std::vector<ArraySpec> specs = member_specs_of(setting_->dynamics());
  Device& device = setting_->device();
  const auto count = static_cast<std::int64_t>(rows.size());
  while (true) {
    std::vector<std::pair<std::size_t, std::size_t>> due;  // row, result
    for (std::size_t row = 0; row < rows.size(); ++row) {
      std::size_t& pending = pass.pending[static_cast<std::size_t>(rows[row].sample)];
      if (rows[row].accepted && pending > rows[row].interval) due.emplace_back(row, --pending);
    }
    if (due.empty()) return;
    for (std::size_t m = 0; m < specs.size(); ++m) {
      const std::size_t bytes = bytes_of(specs[m], 1);
      device.fill_zero(staged_.views()[m], bytes * rows.size());
      bool any = false;
      for (std::size_t i = 0; i < due.size();) {
        const auto [row, result] = due[i];
        const auto sample = static_cast<std::size_t>(rows[row].sample);
        std::size_t n = 1;
        while (i + n < due.size() && due[i + n].first == row + n && due[i + n].second == result &&
               static_cast<std::size_t>(rows[row + n].sample) == sample + n) {
          ++n;
        }
        i += n;
        const View cotangent = pass.result_cotangents[result * specs.size() + m];
        if (!cotangent) continue;
        device.copy(staged_.views()[m] + row * bytes, cotangent + sample * bytes, n * bytes);
        any = true;
      }
      if (!any) continue;
      add_members_[m]->run(count, std::span(&staged_.views()[m], 1),
                           std::span(&cotangents_[current_].views()[m], 1));
    }
  }
}

std::vector<View> RoundSolve::constant_results(const Pass& pass) const {
  std::vector<View> views;
  const std::vector<InputSpec>& specs = setting_->dynamics().constants;
  for (std::size_t c = 0, with_rows = 0; c < specs.size(); ++c) {
    const View own = specs[c].shape.has_rows() ? constant_cotangents_.views()[with_rows++] : View{};
    if (!wanted_[c]) continue;
    const View target = c < pass.targets.constants.size() ? pass.targets.constants[c] : View{};
    views.push_back(target && own ? own : target);
  }
  return views;
}

void RoundSolve::reverse(Pass& pass, const Round& round) {
  std::vector<double> control;
  for (const RowStep& row : round.rows) {
    const double still = kStandStill * std::max(1.0, std::abs(row.t));
    control.insert(control.end(), {row.t, row.accepted ? row.h : still, row.accepted ? 1.0 : 0.0});
  }
  setting_->device().upload(control_.views()[0], control.data(), control.size() * sizeof(double));
  std::vector<View> arguments{control_.views()[0]};
  append(arguments, round.state);
  append(arguments, constants_);
  append(arguments, cotangents_[current_].views());
  std::vector<View> results{wants_times(pass) ? times_.views()[0] : View{}};
  append(results, cotangents_[1 - current_].views());
  append(results, constant_results(pass));
  run_round_->run(static_cast<std::int64_t>(round.rows.size()), arguments, results);
  current_ = 1 - current_;
  if (wants_times(pass)) add_time_cotangents(pass, round.rows);
}

/// Takes the carry's cotangents of rows that began anew through Solver::start, which gave it.
/// False: there are none.
bool RoundSolve::reverse_start(Pass& pass, const Round& round) {
  Device& device = setting_->device();
  const std::size_t members = add_members_.size();
  const std::span<const View> cotangents = cotangents_[current_].views();
  const std::span<const ArraySpec> specs = reversal_.carry;
  std::vector<double> t;
  bool any = false;
  for (const RowStep& row : round.rows) {
    t.push_back(row.t);
    any = any || row.anew;
  }
  if (!any) return false;
  for (std::size_t c = 0; c < specs.size(); ++c) {
    const std::size_t bytes = bytes_of(specs[c], 1);
    const View carry = cotangents[members + c];
    device.fill_zero(carries_.views()[c], bytes * round.rows.size());
    for (std::size_t row = 0; row < round.rows.size();) {
      std::size_t end = row;
      while (end < round.rows.size() && round.rows[end].anew) ++end;
      if (end > row) {
        device.copy(carries_.views()[c] + row * bytes, carry + row * bytes, (end - row) * bytes);
        device.fill_zero(carry + row * bytes, (end - row) * bytes);
      }
      row = std::max(end, row + 1);
    }
  }
  device.upload(control_.views()[0], t.data(), t.size() * sizeof(double));
  std::vector<View> arguments{control_.views()[0]};
  append(arguments, std::span(round.state).first(members));
  append(arguments, constants_);
  append(arguments, carries_.views());
  std::vector<View> results{wants_times(pass) ? times_.views()[0] : View{}};
  append(results, cotangents.first(members));
  append(results, constant_results(pass));
  run_start_->run(static_cast<std::int64_t>(round.rows.size()), arguments, results);
  if (wants_times(pass)) add_start_time_cotangents(pass, round.rows);
  return true;
}

/// What remains at the samples' starts, and the way out of the working arrays.
void RoundSolve::close(Pass& pass) {
  Device& device = setting_->device();
  std::vector<RowStep> starts;
  for (const std::int64_t sample : pass.layout) {
    starts.push_back({.sample = sample, .accepted = true});
  }
  add_results(pass, starts);
  for (std::size_t m = 0; m < add_members_.size() && m < pass.targets.initial.size(); ++m) {
    if (!pass.targets.initial[m]) continue;
    device.copy(pass.targets.initial[m], cotangents_[current_].views()[m],
                cotangents_[current_].bytes(m));
  }
  const std::vector<InputSpec>& specs = setting_->dynamics().constants;
  for (std::size_t c = 0, next = 0; c < pass.targets.constants.size(); ++c) {
    if (!specs[c].shape.has_rows()) continue;
    const std::size_t own = next++;
    if (!wanted_[c] || !pass.targets.constants[c]) continue;
    add_constants_[own]->run(pass.call.rows, std::span(&constant_cotangents_.views()[own], 1),
                             std::span(&pass.targets.constants[c], 1));
  }
}

}  // namespace backprop
