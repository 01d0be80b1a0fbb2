// SPDX-License-Identifier: Apache-2.0
// What a SampleLoop hands out: rounds to observers, results at each sample's times, reports.
#include <algorithm>

#include "solve/diagnosis.hpp"
#include "solve/sample_loop.hpp"

namespace odeum::solve {

void SampleLoop::observe(Progress& solve, const std::vector<std::int64_t>& accepted) {
  const std::int64_t index = solve.rounds++;
  if (!solve.call.observer) return;
  std::vector<RowStep> steps;
  for (const std::int64_t s : solve.placed) {
    const Sample& sample = at(solve, s);
    steps.push_back({.sample = s, .interval = sample.interval(), .t = sample.t()});
  }
  for (const std::int64_t row : accepted) {
    RowStep& step = steps[static_cast<std::size_t>(row)];
    step.accepted = true;
    step.h = at(solve, step.sample).step().h;
    step.anew = at(solve, step.sample).anew();
  }
  solve.call.observer({.index = index,
                       .y = now().state,
                       .carry = now().carry,
                       .extra = std::span(now().attempt_out).last(attempt_.extra.size()),
                       .rows = steps});
}

/// Interpolates to the times inside the accepted steps: as often as the row with most of them
/// needs.
void SampleLoop::deliver_within(Progress& solve, const std::vector<std::int64_t>& accepted) {
  std::vector<double> point(solve.placed.size() * 3);
  for (std::size_t row = 0; row < solve.placed.size(); ++row) {
    const Sample& sample = at(solve, solve.placed[row]);
    point[3 * row + 1] = sample.t();
    point[3 * row + 2] = sample.step().h;
  }
  while (true) {
    std::vector<Delivery> due;
    for (const std::int64_t row : accepted) {
      const std::int64_t s = sample_of(solve, row);
      const std::optional<double> x = at(solve, s).within();
      if (!x) continue;
      point[3 * static_cast<std::size_t>(row)] = *x;
      due.push_back({.row = row, .sample = s, .result = at(solve, s).interval()});
    }
    if (due.empty()) return;
    device_->upload(point_[0], point.data(), point.size() * sizeof(double));
    run_interpolation_->run(rows(solve), now().interpolate_in, between_);
    deliver(solve, due, between_);
  }
}

/// Copies the states of these rows to the results at all times that equal their present ones.
void SampleLoop::deliver_reached(Progress& solve, const std::vector<std::int64_t>& rows) {
  while (true) {
    std::vector<Delivery> due;
    for (const std::int64_t row : rows) {
      const std::int64_t s = sample_of(solve, row);
      if (!at(solve, s).at_time()) continue;
      due.push_back({.row = row, .sample = s, .result = at(solve, s).interval()});
    }
    if (due.empty()) return;
    deliver(solve, due, now().state);
  }
}

void SampleLoop::deliver(Progress& solve, const std::vector<Delivery>& due,
                         const std::vector<View>& from) {
  for (std::size_t i = 0; i < due.size();) {
    std::size_t end = i;
    std::vector<std::int64_t> from_rows, to_samples;
    for (; end < due.size() && due[end].result == due[i].result; ++end) {
      from_rows.push_back(due[end].row);
      to_samples.push_back(due[end].sample);
    }
    const std::span<const View> all = solve.call.results;
    const auto first = all.begin() + static_cast<std::ptrdiff_t>(due[i].result * members_.size());
    const std::vector<View> to(first, first + static_cast<std::ptrdiff_t>(members_.size()));
    for (const Run& run : runs_of(from_rows, to_samples)) copy_rows(members_, from, to, run);
    i = end;
  }
  for (const Delivery& d : due) at(solve, d.sample).delivered();
}

/// Finds the components to blame for samples that have just failed: entries that are not finite in
/// the state, or after the step that failed; else the largest error.
void SampleLoop::diagnose(Progress& solve) {
  std::vector<std::int64_t> failed;
  for (std::int64_t row = 0; row < rows(solve); ++row) {
    const Sample& sample = at(solve, sample_of(solve, row));
    if (!sample.report().ok() && !sample.blamed()) failed.push_back(row);
  }
  if (failed.empty()) return;
  if (!run_diagnosis_) {
    run_diagnosis_ = device_->compile(optimize(record_sample_diagnosis(method_, start_.carry)),
                                      {.name = "diagnosis of a failed solve", .outputs = {}});
    diagnosis_ = std::make_unique<Workspace>(*device_);
    std::vector<ValueSpec> outputs = members_;
    for (std::size_t m = 0; m < members_.size(); ++m) {
      if (dynamics_.members[m].in_error_norm) outputs.push_back(members_[m]);
    }
    diagnosis_->add(outputs, &diagnosed_);
  }
  diagnosis_->place(rows(solve));
  run_diagnosis_->run(rows(solve), now().attempt_in, diagnosed_);
  for (const std::int64_t row : failed) blame(solve, row);
}

void SampleLoop::blame(Progress& solve, std::int64_t row) {
  const auto own = [&](const std::vector<View>& views, std::size_t first) {
    std::vector<View> result;
    for (std::size_t m = 0; m < members_.size() && first + result.size() < views.size(); ++m) {
      const bool is_ratio = first > 0;
      if (is_ratio && !dynamics_.members[m].in_error_norm) continue;
      const std::size_t offset = static_cast<std::size_t>(row) * bytes_of(members_[m], 1);
      result.push_back(views[first + result.size()] + offset);
    }
    return result;
  };
  Sample& sample = at(solve, sample_of(solve, row));
  const std::span<const Member> members = dynamics_.members;
  SolveReport found;
  if (sample.report().status == Status::non_finite) {
    if (!blame_non_finite(*device_, 1, members, own(now().state, 0), found)) {
      blame_non_finite(*device_, 1, members, own(diagnosed_, 0), found);
    }
  } else if (sample.report().status == Status::newton_diverged) {
    found.member = members.front().name;  // the one that is solved for
  } else {
    blame_largest(*device_, 1, members, own(diagnosed_, members_.size()), found);
  }
  sample.blame(found);
}

/// The report of the whole from those of its samples.
void SampleLoop::conclude(Progress& solve) const {
  SolveReport& whole = solve.report;
  whole.reached = static_cast<std::int64_t>(solve.call.times.size());
  std::int64_t speaker = -1;
  const auto steps = [](const SampleReport& r) { return r.accepted + r.rejected; };
  for (std::size_t s = 0; s < solve.samples.size(); ++s) {
    const SampleReport& one = solve.samples[s].report();
    whole.by_sample.push_back(one);
    whole.reached = std::min(whole.reached, one.reached);
    if (!one.ok()) whole.samples.push_back(static_cast<std::int64_t>(s));
    if (speaker < 0) speaker = static_cast<std::int64_t>(s);
    const SampleReport& so_far = whole.by_sample[static_cast<std::size_t>(speaker)];
    const bool first_failure = !one.ok() && so_far.ok();
    if (first_failure || (so_far.ok() && steps(one) > steps(so_far))) {
      speaker = static_cast<std::int64_t>(s);
    }
  }
  if (speaker < 0) return;
  const SampleReport& one = whole.by_sample[static_cast<std::size_t>(speaker)];
  whole.status = one.status;
  whole.t = one.t;
  whole.h = one.h;
  whole.error_ratio = one.error_ratio;
  whole.accepted = one.accepted;
  whole.rejected = one.rejected;
  whole.component = one.component;
  whole.member = one.member;
  if (!one.ok()) whole.sample = speaker;
}

}  // namespace odeum::solve
