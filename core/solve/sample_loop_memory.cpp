// SPDX-License-Identifier: Apache-2.0
// The memory of a SampleLoop: where rows stand, and how those still active move together.
#include "solve/sample_loop.hpp"

namespace odeum::solve {
namespace {

// Finished rows go when they are at least half of the batch: until then a round costs at most twice
// what its active rows need, and as every compaction at least halves the batch, all of them
// together copy no more rows than the batch had.
constexpr std::int64_t kCompactionShare = 2;

void append(std::vector<View>& to, const std::vector<View>& views) {
  to.insert(to.end(), views.begin(), views.end());
}

std::vector<ValueSpec> scalars(std::int64_t entries) {
  return {{"scalars", {kRows, entries}, DType::f64, RowClass::per_row}};
}

std::size_t row_bytes(const ValueSpec& spec) { return bytes_of(spec, 1); }

}  // namespace

void SampleLoop::lay_out() {
  const auto memory = static_cast<std::int64_t>(controller_->initial_memory().size());
  control_entries_ = SampleAttemptProgram::control_size + memory;
  decision_entries_ = SampleAttemptProgram::decision_size + memory;
  constants_.resize(dynamics_.constants.size());

  workspace_ = std::make_unique<Workspace>(*device_);
  workspace_->add(scalars(SampleStartProgram::control_size), &start_control_);
  workspace_->add(scalars(SampleStartProgram::begin_size), &begin_);
  workspace_->add(scalars(control_entries_), &control_);
  workspace_->add(scalars(decision_entries_), &decision_);
  workspace_->add(scalars(3), &point_);
  workspace_->add(attempt_.dense, &dense_);
  if (request_.save == SaveTimes::interpolated) workspace_->add(members_, &between_);
  if (!request_.extra_at) workspace_->add(attempt_.extra, &extra_);
  extra_.resize(attempt_.extra.size());
  for (Half& half : halves_) {
    workspace_->add(members_, &half.state);
    workspace_->add(start_.carry, &half.carry);
  }
  compacted_ = std::make_unique<Workspace>(*device_);
  for (const InputSpec& constant : dynamics_.constants) {
    if (!constant.shape.has_rows()) continue;
    constant_specs_.push_back({constant.name, constant.shape, constant.dtype, RowClass::per_row});
  }
  for (std::vector<View>& views : constant_rows_) compacted_->add(constant_specs_, &views);
}

/// Puts state, constants and this loop's memory into the programs' argument lists.
void SampleLoop::bind() {
  for (int i = 0; i < 2; ++i) {
    Half& half = halves_[i];
    const Half& other = halves_[1 - i];
    half.start_in = start_control_;
    append(half.start_in, half.state);
    append(half.start_in, constants_);
    half.start_out = begin_;
    append(half.start_out, other.carry);

    half.attempt_in = control_;
    append(half.attempt_in, half.state);
    append(half.attempt_in, half.carry);
    append(half.attempt_in, constants_);
    half.attempt_out = decision_;
    append(half.attempt_out, other.state);
    append(half.attempt_out, other.carry);
    append(half.attempt_out, dense_);
    append(half.attempt_out, extra_);

    half.interpolate_in = point_;
    append(half.interpolate_in, half.state);
    append(half.interpolate_in, half.carry);
    append(half.interpolate_in, other.state);
    append(half.interpolate_in, other.carry);
    append(half.interpolate_in, dense_);
  }
}

/// Moves the active rows to the front once they are few enough.
void SampleLoop::compact(Progress& solve) {
  const std::int64_t left = active(solve);
  if (left == 0 || left * kCompactionShare > rows(solve)) return;
  std::vector<std::int64_t> kept, from, to;
  for (std::int64_t row = 0; row < rows(solve); ++row) {
    if (!at(solve, sample_of(solve, row)).active()) continue;
    from.push_back(row);
    to.push_back(static_cast<std::int64_t>(kept.size()));
    kept.push_back(sample_of(solve, row));
  }
  compacted_->place(left);
  std::vector<View> before;
  for (std::size_t c = 0; c < constants_.size(); ++c) {
    if (dynamics_.constants[c].shape.has_rows()) before.push_back(constants_[c]);
  }
  constants_at_ = 1 - constants_at_;
  const std::vector<View>& after = constant_rows_[constants_at_];
  for (const Run& run : runs_of(from, to)) {
    copy_rows(members_, now().state, next().state, run);
    copy_rows(start_.carry, now().carry, next().carry, run);
    copy_rows(constant_specs_, before, after, run);
  }
  for (std::size_t c = 0, i = 0; c < constants_.size(); ++c) {
    if (dynamics_.constants[c].shape.has_rows()) constants_[c] = after[i++];
  }
  solve.placed = std::move(kept);
  current_ = 1 - current_;
  bind();
}

/// Pairs of rows, ascending, as few runs of neighbours.
std::vector<SampleLoop::Run> SampleLoop::runs_of(const std::vector<std::int64_t>& from,
                                                 const std::vector<std::int64_t>& to) {
  std::vector<Run> runs;
  for (std::size_t i = 0; i < from.size(); ++i) {
    const bool next = !runs.empty() && runs.back().from + runs.back().count == from[i] &&
                      runs.back().to + runs.back().count == to[i];
    if (next) {
      ++runs.back().count;
    } else {
      runs.push_back({.from = from[i], .to = to[i]});
    }
  }
  return runs;
}

void SampleLoop::copy_rows(const std::vector<ValueSpec>& specs, const std::vector<View>& from,
                           const std::vector<View>& to, const Run& run) {
  for (std::size_t i = 0; i < specs.size(); ++i) {
    if (!to[i]) continue;
    const std::size_t bytes = row_bytes(specs[i]);
    device_->copy(to[i] + static_cast<std::size_t>(run.to) * bytes,
                  from[i] + static_cast<std::size_t>(run.from) * bytes,
                  static_cast<std::size_t>(run.count) * bytes);
  }
}

}  // namespace odeum::solve
