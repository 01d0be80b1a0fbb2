// SPDX-License-Identifier: Apache-2.0
#include "discrete_solve.hpp"

#include <limits>

namespace backprop {
namespace {

// Where the solution decides on the steps, room for this many decides which way of keeping is
// tried. Most solves in training take fewer; one that takes more than there is room for begins
// again with the next leaner way, at the price of the steps so far.
constexpr std::int64_t kExpectedSteps = 16;

}  // namespace

struct DiscreteSolve::Mode {
  Keep keep = Keep::steps;
  Reversal reversal;
  std::vector<std::size_t> kept;  ///< members, then carry, to copy behind the extras
  std::unique_ptr<RecordMemory> records;
  std::unique_ptr<StepCheckpoints> checkpoints;  ///< instead of records, for steps
  std::unique_ptr<Executable> run;
  std::unique_ptr<Integrator> integrator;
};

DiscreteSolve::DiscreteSolve(std::unique_ptr<SolveSetting> setting, std::vector<bool> wanted,
                             Policy policy)
    : setting_(std::move(setting)),
      wanted_(std::move(wanted)),
      policy_(policy),
      apart_(stages_are_apart(setting_->solver(), setting_->options(), setting_->dynamics())),
      sweep_(*setting_, wanted_),
      modes_(3) {}

DiscreteSolve::~DiscreteSolve() = default;

DiscreteSolve::Mode& DiscreteSolve::mode(Keep keep) const {
  std::unique_ptr<Mode>& slot = modes_[static_cast<std::size_t>(keep)];
  if (slot) return *slot;
  slot = std::make_unique<Mode>();
  slot->keep = keep;
  slot->reversal = record_reversal(*setting_, keep, sweep_.carry(), wanted_);
  const StepReversal& step = slot->reversal.step;
  if (keep == Keep::steps) {
    slot->checkpoints = std::make_unique<StepCheckpoints>(*setting_, sweep_, step);
    return *slot;
  }
  std::vector<ArraySpec> record = slot->reversal.extras;
  const std::vector<ArraySpec> members = member_specs_of(setting_->dynamics());
  for (std::size_t i = 0; i < step.arguments.size(); ++i) {
    const StepArgument& argument = step.arguments[i];
    if (!step.used[i]) continue;
    if (argument.kind == StepArgument::Kind::member) {
      record.push_back(members[argument.index]);
      slot->kept.push_back(argument.index);
    }
    if (argument.kind == StepArgument::Kind::carry) {
      record.push_back(sweep_.carry()[argument.index]);
      slot->kept.push_back(members.size() + argument.index);
    }
  }
  slot->records = std::make_unique<RecordMemory>(setting_->device(), record);
  return *slot;
}

DiscreteSolve::Mode& DiscreteSolve::ready(Keep keep) {
  Mode& made = mode(keep);
  if (made.run) return made;
  made.run = sweep_.compile(made.reversal.step.program);
  IntegratorRequest request;
  request.extra = made.reversal.extra;
  request.extra_dense = DenseOutput::not_wanted;
  if (request.extra) {
    request.extra_at = [&made](std::int64_t index) {
      return made.records->at(static_cast<std::size_t>(index)).first(made.reversal.extras.size());
    };
  }
  made.integrator = setting_->integrator(setting_->dynamics(), setting_->options(), request);
  return made;
}

/// What `keep` leaves to try, the richest first.
std::vector<Keep> DiscreteSolve::ways() const {
  if (policy_.keep) return {*policy_.keep};
  if (policy_.every > 1) return {Keep::steps};
  if (!apart_) return {Keep::residuals, Keep::steps};
  return {Keep::residuals, Keep::stages, Keep::steps};
}

/// The first way that so many steps fit the memory in; the last one always does.
std::optional<Keep> DiscreteSolve::richest(std::int64_t rows, std::int64_t steps) const {
  for (const Keep keep : ways()) {
    if (keep == Keep::steps || policy_.keep) return keep;
    const std::size_t each = mode(keep).records->bytes_per_record(rows);
    if (each * static_cast<std::size_t>(steps) <= policy_.memory_limit) return keep;
  }
  return std::nullopt;
}

std::optional<std::size_t> DiscreteSolve::estimate_kept_bytes(std::int64_t rows, std::int64_t,
                                                              std::int64_t steps) const {
  const Mode& made = mode(richest(rows, steps).value());
  if (made.keep != Keep::steps)
    return static_cast<std::size_t>(steps) * made.records->bytes_per_record(rows);
  return policy_.checkpoint_bytes(made.checkpoints->bytes_per_record(rows), steps);
}

SolveReport DiscreteSolve::forward(const SolveCall& call) {
  const std::int64_t given = given_steps(setting_->options(), call.times);
  const Keep first = richest(call.rows, given > 0 ? given : kExpectedSteps).value();
  for (const Keep keep : ways()) {
    if (keep < first) continue;
    Mode& mode = ready(keep);
    sweep_.open();
    used_ = &mode;
    if (keep == Keep::steps) break;
    try {
      return keep_records(mode, call);
    } catch (const MemoryExceeded&) {
      // The next leaner way of keeping solves again from the start, with the memory to itself.
      mode.records->release();
    }
  }
  return keep_checkpoints(*used_, call);
}

SolveReport DiscreteSolve::keep_records(Mode& mode, const SolveCall& call) {
  mode.records->open(call.rows,
                     policy_.keep ? std::numeric_limits<std::size_t>::max() : policy_.memory_limit);
  Device& device = setting_->device();
  const std::vector<ArraySpec> members = member_specs_of(setting_->dynamics());
  SolveCall kept = call;
  kept.observer = [&](const AcceptedStep& step) {
    sweep_.observe(step);
    const std::span<const View> record = mode.records->at(static_cast<std::size_t>(step.index));
    for (std::size_t i = 0; i < mode.kept.size(); ++i) {
      const std::size_t at = mode.kept[i];
      const bool member = at < members.size();
      const ArraySpec& spec = member ? members[at] : sweep_.carry()[at - members.size()];
      device.copy(record[mode.reversal.extras.size() + i],
                  member ? step.y[at] : step.carry[at - members.size()], bytes_of(spec, call.rows));
    }
    if (call.observer) call.observer(step);
  };
  return mode.integrator->integrate(kept);
}

SolveReport DiscreteSolve::keep_checkpoints(Mode& mode, const SolveCall& call) {
  mode.checkpoints->open(call.rows, policy_.checkpoints());
  SolveCall kept = call;
  kept.observer = [&](const AcceptedStep& step) {
    sweep_.observe(step);
    mode.checkpoints->observe(step);
    if (call.observer) call.observer(step);
  };
  return mode.integrator->integrate(kept);
}

SolveReport DiscreteSolve::backward(const SolveCall& call, std::span<const View> result_cotangents,
                                    const CotangentTargets& targets) {
  const auto reverse_step = [this](const ReverseSweep::Reversed& step) { return reverse(step); };
  return sweep_.run(call, result_cotangents, targets, reverse_step);
}

std::int64_t DiscreteSolve::reverse(const ReverseSweep::Reversed& step) {
  Mode& mode = *used_;
  const StepReversal& reversal = mode.reversal.step;
  const std::int64_t evaluations = reversal.evaluations;
  if (mode.checkpoints) {
    const std::int64_t before = mode.checkpoints->evaluations();
    const std::span<const View> state = mode.checkpoints->at(step.index, step.constants);
    mode.run->run(step.rows, sweep_.arguments(reversal, step, state, {}), step.results);
    return evaluations + mode.checkpoints->evaluations() - before;
  }
  const std::span<const View> record = mode.records->at(step.index);
  const std::size_t extras = mode.reversal.extras.size();
  std::vector<View> state(setting_->dynamics().members.size() + sweep_.carry().size());
  for (std::size_t i = 0; i < mode.kept.size(); ++i) state[mode.kept[i]] = record[extras + i];
  mode.run->run(step.rows, sweep_.arguments(reversal, step, state, record.first(extras)),
                step.results);
  return evaluations;
}

std::size_t DiscreteSolve::kept_bytes() const {
  if (used_ == nullptr) return 0;
  if (used_->checkpoints) return used_->checkpoints->kept_bytes();
  return sweep_.steps().size() * used_->records->bytes_per_record();
}

}  // namespace backprop
