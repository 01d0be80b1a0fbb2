// SPDX-License-Identifier: Apache-2.0
#include "solve/piecewise.hpp"

#include <algorithm>

#include "odeum/error.hpp"
#include "solve/step_programs.hpp"
#include "solve/stops.hpp"
#include "solve/workspace.hpp"

namespace odeum::solve {
namespace {

/// A stretch without jumps. Its times are its begin, the times to save inside, and its end; with a
/// jump behind it, those to save there have the state at its end.
struct Piece {
  std::vector<double> times;
  std::size_t first = 0;    ///< times to save before it, those of the call's begin left out
  std::size_t inside = 0;   ///< times to save inside, or at the call's end
  std::size_t at_jump = 0;  ///< times to save at the jump behind it
  bool ends_at_jump = false;
};

void add(SolveReport& total, const SolveReport& part) {
  SolveReport sum = part;
  sum.evaluations += total.evaluations;
  sum.accepted += total.accepted;
  sum.rejected += total.rejected;
  total = std::move(sum);
}

class PiecewiseSolve final : public DifferentiableSolve {
 public:
  PiecewiseSolve(std::shared_ptr<const GradientMethod> method, const MakeSetting& make,
                 const SolveOptions& options, std::vector<bool> wanted)
      : method_(std::move(method)),
        make_(make),
        options_(options),
        smooth_(options),
        wanted_(std::move(wanted)) {
    smooth_.jump_times.clear();
    setting_ = make_(smooth_);
    solves_.push_back(method_->prepare(make_(smooth_), wanted_));
    for (const ValueSpec& spec : member_specs(setting_->dynamics())) {
      Recording recording;
      const Tensor value = recording.input("cotangent", spec.shape, spec.dtype, spec.row_class);
      add_.push_back(
          setting_->compile(recording.program(std::span(&value, 1)),
                            {.name = "add cotangents", .outputs = {OutputMode::accumulate}}));
    }
  }

  SolveReport forward(const SolveCall& call) override;
  SolveReport backward(const SolveCall& call, std::span<const View> result_cotangents,
                       const CotangentTargets& targets) override;
  std::size_t kept_bytes() const override {
    std::size_t total = 0;
    for (std::size_t k = 0; k < pieces_.size(); ++k) total += solves_[k]->kept_bytes();
    return total;
  }
  /// Steps are about as many in all as without jumps; every jump is one result more.
  std::optional<std::size_t> estimate_kept_bytes(std::int64_t rows, std::int64_t results,
                                                 std::int64_t steps) const override {
    const auto jumps = static_cast<std::int64_t>(options_.jump_times.size());
    return solves_.front()->estimate_kept_bytes(rows, results + jumps, steps);
  }

 private:
  void cut(const SolveCall& call);
  void place(std::int64_t rows);
  SolveCall call_of(std::size_t piece, const SolveCall& call);
  void copy(std::int64_t rows, std::span<const View> to, std::span<const View> from);
  std::size_t members() const { return setting_->dynamics().members.size(); }

  std::shared_ptr<const GradientMethod> method_;
  MakeSetting make_;
  SolveOptions options_, smooth_;
  std::vector<bool> wanted_;
  std::unique_ptr<SolveSetting> setting_;
  std::vector<std::unique_ptr<Executable>> add_;              ///< by member
  std::vector<std::unique_ptr<DifferentiableSolve>> solves_;  ///< by piece
  std::vector<Piece> pieces_;
  std::size_t at_start_ = 0;  ///< times to save at a jump where the call begins
  bool starts_at_jump_ = false;
  std::vector<std::vector<View>> ends_;  ///< by piece: members at its end
  std::vector<View> cotangents_[2];
  std::unique_ptr<Workspace> workspace_;
  std::size_t placed_pieces_ = 0;
  std::vector<View> results_;  ///< of the piece under way
};

/// Cuts the call's span at its jumps.
void PiecewiseSolve::cut(const SolveCall& call) {
  const std::span<const double> times = call.times;
  const double direction = times.back() >= times.front() ? 1.0 : -1.0;
  const auto reaches = [direction](double time, double end) {
    return direction * (end - time) >= 0;
  };
  SolveOptions jumps;
  jumps.jump_times = options_.jump_times;
  std::vector<Stop> stops =
      stops_between(jumps, setting_->dynamics().members.front().dtype, times.front(), times.back());
  pieces_.clear();
  std::size_t next = 1;
  double begin = times.front();
  const auto skip_to = [&](double end) {
    const std::size_t from = next;
    while (next < times.size() && reaches(times[next], end)) ++next;
    return next - from;
  };
  starts_at_jump_ = !stops.empty() && reaches(stops.front().arrive, begin);
  at_start_ = 0;
  if (starts_at_jump_) {
    begin = stops.front().depart;
    at_start_ = skip_to(begin);
    stops.erase(stops.begin());
  }
  for (const Stop& stop : stops) {
    if (reaches(stop.arrive, begin)) continue;
    Piece piece{.times = {begin}, .first = next - 1, .ends_at_jump = true};
    while (next < times.size() && !reaches(stop.arrive, times[next])) {
      piece.times.push_back(times[next++]);
    }
    piece.inside = piece.times.size() - 1;
    piece.times.push_back(stop.arrive);
    piece.at_jump = skip_to(stop.depart);
    pieces_.push_back(std::move(piece));
    begin = stop.depart;
  }
  if (next == times.size() && !pieces_.empty()) return;
  Piece last{.times = {begin}, .first = next - 1, .inside = times.size() - next};
  last.times.insert(last.times.end(), times.begin() + static_cast<std::ptrdiff_t>(next),
                    times.end());
  pieces_.push_back(std::move(last));
}

void PiecewiseSolve::place(std::int64_t rows) {
  const std::vector<ValueSpec> specs = member_specs(setting_->dynamics());
  if (!workspace_ || placed_pieces_ < pieces_.size()) {
    placed_pieces_ = pieces_.size();
    workspace_ = std::make_unique<Workspace>(setting_->device());
    ends_.assign(placed_pieces_, {});
    for (std::vector<View>& end : ends_) workspace_->add(specs, &end);
    for (std::vector<View>& set : cotangents_) {
      set.clear();
      workspace_->add(specs, &set);
    }
  }
  workspace_->place(rows);
  while (solves_.size() < pieces_.size()) {
    solves_.push_back(method_->prepare(make_(smooth_), wanted_));
  }
}

/// The call of one piece, as forward and backward give it; results go to the call's own views and,
/// before a jump, to `ends_`.
SolveCall PiecewiseSolve::call_of(std::size_t k, const SolveCall& call) {
  const Piece& piece = pieces_[k];
  SolveCall own = call;
  own.times = piece.times;
  if (k > 0) own.initial = ends_[k - 1];
  results_.assign(piece.inside * members(), View{});
  if (!call.results.empty()) {
    const auto inside = call.results.subspan(piece.first * members(), piece.inside * members());
    results_.assign(inside.begin(), inside.end());
  }
  if (piece.ends_at_jump) results_.insert(results_.end(), ends_[k].begin(), ends_[k].end());
  own.results = results_;
  return own;
}

void PiecewiseSolve::copy(std::int64_t rows, std::span<const View> to, std::span<const View> from) {
  const std::vector<ValueSpec> specs = member_specs(setting_->dynamics());
  for (std::size_t m = 0; m < specs.size(); ++m) {
    if (to[m]) setting_->device().copy(to[m], from[m], bytes_of(specs[m], rows));
  }
}

SolveReport PiecewiseSolve::forward(const SolveCall& call) {
  if (!call.row_times.empty()) bug("samples with times of their own are not cut at jumps together");
  cut(call);
  place(call.rows);
  for (std::size_t i = 0; i < at_start_; ++i) {
    copy(call.rows, call.results.subspan(i * members(), members()), call.initial);
  }
  SolveReport total;
  for (std::size_t k = 0; k < pieces_.size(); ++k) {
    const Piece& piece = pieces_[k];
    SolveCall own = call_of(k, call);
    const std::int64_t before = total.accepted;
    if (call.observer) {
      own.observer = [&](const AcceptedStep& step) {
        AcceptedStep shown = step;
        shown.index += before;
        shown.interval += piece.first;
        call.observer(shown);
      };
    }
    const SolveReport report = solves_[k]->forward(own);
    add(total, report);
    const auto reached = static_cast<std::size_t>(report.reached) - 1;
    total.reached = static_cast<std::int64_t>(1 + piece.first + std::min(reached, piece.inside));
    if (!report.ok()) return total;
    for (std::size_t i = 0; i < piece.at_jump; ++i) {
      const std::size_t save = piece.first + piece.inside + i;
      copy(call.rows, call.results.subspan(save * members(), members()), ends_[k]);
    }
    total.reached += static_cast<std::int64_t>(piece.at_jump);
  }
  if (total.ok()) total.t = call.times.back();
  return total;
}

SolveReport PiecewiseSolve::backward(const SolveCall& call, std::span<const View> result_cotangents,
                                     const CotangentTargets& targets) {
  const std::vector<ValueSpec> specs = member_specs(setting_->dynamics());
  const auto add_saved = [&](std::size_t save, std::span<const View> to) {
    for (std::size_t m = 0; m < specs.size(); ++m) {
      const View cotangent = result_cotangents[save * specs.size() + m];
      if (!cotangent) continue;
      add_[m]->run(call.rows, std::span(&cotangent, 1), std::span(&to[m], 1));
    }
  };
  std::fill(targets.times.begin(), targets.times.end(), 0.0);
  std::vector<View> behind = cotangents_[0];  // of the state where the next piece begins
  for (std::size_t m = 0; m < specs.size(); ++m) {
    setting_->device().fill_zero(behind[m], bytes_of(specs[m], call.rows));
  }
  SolveReport total;
  for (std::size_t k = pieces_.size(); k-- > 0;) {
    const Piece& piece = pieces_[k];
    const auto inside =
        result_cotangents.subspan(piece.first * specs.size(), piece.inside * specs.size());
    std::vector<View> cotangents(inside.begin(), inside.end());
    if (piece.ends_at_jump) {
      for (std::size_t i = 0; i < piece.at_jump; ++i) {
        add_saved(piece.first + piece.inside + i, behind);
      }
      cotangents.insert(cotangents.end(), behind.begin(), behind.end());
    }
    std::vector<double> times(targets.times.empty() ? 0 : piece.times.size());
    const bool first = k == 0 && !starts_at_jump_;
    const std::vector<View>& own = cotangents_[(pieces_.size() - k) % 2];
    CotangentTargets to = targets;
    if (!first) to.initial = own;
    to.times = times;
    add(total, solves_[k]->backward(call_of(k, call), cotangents, to));
    if (!total.ok()) return total;
    if (first && !times.empty()) targets.times[0] = times[0];
    for (std::size_t i = 0; i < piece.inside && !times.empty(); ++i) {
      targets.times[1 + piece.first + i] = times[1 + i];
    }
    behind = own;
  }
  if (starts_at_jump_) {
    for (std::size_t i = 0; i < at_start_; ++i) add_saved(i, behind);
    std::vector<View> to(targets.initial.begin(), targets.initial.end());
    to.resize(specs.size());
    copy(call.rows, to, behind);
  }
  total.t = call.times.front();
  total.reached = static_cast<std::int64_t>(call.times.size());
  return total;
}

}  // namespace

std::unique_ptr<DifferentiableSolve> prepare(std::shared_ptr<const GradientMethod> method,
                                             const MakeSetting& make, const SolveOptions& options,
                                             const std::vector<bool>& wanted) {
  if (options.jump_times.empty()) return method->prepare(make(options), wanted);
  return std::make_unique<PiecewiseSolve>(std::move(method), make, options, wanted);
}

}  // namespace odeum::solve
