// SPDX-License-Identifier: Apache-2.0
#include "odeum/reverse_sweep.hpp"

#include <algorithm>

namespace odeum::inline v1 {
namespace {

constexpr std::size_t kT = 0, kH = 1, kTCotangent = 2, kHCotangent = 3;

std::vector<ArraySpec> scalars(std::size_t count) {
  return std::vector<ArraySpec>(count, ArraySpec{{1}, DType::f64, RowClass::none});
}

std::vector<ArraySpec> joined(std::vector<ArraySpec> a, const std::vector<ArraySpec>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

/// The part of an interval between two times whose ends move when the times do: from the last fixed
/// time before the middle of a step to the first one behind it.
struct Stretch {
  double begin, end;
  bool begin_moves = true, end_moves = true;
};

Stretch stretch_around(double middle, double begin, double end, const std::vector<double>& fixed) {
  Stretch s{begin, end};
  const double direction = end > begin ? 1.0 : -1.0;
  for (const double time : fixed) {
    if (direction * (time - s.begin) <= 0.0 || direction * (s.end - time) <= 0.0) continue;
    if (direction * (middle - time) > 0.0) {
      s.begin = time;
      s.begin_moves = false;
    } else {
      s.end = time;
      s.end_moves = false;
    }
  }
  return s;
}

}  // namespace

ReverseSweep::ReverseSweep(const SolveSetting& setting, std::vector<bool> wanted, Carry carry)
    : setting_(setting),
      wanted_(std::move(wanted)),
      start_(carry == Carry::left_out ? StartReversal{} : record_start_reversal(setting, wanted_)),
      times_(setting.device(), scalars(4)),
      cotangents_{{setting.device(), joined(member_specs_of(setting.dynamics()), start_.carry)},
                  {setting.device(), joined(member_specs_of(setting.dynamics()), start_.carry)}},
      spare_(setting.device(), joined(member_specs_of(setting.dynamics()), start_.carry)) {
  if (!start_.carry.empty()) {
    CompileOptions options{.name = "start, reversed", .outputs = {}};
    options.outputs.assign(start_.program.outputs.size(), OutputMode::accumulate);
    options.outputs[0] = OutputMode::overwrite;
    run_start_ = setting.compile(start_.program, options);
  }
  for (const ArraySpec& spec : member_specs_of(setting.dynamics())) {
    Recording recording;
    const Tensor cotangent = recording.input("cotangent", spec.shape, spec.dtype, spec.row_class);
    add_.push_back(
        setting.compile(recording.program(std::span(&cotangent, 1)),
                        {.name = "add cotangents", .outputs = {OutputMode::accumulate}}));
  }
}

ReverseSweep::~ReverseSweep() = default;

void ReverseSweep::open() { steps_.clear(); }

void ReverseSweep::observe(const AcceptedStep& step) {
  steps_.push_back({step.t, step.h, step.interval});
}

std::vector<View> ReverseSweep::constant_targets(const CotangentTargets& targets) const {
  std::vector<View> views;
  for (std::size_t i = 0; i < wanted_.size(); ++i) {
    if (!wanted_[i]) continue;
    views.push_back(i < targets.constants.size() ? targets.constants[i] : View{});
  }
  return views;
}

SolveReport ReverseSweep::run(const SolveCall& call, std::span<const View> result_cotangents,
                              const CotangentTargets& targets, const Reverse& reverse) {
  Device& device = setting_.device();
  const std::size_t members = setting_.dynamics().members.size();
  SolveReport report;
  times_.place(1);
  spare_.place(call.rows);
  for (Arrays& arrays : cotangents_) arrays.place(call.rows);
  cotangents_[current_].clear();
  std::fill(targets.times.begin(), targets.times.end(), 0.0);
  const bool times = !targets.times.empty();
  const std::vector<View> constants = constant_targets(targets);

  std::size_t pending = call.times.size() - 1;  // results pending - 1 .. are not yet added
  for (std::size_t s = steps_.size(); s-- > 0;) {
    const TakenStep& step = steps_[s];
    while (pending > step.interval) add_result_cotangents(call.rows, --pending, result_cotangents);
    device.upload(times_.views()[kT], &step.t, sizeof(double));
    device.upload(times_.views()[kH], &step.h, sizeof(double));
    std::vector<View> results{times ? times_.views()[kTCotangent] : View{},
                              times ? times_.views()[kHCotangent] : View{}};
    const std::vector<View>& before = cotangents_[1 - current_].views();
    results.insert(results.end(), before.begin(), before.end());
    results.insert(results.end(), constants.begin(), constants.end());
    report.evaluations += reverse({.index = s,
                                   .rows = call.rows,
                                   .t = times_.views()[kT],
                                   .h = times_.views()[kH],
                                   .after = cotangents_[current_].views(),
                                   .results = results,
                                   .constants = call.constants});
    current_ = 1 - current_;
    if (times) add_time_cotangents(call, step, targets.times);
    ++report.accepted;
  }
  if (!steps_.empty() && run_start_) report.evaluations += reverse_start(call, targets);
  while (pending > 0) add_result_cotangents(call.rows, --pending, result_cotangents);

  for (std::size_t m = 0; m < members && m < targets.initial.size(); ++m) {
    if (!targets.initial[m]) continue;
    device.copy(targets.initial[m], cotangents_[current_].views()[m],
                cotangents_[current_].bytes(m));
  }
  report.t = call.times.front();
  report.reached = static_cast<std::int64_t>(call.times.size());
  return report;
}

void ReverseSweep::add_result_cotangents(std::int64_t rows, std::size_t interval,
                                         std::span<const View> all) {
  const std::size_t members = setting_.dynamics().members.size();
  for (std::size_t m = 0; m < members; ++m) {
    const View cotangent = all[interval * members + m];
    if (!cotangent) continue;
    add_[m]->run(rows, std::span(&cotangent, 1), std::span(&cotangents_[current_].views()[m], 1));
  }
}

/// The step is at B + a (E - B) and b (E - B) long, a and b fixed, for a stretch from B to E. Times
/// where steps must end stay where they are.
void ReverseSweep::add_time_cotangents(const SolveCall& call, const TakenStep& step,
                                       std::span<double> times) const {
  double of_t = 0.0;
  double of_h = 0.0;
  setting_.device().download(&of_t, times_.views()[kTCotangent], sizeof(double));
  setting_.device().download(&of_h, times_.views()[kHCotangent], sizeof(double));
  const Stretch s = stretch_around(step.t + 0.5 * step.h, call.times[step.interval],
                                   call.times[step.interval + 1], setting_.options().step_times);
  const double begin = (step.t - s.begin) / (s.end - s.begin);
  const double length = step.h / (s.end - s.begin);
  if (s.begin_moves) times[step.interval] += of_t * (1.0 - begin) - of_h * length;
  if (s.end_moves) times[step.interval + 1] += of_t * begin + of_h * length;
}

/// Turns the cotangents of the carry that the first step began with into those of the state.
std::int64_t ReverseSweep::reverse_start(const SolveCall& call, const CotangentTargets& targets) {
  const std::size_t members = setting_.dynamics().members.size();
  const std::vector<View>& cotangents = cotangents_[current_].views();
  const auto carry = cotangents.begin() + static_cast<std::ptrdiff_t>(members);
  std::vector<View> arguments{times_.views()[kT]};
  arguments.insert(arguments.end(), call.initial.begin(), call.initial.end());
  arguments.insert(arguments.end(), call.constants.begin(), call.constants.end());
  arguments.insert(arguments.end(), carry, cotangents.end());
  const bool times = !targets.times.empty();
  std::vector<View> results{times ? times_.views()[kTCotangent] : View{}};
  results.insert(results.end(), cotangents.begin(), carry);
  const std::vector<View> constants = constant_targets(targets);
  results.insert(results.end(), constants.begin(), constants.end());
  run_start_->run(call.rows, arguments, results);
  if (times) {
    double of_t = 0.0;
    setting_.device().download(&of_t, times_.views()[kTCotangent], sizeof(double));
    targets.times[steps_.front().interval] += of_t;
  }
  return start_.evaluations;
}

std::unique_ptr<Executable> ReverseSweep::compile(const Program& program) const {
  CompileOptions options{.name = "step, reversed", .outputs = {}};
  const auto constants = std::count(wanted_.begin(), wanted_.end(), true);
  options.outputs.assign(program.outputs.size(), OutputMode::overwrite);
  std::fill(options.outputs.end() - constants, options.outputs.end(), OutputMode::accumulate);
  return setting_.compile(program, options);
}

std::vector<View> ReverseSweep::arguments(const StepReversal& reversal, const Reversed& step,
                                          std::span<const View> state,
                                          std::span<const View> extras) const {
  const std::size_t members = setting_.dynamics().members.size();
  std::vector<View> result;
  for (const StepArgument& argument : reversal.arguments) {
    const std::size_t i = argument.index;
    const auto kept = [&](std::size_t at) {
      return at < state.size() && state[at] ? state[at] : spare_.views()[at];
    };
    switch (argument.kind) {
      case StepArgument::Kind::time:
        result.push_back(step.t);
        break;
      case StepArgument::Kind::step:
        result.push_back(step.h);
        break;
      case StepArgument::Kind::member:
        result.push_back(kept(i));
        break;
      case StepArgument::Kind::carry:
        result.push_back(kept(members + i));
        break;
      case StepArgument::Kind::constant:
        result.push_back(step.constants[i]);
        break;
      case StepArgument::Kind::extra:
        result.push_back(extras[i]);
        break;
      case StepArgument::Kind::member_cotangent:
        result.push_back(step.after[i]);
        break;
      case StepArgument::Kind::carry_cotangent:
        result.push_back(step.after[members + i]);
        break;
    }
  }
  return result;
}

}  // namespace odeum::inline v1
