// SPDX-License-Identifier: Apache-2.0
#include "quadrature_solve.hpp"

#include <algorithm>
#include <cmath>

#include "error_estimate.hpp"
#include "odeum/error.hpp"

namespace gauss_legendre {
namespace {

constexpr int kMostPoints = 64;             // exact to degree 127, as published
constexpr std::int64_t kStepsPerPanel = 4;  // of nested rules, before any is halved
// A panel halved that often holds no step of the solve any more: the integrand itself jumps there.
constexpr int kMostHalvings = 20;

double length(const Panel& panel) { return std::abs(panel.from - panel.to); }

void append(std::vector<View>& to, const std::vector<View>& views) {
  to.insert(to.end(), views.begin(), views.end());
}

}  // namespace

QuadratureSolve::QuadratureSolve(std::unique_ptr<SolveSetting> setting,
                                 const std::vector<bool>& wanted, const Policy& policy,
                                 const AdjointTerms& terms, const SolveOptions& backward)
    : setting_(std::move(setting)),
      policy_(policy),
      equation_(make_adjoint_equation(setting_->dynamics(), wanted, terms)),
      sweep_(*setting_, equation_),
      batch_(*setting_, equation_, policy.memory),
      forward_(setting_->integrator(setting_->dynamics(), setting_->options(), {})),
      backward_(
          setting_->integrator(equation_.dynamics, backward,
                               {.save = SaveTimes::interpolated, .extra = {}, .extra_at = {}})),
      interval_starts_(equation_.states.size()) {
  for (int n = 1; n <= kMostPoints; ++n) rules_.push_back(odeum::gauss_legendre(n));
  if (policy_.nodes == Nodes::adaptive) nested_ = gauss_kronrod(policy_.rule);
}

SolveReport QuadratureSolve::forward(const SolveCall& call) {
  if (!call.row_times.empty()) bug("times of each sample's own are for gradient: backprop");
  step_begins_.assign(call.times.size(), {});
  SolveCall seen = call;
  if (setting_->options().step_size == StepSize::shared) {
    seen.observer = [&](const AcceptedStep& step) {
      step_begins_[step.interval].push_back(step.t);
      if (call.observer) call.observer(step);
    };
  }
  SolveReport report = sweep_.forward(*forward_, seen);
  forward_evaluations_ = report.evaluations;
  return report;
}

/// Nodes of the interval that ends at times[time], where they follow from the forward solve alone.
std::vector<Node> QuadratureSolve::known_nodes(const SolveCall& call, std::size_t time) const {
  const double span = std::abs(call.times.back() - call.times.front());
  std::vector<Node> nodes;
  for (const Panel& panel : panels(call, time, policy_.panel)) {
    double points = static_cast<double>(panel.steps + policy_.surplus);
    if (policy_.nodes == Nodes::published) {
      points = std::ceil(policy_.density * static_cast<double>(forward_evaluations_) *
                         length(panel) / span);
    }
    points = std::clamp(points, 1.0, static_cast<double>(kMostPoints));
    place(rules_[static_cast<std::size_t>(points) - 1], panel, nodes);
  }
  return nodes;
}

/// The interval cut at jumps and, but for the published rule, into panels of at most so many steps
/// of the forward solve: where it took short steps, so does the quadrature.
std::vector<Panel> QuadratureSolve::panels(const SolveCall& call, std::size_t time,
                                           std::int64_t steps) const {
  const Panel whole{.from = call.times[time], .to = call.times[time - 1]};
  std::vector<Panel> result;
  for (const Panel& piece : cut(whole, setting_->options().jump_times)) {
    if (policy_.nodes == Nodes::published) {
      result.push_back(piece);
      continue;
    }
    const std::vector<Panel> grouped = group(piece, step_begins_[time - 1], steps);
    result.insert(result.end(), grouped.begin(), grouped.end());
  }
  return result;
}

SolveReport QuadratureSolve::backward(const SolveCall& call,
                                      std::span<const View> result_cotangents,
                                      const CotangentTargets& targets) {
  const bool integral = std::any_of(
      equation_.parameters.begin(), equation_.parameters.end(),
      [&](std::size_t p) { return p < targets.constants.size() && targets.constants[p]; });
  Pass pass{.call = call, .targets = targets, .integral = integral};
  const bool known = policy_.nodes != Nodes::adaptive;
  if (known && integral) {
    std::size_t total = 0, largest = 0;
    for (std::size_t i = 1; i < call.times.size(); ++i) {
      if (call.times[i] == call.times[i - 1]) continue;
      const std::size_t nodes = known_nodes(call, i).size();
      total += nodes;
      largest = std::max(largest, nodes);
    }
    batch_.open(call, total, largest);
  }
  SolveReport report = sweep_.backward(call, result_cotangents, targets, [&](std::size_t time) {
    return known || !integral ? known_interval(pass, time) : adaptive_interval(pass, time);
  });
  if (known && integral && report.ok()) accumulate_all(pass);
  return report;
}

/// From times[time] back over the nodes; the states' cotangents begin at `from`.
SolveReport QuadratureSolve::solve_back(const SolveCall& call, std::size_t time,
                                        std::span<const Node> nodes, std::span<const View> from,
                                        Reach reach) {
  std::vector<double> times{call.times[time]};
  for (const Node& node : nodes) times.push_back(node.t);
  std::vector<View> results;
  if (!nodes.empty()) results = batch_.add(nodes, sweep_.cotangents());
  if (reach == Reach::end) {
    times.push_back(call.times[time - 1]);
    append(results, sweep_.results());
  }
  const std::vector<View> constants = sweep_.constants(call);
  return backward_->integrate({.rows = call.rows,
                               .times = times,
                               .initial = from,
                               .constants = constants,
                               .results = results,
                               .observer = {}});
}

SolveReport QuadratureSolve::known_interval(Pass& pass, std::size_t time) {
  std::vector<Node> nodes;
  if (pass.integral) nodes = known_nodes(pass.call, time);
  if (!nodes.empty() && !batch_.fits(nodes.size())) accumulate_all(pass);
  const std::vector<View> from = sweep_.members(time);
  SolveReport report = solve_back(pass.call, time, nodes, from, Reach::end);
  report.evaluations += static_cast<std::int64_t>(nodes.size());
  return report;
}

void QuadratureSolve::accumulate_all(Pass& pass) {
  batch_.accumulate(pass.call, sweep_.direction(), pass.targets, 0, batch_.size());
  batch_.clear();
}

/// The equation's members at times[time], the cotangents in copies that outlast the first solve.
std::vector<View> QuadratureSolve::keep_start(const SolveCall& call, std::size_t time) {
  std::vector<View> members = sweep_.members(time);
  for (std::size_t i = 0; i < equation_.states.size(); ++i) {
    const Member& m = setting_->dynamics().members[equation_.states[i]];
    const std::size_t bytes = bytes_of(m.shape, m.dtype, call.rows);
    View& cotangent = members[equation_.states.size() + i];
    const View copy = interval_starts_[i].reserve(setting_->device(), bytes);
    setting_->device().copy(copy, cotangent, bytes);
    cotangent = copy;
  }
  return members;
}

/// Halves panels until the estimates, together, are within the tolerance. Nodes do not influence
/// steps, so solving the interval anew for more of them repeats the same steps.
SolveReport QuadratureSolve::adaptive_interval(Pass& pass, std::size_t time) {
  const std::vector<View> from = keep_start(pass.call, time);
  const double whole = std::abs(pass.call.times[time] - pass.call.times[time - 1]);
  const std::size_t points = nested_.kronrod.nodes.size();
  std::vector<Panel> pending = panels(pass.call, time, kStepsPerPanel);
  SolveReport total;
  double settled = 0.0;
  for (int halvings = 0; !pending.empty(); ++halvings) {
    std::vector<Node> nodes;
    for (const Panel& panel : pending) place(nested_.kronrod, panel, nodes);
    batch_.open(pass.call, nodes.size(), nodes.size());
    count(total,
          solve_back(pass.call, time, nodes, from, halvings == 0 ? Reach::end : Reach::last_node));
    if (!total.ok()) return total;
    total.evaluations += static_cast<std::int64_t>(nodes.size());
    const std::vector<Estimate> estimates =
        estimate(batch_.project(pass.call, sweep_.direction()), pass.call.rows, nested_, pending);

    double error = settled;
    for (const Estimate& e : estimates) {
      error += e.error;
      if (halvings == 0) pass.scale += e.magnitude;
    }
    total.t = pending.front().from;
    if (!std::isfinite(error)) {
      total.status = Status::non_finite;
      return total;
    }
    const double allowed = policy_.tolerance * pass.scale;
    std::vector<Panel> halves;
    for (std::size_t j = 0; j < pending.size(); ++j) {
      const Panel& panel = pending[j];
      if (error <= allowed || estimates[j].error <= allowed * length(panel) / whole) {
        settled += estimates[j].error;
        batch_.accumulate(pass.call, sweep_.direction(), pass.targets, j * points, points);
        total.evaluations += static_cast<std::int64_t>(points);
        continue;
      }
      const double middle = 0.5 * (panel.from + panel.to);
      halves.push_back({.from = panel.from, .to = middle});
      halves.push_back({.from = middle, .to = panel.to});
    }
    pending = std::move(halves);
    if (pending.empty() || halvings < kMostHalvings) continue;
    total.status = Status::step_too_small;
    total.t = pending.front().from;
    total.h = pending.front().to - pending.front().from;
    return total;
  }
  return total;
}

}  // namespace gauss_legendre
