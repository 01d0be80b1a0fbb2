// SPDX-License-Identifier: Apache-2.0
#include "odeum/checkpoints.hpp"

#include <algorithm>

#include "odeum/error.hpp"

namespace odeum::inline v1 {
namespace {

constexpr std::size_t kT = 0, kH = 1;
constexpr std::size_t kFewestRecords = 2;

/// C(free + 1 + repeats, repeats): as many steps can be reversed with that many free records when
/// none is taken more than `repeats` times again. Bounded, far beyond any solve.
std::int64_t reversible_steps(std::int64_t free, std::int64_t repeats) {
  constexpr std::int64_t kMost = std::int64_t{1} << 40;
  if (repeats < 0) return 0;
  std::int64_t count = 1;
  for (std::int64_t r = 1; r <= repeats; ++r) {
    if (count > kMost / (free + 1 + r)) return kMost;
    count = count * (free + 1 + r) / r;
  }
  return count;
}

std::vector<ArraySpec> state_specs(const SolveSetting& setting, const ReverseSweep& sweep) {
  std::vector<ArraySpec> specs = member_specs_of(setting.dynamics());
  specs.insert(specs.end(), sweep.carry().begin(), sweep.carry().end());
  return specs;
}

std::vector<ArraySpec> chosen(const std::vector<ArraySpec>& specs,
                              const std::vector<bool>& wanted) {
  std::vector<ArraySpec> result;
  for (std::size_t i = 0; i < specs.size(); ++i) {
    if (wanted[i]) result.push_back(specs[i]);
  }
  return result;
}

/// (t, h, members, carry, constants) to those of members and carry that are needed.
Program record_step(const SolveSetting& setting, const ReverseSweep& sweep,
                    const std::vector<bool>& needed, std::int64_t& evaluations) {
  StepRecording step(setting.dynamics(), sweep.carry());
  const auto rates = setting.rates(setting.dynamics(), step.constants);
  const std::vector<Tensor> all = results_of(setting.solver().step(*rates, step.in));
  evaluations = rates->calls();
  std::vector<Tensor> results;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (needed[i]) results.push_back(all[i]);
  }
  return optimize(step.recording.program(results));
}

/// What the reversal reads of members and carry, and all that computing this anew reads.
std::vector<bool> needed_by(const StepReversal& reversal, const SolveSetting& setting,
                            const ReverseSweep& sweep) {
  const std::size_t members = setting.dynamics().members.size();
  std::vector<bool> needed(members + sweep.carry().size(), false);
  for (std::size_t i = 0; i < reversal.arguments.size(); ++i) {
    const StepArgument& argument = reversal.arguments[i];
    if (!reversal.used[i]) continue;
    if (argument.kind == StepArgument::Kind::member) needed[argument.index] = true;
    if (argument.kind == StepArgument::Kind::carry) needed[members + argument.index] = true;
  }
  std::int64_t evaluations = 0;
  for (std::vector<bool> before; before != needed;) {
    before = needed;
    const std::vector<bool> by_step = read_inputs(record_step(setting, sweep, before, evaluations));
    for (std::size_t i = 0; i < needed.size(); ++i) needed[i] = needed[i] || by_step[2 + i];
  }
  return needed;
}

}  // namespace

std::int64_t steps_to_checkpoint(std::int64_t steps, std::int64_t free) {
  std::int64_t repeats = 1;
  while (reversible_steps(free, repeats) < steps) ++repeats;
  const std::int64_t rest = steps - reversible_steps(free - 1, repeats);
  return std::max({std::int64_t{1}, rest, reversible_steps(free, repeats - 2)});
}

StepCheckpoints::StepCheckpoints(const SolveSetting& setting, const ReverseSweep& sweep,
                                 const StepReversal& reversal)
    : setting_(setting),
      sweep_(sweep),
      needed_(needed_by(reversal, setting, sweep)),
      specs_(chosen(state_specs(setting, sweep), needed_)),
      memory_(setting.device(), specs_),
      scalars_(setting.device(), {2, ArraySpec{{1}, DType::f64, RowClass::none}}),
      work_{{setting.device(), specs_}, {setting.device(), specs_}},
      spare_(setting.device(), state_specs(setting, sweep)) {}

StepCheckpoints::~StepCheckpoints() = default;

void StepCheckpoints::open(std::int64_t rows, const CheckpointPolicy& policy) {
  rows_ = rows;
  policy_ = policy;
  memory_.open(rows, std::numeric_limits<std::size_t>::max());
  records_ = std::max(kFewestRecords, policy.memory / memory_.bytes_per_record());
  stride_ = static_cast<std::size_t>(policy.every);
  most_ = 0;
  evaluations_ = 0;
  held_.clear();
  free_.clear();
}

std::size_t StepCheckpoints::kept_bytes() const { return most_ * memory_.bytes_per_record(); }

std::optional<std::size_t> StepCheckpoints::take_record() {
  if (free_.empty()) {
    if (held_.size() == records_) return std::nullopt;
    free_.push_back(held_.size());
  }
  const std::size_t record = free_.back();
  free_.pop_back();
  most_ = std::max(most_, held_.size() + 1);
  return record;
}

void StepCheckpoints::thin_out() {
  stride_ *= 2;
  std::vector<Held> rest;
  for (const Held& held : held_) {
    if (held.step % stride_ == 0) {
      rest.push_back(held);
    } else {
      free_.push_back(held.record);
    }
  }
  held_ = std::move(rest);
}

void StepCheckpoints::observe(const AcceptedStep& step) {
  const auto index = static_cast<std::size_t>(step.index);
  if (index % stride_ != 0) return;
  if (free_.empty() && held_.size() == records_) thin_out();
  if (index % stride_ != 0) return;
  const std::size_t record = take_record().value();
  held_.push_back({index, record});
  const std::span<const View> views = memory_.at(record);
  std::size_t i = 0;
  const auto keep = [&](std::size_t at, View from) {
    if (!needed_[at]) return;
    setting_.device().copy(views[i], from, bytes_of(specs_[i], rows_));
    ++i;
  };
  for (std::size_t m = 0; m < step.y.size(); ++m) keep(m, step.y[m]);
  for (std::size_t c = 0; c < step.carry.size(); ++c) keep(step.y.size() + c, step.carry[c]);
}

std::span<const View> StepCheckpoints::expanded(std::span<const View> packed) {
  expanded_.assign(needed_.size(), View{});
  std::size_t next = 0;
  for (std::size_t i = 0; i < needed_.size(); ++i) {
    if (needed_[i]) expanded_[i] = packed[next++];
  }
  return expanded_;
}

std::span<const View> StepCheckpoints::at(std::size_t index, std::span<const View> constants) {
  while (!held_.empty() && held_.back().step > index) {
    free_.push_back(held_.back().record);
    held_.pop_back();
  }
  if (held_.empty()) bug("a step was reversed twice, or none before it was kept");
  while (held_.back().step < index) {
    const Held from = held_.back();
    const std::size_t steps = index + 1 - from.step;
    const std::vector<View> begin(memory_.at(from.record).begin(), memory_.at(from.record).end());
    const std::size_t spare = records_ - held_.size();
    const std::optional<std::size_t> record = spare > 0 ? take_record() : std::nullopt;
    if (!record) {
      work_[0].place(rows_);
      work_[1].place(rows_);
      const std::vector<View>& end = work_[(steps - 1) % 2].views();
      advance(from.step, steps - 1, begin, end, constants);
      return expanded(end);
    }
    const auto ahead = static_cast<std::size_t>(
        steps_to_checkpoint(static_cast<std::int64_t>(steps), static_cast<std::int64_t>(spare)));
    advance(from.step, ahead, begin, memory_.at(*record), constants);
    held_.push_back({from.step + ahead, *record});
  }
  return expanded(memory_.at(held_.back().record));
}

void StepCheckpoints::compile() {
  run_step_ = setting_.compile(record_step(setting_, sweep_, needed_, evaluations_of_step_),
                               {.name = "step, again", .outputs = {}});
}

/// Takes steps again, from the beginning of step `from`.
void StepCheckpoints::advance(std::size_t from, std::size_t steps, std::span<const View> begin,
                              std::span<const View> end, std::span<const View> constants) {
  if (!run_step_) compile();
  Device& device = setting_.device();
  scalars_.place(1);
  spare_.place(rows_);
  for (Arrays& work : work_) work.place(rows_);
  const std::vector<View>& scalars = scalars_.views();
  std::span<const View> state = begin;
  for (std::size_t k = 0; k < steps; ++k) {
    const TakenStep& step = sweep_.steps()[from + k];
    const std::span<const View> next = k + 1 == steps ? end : work_[(k + 1) % 2].views();
    device.upload(scalars[kT], &step.t, sizeof(double));
    device.upload(scalars[kH], &step.h, sizeof(double));
    std::vector<View> arguments{scalars[kT], scalars[kH]};
    const std::span<const View> all = expanded(state);
    for (std::size_t i = 0; i < all.size(); ++i) {
      arguments.push_back(all[i] ? all[i] : spare_.views()[i]);
    }
    arguments.insert(arguments.end(), constants.begin(), constants.end());
    run_step_->run(rows_, arguments, next);
    evaluations_ += evaluations_of_step_;
    state = next;
  }
}

}  // namespace odeum::inline v1
