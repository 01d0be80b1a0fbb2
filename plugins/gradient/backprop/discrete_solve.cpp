// SPDX-License-Identifier: Apache-2.0
#include "discrete_solve.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace backprop {
namespace {

// Where the solution decides on the steps, room for this many decides which way of keeping is
// tried.
constexpr std::size_t kExpectedSteps = 64;

constexpr std::size_t kT = 0, kH = 1, kTCotangent = 2, kHCotangent = 3;

std::vector<Spec> scalars(std::size_t count) {
  return std::vector<Spec>(count, Spec{{1}, DType::f64, RowClass::none});
}

std::vector<Spec> joined(std::vector<Spec> a, const std::vector<Spec>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

}  // namespace

struct DiscreteSolve::Mode {
  Reversal reversal;
  std::vector<Source> kept;  ///< members and carry to copy, in the records behind the extras
  std::unique_ptr<Executable> run;
  std::unique_ptr<Integrator> integrator;
  std::unique_ptr<StepMemory> memory;
};

DiscreteSolve::DiscreteSolve(std::unique_ptr<SolveSetting> setting, std::vector<bool> wanted,
                             Policy policy)
    : setting_(std::move(setting)),
      wanted_(std::move(wanted)),
      policy_(policy),
      modes_(3),
      start_(record_start_reversal(*setting_, wanted_)),
      times_(setting_->device(), scalars(4)),
      cotangents_{{setting_->device(), joined(member_specs(setting_->dynamics()), start_.carry)},
                  {setting_->device(), joined(member_specs(setting_->dynamics()), start_.carry)}},
      spare_(setting_->device(), joined(member_specs(setting_->dynamics()), start_.carry)) {
  if (!start_.carry.empty()) {
    CompileOptions options{.name = "start, reversed", .outputs = {}};
    options.outputs.assign(start_.program.outputs.size(), OutputMode::accumulate);
    options.outputs[0] = OutputMode::overwrite;
    run_start_ = setting_->compile(start_.program, options);
  }
  for (const Spec& spec : member_specs(setting_->dynamics())) {
    Recording recording;
    const Tensor cotangent = recording.input("cotangent", spec.shape, spec.dtype, spec.row_class);
    add_.push_back(
        setting_->compile(recording.program(std::span(&cotangent, 1)),
                          {.name = "add cotangents", .outputs = {OutputMode::accumulate}}));
  }
}

DiscreteSolve::~DiscreteSolve() = default;

DiscreteSolve::Mode& DiscreteSolve::mode(Keep keep) {
  std::unique_ptr<Mode>& slot = modes_[static_cast<std::size_t>(keep)];
  if (slot) return *slot;
  slot = std::make_unique<Mode>();
  Mode& made = *slot;
  made.reversal = record_reversal(*setting_, keep, wanted_);
  const Reversal& reversal = made.reversal;

  const std::vector<Spec> members = member_specs(setting_->dynamics());
  std::vector<Spec> record = reversal.extras;
  for (std::size_t i = 0; i < reversal.arguments.size(); ++i) {
    const Source& source = reversal.arguments[i];
    if (!reversal.used[i]) continue;
    if (source.kind == Source::Kind::member) record.push_back(members[source.index]);
    if (source.kind == Source::Kind::carry) record.push_back(start_.carry[source.index]);
    if (source.kind == Source::Kind::member || source.kind == Source::Kind::carry) {
      made.kept.push_back(source);
    }
  }
  made.memory = std::make_unique<StepMemory>(setting_->device(), record);

  CompileOptions options{.name = "step, reversed", .outputs = {}};
  const auto constants = static_cast<std::size_t>(std::count(wanted_.begin(), wanted_.end(), true));
  options.outputs.assign(reversal.program.outputs.size(), OutputMode::overwrite);
  std::fill(options.outputs.end() - static_cast<std::ptrdiff_t>(constants), options.outputs.end(),
            OutputMode::accumulate);
  made.run = setting_->compile(reversal.program, options);

  IntegratorRequest request{.save = SaveTimes::exact, .extra = reversal.extra, .extra_at = {}};
  if (reversal.extra) {
    request.extra_at = [&made](std::int64_t index) {
      return made.memory->at(static_cast<std::size_t>(index)).first(made.reversal.extras.size());
    };
  }
  made.integrator = setting_->integrator(setting_->dynamics(), setting_->options(), request);
  return made;
}

std::size_t DiscreteSolve::expected_steps(const SolveCall& call) const {
  const SolveOptions& options = setting_->options();
  std::size_t given = 0;
  for (std::size_t i = 1; i < call.times.size(); ++i) {
    const double span = std::abs(call.times[i] - call.times[i - 1]);
    if (options.steps > 0) given += static_cast<std::size_t>(options.steps);
    if (options.step > 0.0) given += static_cast<std::size_t>(std::ceil(span / options.step));
  }
  return given > 0 ? given : kExpectedSteps;
}

Keep DiscreteSolve::richest(const SolveCall& call) {
  const std::size_t steps = expected_steps(call);
  for (const Keep keep : {Keep::residuals, Keep::stages}) {
    const std::size_t each = mode(keep).memory->bytes_per_step(call.rows);
    if (each * steps <= policy_.memory_limit) return keep;
  }
  return Keep::steps;
}

SolveReport DiscreteSolve::forward(const SolveCall& call) {
  if (policy_.keep) return run(mode(*policy_.keep), call);
  for (Keep keep = richest(call); keep != Keep::steps;
       keep = static_cast<Keep>(static_cast<int>(keep) + 1)) {
    try {
      return run(mode(keep), call);
    } catch (const MemoryExceeded&) {
      // The next leaner way of keeping solves again from the start.
    }
  }
  return run(mode(Keep::steps), call);
}

SolveReport DiscreteSolve::run(Mode& mode, const SolveCall& call) {
  const bool limited = !policy_.keep && &mode != modes_.back().get();
  mode.memory->open(call.rows,
                    limited ? policy_.memory_limit : std::numeric_limits<std::size_t>::max());
  steps_.clear();
  used_ = &mode;
  Device& device = setting_->device();
  const std::vector<Spec> members = member_specs(setting_->dynamics());
  SolveCall kept = call;
  kept.observer = [&](const AcceptedStep& step) {
    steps_.push_back({step.t, step.h, step.interval});
    const std::span<const View> record = mode.memory->at(static_cast<std::size_t>(step.index));
    for (std::size_t i = 0; i < mode.kept.size(); ++i) {
      const Source& source = mode.kept[i];
      const bool member = source.kind == Source::Kind::member;
      const Spec& spec = member ? members[source.index] : start_.carry[source.index];
      device.copy(record[mode.reversal.extras.size() + i],
                  member ? step.y[source.index] : step.carry[source.index],
                  bytes_of(spec, call.rows));
    }
    if (call.observer) call.observer(step);
  };
  return mode.integrator->integrate(kept);
}

std::vector<View> DiscreteSolve::constant_targets(const CotangentTargets& targets) const {
  std::vector<View> views;
  for (std::size_t i = 0; i < wanted_.size(); ++i) {
    if (!wanted_[i]) continue;
    views.push_back(i < targets.constants.size() ? targets.constants[i] : View{});
  }
  return views;
}

SolveReport DiscreteSolve::backward(const SolveCall& call, std::span<const View> result_cotangents,
                                    const CotangentTargets& targets) {
  Device& device = setting_->device();
  const std::size_t members = setting_->dynamics().members.size();
  const std::size_t state = members + start_.carry.size();
  SolveReport report;
  times_.place(1);
  spare_.place(call.rows);
  for (Buffers& buffers : cotangents_) buffers.place(call.rows);
  for (std::size_t i = 0; i < state; ++i) {
    device.fill_zero(cotangents_[current_].views()[i], cotangents_[current_].bytes(i));
  }
  std::fill(targets.times.begin(), targets.times.end(), 0.0);

  std::size_t pending = call.times.size() - 1;  // results pending - 1 .. are not yet added
  for (std::size_t s = steps_.size(); s-- > 0;) {
    while (pending > steps_[s].interval)
      add_result_cotangents(call.rows, --pending, result_cotangents);
    reverse_step(call, s, targets);
    report.evaluations += used_->reversal.evaluations;
    ++report.accepted;
  }
  if (!steps_.empty() && run_start_) {
    reverse_start(call, targets);
    report.evaluations += start_.evaluations;
  }
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

void DiscreteSolve::add_result_cotangents(std::int64_t rows, std::size_t interval,
                                          std::span<const View> all) {
  const std::size_t members = setting_->dynamics().members.size();
  for (std::size_t m = 0; m < members; ++m) {
    const View cotangent = all[interval * members + m];
    if (!cotangent) continue;
    add_[m]->run(rows, std::span(&cotangent, 1), std::span(&cotangents_[current_].views()[m], 1));
  }
}

void DiscreteSolve::reverse_step(const SolveCall& call, std::size_t index,
                                 const CotangentTargets& targets) {
  Device& device = setting_->device();
  const Reversal& reversal = used_->reversal;
  const std::size_t members = setting_->dynamics().members.size();
  const Step& step = steps_[index];
  device.upload(times_.views()[kT], &step.t, sizeof(double));
  device.upload(times_.views()[kH], &step.h, sizeof(double));

  const std::span<const View> record = used_->memory->at(index);
  const std::vector<View>& after = cotangents_[current_].views();
  const std::vector<View>& before = cotangents_[1 - current_].views();
  std::vector<View> arguments;
  std::size_t copied = reversal.extras.size();
  for (std::size_t i = 0; i < reversal.arguments.size(); ++i) {
    const std::size_t k = reversal.arguments[i].index;
    switch (reversal.arguments[i].kind) {
      case Source::Kind::time:
        arguments.push_back(times_.views()[kT]);
        break;
      case Source::Kind::step:
        arguments.push_back(times_.views()[kH]);
        break;
      case Source::Kind::member:
        arguments.push_back(reversal.used[i] ? record[copied++] : spare_.views()[k]);
        break;
      case Source::Kind::carry:
        arguments.push_back(reversal.used[i] ? record[copied++] : spare_.views()[members + k]);
        break;
      case Source::Kind::extra:
        arguments.push_back(record[k]);
        break;
      case Source::Kind::constant:
        arguments.push_back(call.constants[k]);
        break;
      case Source::Kind::member_cotangent:
        arguments.push_back(after[k]);
        break;
      case Source::Kind::carry_cotangent:
        arguments.push_back(after[members + k]);
        break;
    }
  }
  const bool times = !targets.times.empty();
  std::vector<View> results{times ? times_.views()[kTCotangent] : View{},
                            times ? times_.views()[kHCotangent] : View{}};
  results.insert(results.end(), before.begin(), before.end());
  const std::vector<View> constants = constant_targets(targets);
  results.insert(results.end(), constants.begin(), constants.end());
  used_->run->run(call.rows, arguments, results);
  current_ = 1 - current_;
  if (times) add_time_cotangents(call, step, targets.times);
}

/// The step is at T0 + a (T1 - T0) and b (T1 - T0) long, a and b fixed.
void DiscreteSolve::add_time_cotangents(const SolveCall& call, const Step& step,
                                        std::span<double> times) const {
  double of_t = 0.0;
  double of_h = 0.0;
  setting_->device().download(&of_t, times_.views()[kTCotangent], sizeof(double));
  setting_->device().download(&of_h, times_.views()[kHCotangent], sizeof(double));
  const double t0 = call.times[step.interval];
  const double span = call.times[step.interval + 1] - t0;
  const double begin = (step.t - t0) / span;
  const double length = step.h / span;
  times[step.interval] += of_t * (1.0 - begin) - of_h * length;
  times[step.interval + 1] += of_t * begin + of_h * length;
}

void DiscreteSolve::reverse_start(const SolveCall& call, const CotangentTargets& targets) {
  Device& device = setting_->device();
  const std::size_t members = setting_->dynamics().members.size();
  const std::vector<View>& cotangents = cotangents_[current_].views();
  device.upload(times_.views()[kT], &steps_.front().t, sizeof(double));
  std::vector<View> arguments{times_.views()[kT]};
  arguments.insert(arguments.end(), call.initial.begin(), call.initial.end());
  arguments.insert(arguments.end(), call.constants.begin(), call.constants.end());
  arguments.insert(arguments.end(), cotangents.begin() + static_cast<std::ptrdiff_t>(members),
                   cotangents.end());
  const bool times = !targets.times.empty();
  std::vector<View> results{times ? times_.views()[kTCotangent] : View{}};
  results.insert(results.end(), cotangents.begin(),
                 cotangents.begin() + static_cast<std::ptrdiff_t>(members));
  const std::vector<View> constants = constant_targets(targets);
  results.insert(results.end(), constants.begin(), constants.end());
  run_start_->run(call.rows, arguments, results);
  if (!times) return;
  double of_t = 0.0;
  device.download(&of_t, times_.views()[kTCotangent], sizeof(double));
  targets.times[steps_.front().interval] += of_t;
}

std::size_t DiscreteSolve::kept_bytes() const {
  return used_ == nullptr ? 0 : steps_.size() * used_->memory->bytes_per_step();
}

}  // namespace backprop
