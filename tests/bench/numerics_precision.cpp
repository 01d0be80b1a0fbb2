// SPDX-License-Identifier: Apache-2.0
// Work and precision on the problems of conformance.md, sections 1 to 3.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <optional>

#include "numerics.hpp"

namespace odeum::bench {
namespace {

struct Point {
  double error = 0.0;
  double evaluations = 0.0;
};
using Curve = std::vector<Point>;

/// Problems of sections 1 and 2.
std::vector<Case> smooth_problems() {
  std::vector<Case> chosen;
  for (const Case& c : testing::cases()) {
    for (const char* name : {"A1", "A2", "A3", "A4", "A5", "B1", "C1", "D1", "D3", "D5", "E2",
                             "arenstorf", "brusselator", "spiral_1_5", "spiral_25"}) {
      if (c.name == name) chosen.push_back(c);
    }
  }
  return chosen;
}

const std::vector<double> kTolerances = {1e-3, 1e-4,  1e-5,  1e-6,  1e-7, 1e-8,
                                         1e-9, 1e-10, 1e-11, 1e-12, 1e-13};
const std::vector<std::int64_t> kSteps = {100, 1000, 10000, 100000, 1000000};

enum class ErrorOf : std::uint8_t {
  solution,   ///< against the largest component
  component,  ///< each against itself
};

/// Runs one setting after the other until the next is expected to take more than `limit`
/// evaluations; the cells of the others stay empty.
class Ladder {
 public:
  Ladder(const SolverEntry& entry, const Dynamics& dynamics, const Case& problem, ErrorOf error_of,
         std::int64_t limit)
      : entry_(entry),
        dynamics_(dynamics),
        problem_(problem),
        error_of_(error_of),
        limit_(limit),
        per_attempt_(entry.evaluations_an_attempt) {}

  /// False: there is no use in going on.
  bool climb(const SolveOptions& options, const std::string& where, Failures& failures) {
    const Outcome outcome = bench::solve(entry_, dynamics_, problem_, options);
    const double error = error_of_ == ErrorOf::solution ? outcome.error : outcome.relative;
    cells_.push_back(cell(outcome, error));
    if (!outcome.ok()) {
      failures.add(entry_.label, where, outcome);
      return false;
    }
    const auto evaluations = static_cast<double>(outcome.report.evaluations);
    const auto attempts = static_cast<double>(outcome.report.accepted + outcome.report.rejected);
    per_attempt_ = evaluations / std::max(1.0, attempts);
    growth_ = curve_.empty() ? std::pow(10.0, 1.0 / entry_.solver->order())
                             : std::max(1.0, evaluations / curve_.back().evaluations);
    curve_.push_back({error, evaluations});
    return evaluations * growth_ <= static_cast<double>(limit_);
  }

  std::int64_t max_steps() const {
    return static_cast<std::int64_t>(static_cast<double>(limit_) / per_attempt_);
  }
  double per_attempt() const { return per_attempt_; }
  const Curve& curve() const { return curve_; }
  std::vector<std::string> row(std::size_t columns) const {
    std::vector<std::string> cells = {entry_.label};
    cells.insert(cells.end(), cells_.begin(), cells_.end());
    cells.resize(columns + 1);
    return cells;
  }

 private:
  const SolverEntry& entry_;
  const Dynamics& dynamics_;
  const Case& problem_;
  ErrorOf error_of_;
  std::int64_t limit_;
  double per_attempt_, growth_ = 1.0;
  Curve curve_;
  std::vector<std::string> cells_;
};

Ladder climb_tolerances(const SolverEntry& entry, const Dynamics& dynamics, const Case& problem,
                        const std::vector<double>& scale, std::int64_t limit, Failures& failures) {
  Ladder ladder(entry, dynamics, problem, scale.empty() ? ErrorOf::solution : ErrorOf::component,
                limit);
  for (const double tolerance : kTolerances) {
    SolveOptions options = adaptive_options(tolerance, ladder.max_steps());
    if (!scale.empty()) {
      options.atol.clear();
      for (const double s : scale) options.atol.push_back(0.01 * tolerance * s);
    }
    const std::string where = problem.name + " at " + tolerance_text(tolerance);
    if (!ladder.climb(options, where, failures)) break;
  }
  return ladder;
}

Ladder climb_steps(const SolverEntry& entry, const Dynamics& dynamics, const Case& problem,
                   std::int64_t limit, Failures& failures) {
  Ladder ladder(entry, dynamics, problem, ErrorOf::solution, limit);
  for (const std::int64_t steps : kSteps) {
    if (static_cast<double>(steps) * ladder.per_attempt() > static_cast<double>(limit)) break;
    const std::string where =
        problem.name + " in " + count_text(static_cast<double>(steps)) + " steps";
    // Longer steps may leave the numbers where shorter ones do not.
    ladder.climb(given_steps(steps), where, failures);
  }
  return ladder;
}

std::vector<std::string> tolerance_head() {
  std::vector<std::string> head = {"solver"};
  for (const double tolerance : kTolerances) head.push_back(tolerance_text(tolerance));
  return head;
}

std::vector<std::string> steps_head() {
  std::vector<std::string> head = {"solver"};
  for (const std::int64_t steps : kSteps) {
    head.push_back(count_text(static_cast<double>(steps)) + " steps");
  }
  return head;
}

// --- What a digit costs ---

const std::vector<double> kTargets = {1e-2, 1e-4, 1e-6, 1e-8, 1e-10};

/// Evaluations to an error of `target`, between two measured points by a straight line of the
/// logarithms.
std::optional<double> cost_of(const Curve& curve, double target) {
  for (std::size_t i = 0; i < curve.size(); ++i) {
    if (curve[i].error > target) continue;
    if (i == 0 || curve[i - 1].error <= target) return curve[i].evaluations;
    const double above = std::log(curve[i - 1].error / target);
    const double below = std::log(target / std::max(curve[i].error, 1e-17));
    const double part = above / (above + below);
    return std::exp((1.0 - part) * std::log(curve[i - 1].evaluations) +
                    part * std::log(curve[i].evaluations));
  }
  return std::nullopt;
}

struct Digits {
  std::string label;
  std::vector<Curve> curves;  ///< by problem
};

std::string digits_table(const std::vector<Digits>& all, std::size_t problems) {
  std::vector<std::string> head = {"solver"};
  for (const double target : kTargets) head.push_back("to " + tolerance_text(target));
  head.emplace_back("a digit more, from 1e-4 to 1e-8");
  Table table(head);
  for (const Digits& solver : all) {
    std::vector<std::string> cells = {solver.label};
    std::vector<std::optional<double>> means;
    for (const double target : kTargets) {
      double logs = 0.0;
      std::size_t reached = 0;
      for (const Curve& curve : solver.curves) {
        if (const auto cost = cost_of(curve, target)) {
          logs += std::log(*cost);
          ++reached;
        }
      }
      if (reached < problems) {
        means.emplace_back();
        cells.push_back(std::to_string(reached) + " of " + std::to_string(problems));
        continue;
      }
      means.emplace_back(std::exp(logs / static_cast<double>(problems)));
      cells.push_back(count_text(*means.back()));
    }
    std::string factor = "-";
    if (means[1] && means[3]) {
      char text[16];
      std::snprintf(text, sizeof text, "x %.2f", std::pow(*means[3] / *means[1], 0.25));
      factor = text;
    }
    cells.push_back(factor);
    table.row(cells);
  }
  return table.text();
}

}  // namespace

WorkPrecision work_precision(const std::vector<SolverEntry>& solvers, const Limits& limits,
                             Failures& failures) {
  WorkPrecision result;
  const std::vector<Case> problems = smooth_problems();
  std::vector<Digits> digits;
  digits.reserve(solvers.size());
  for (const SolverEntry& entry : solvers) digits.push_back({entry.label, {}});
  for (const Case& problem : problems) {
    const Dynamics dynamics = dynamics_of(problem);
    Table adaptive(tolerance_head()), given(steps_head());
    bool any_given = false;
    for (std::size_t i = 0; i < solvers.size(); ++i) {
      const SolverEntry& entry = solvers[i];
      if (entry.adaptive()) {
        const Ladder ladder =
            climb_tolerances(entry, dynamics, problem, {}, limits.evaluations, failures);
        adaptive.row(ladder.row(kTolerances.size()));
        digits[i].curves.push_back(ladder.curve());
      } else {
        const Ladder ladder = climb_steps(entry, dynamics, problem, limits.evaluations, failures);
        given.row(ladder.row(kSteps.size()));
        digits[i].curves.push_back(ladder.curve());
        any_given = true;
      }
    }
    std::fprintf(stderr, "bench_numerics: %s\n", problem.name.c_str());
    result.tables += "### " + problem.name + "\n\n" + adaptive.text() + "\n";
    if (any_given) result.tables += given.text() + "\n";
  }
  result.summary = digits_table(digits, problems.size());
  return result;
}

std::string stiff(const std::vector<SolverEntry>& solvers, const Limits& limits,
                  Failures& failures) {
  std::string text;
  for (const auto& [problem, scale] : testing::stiff_cases()) {
    const Dynamics dynamics = dynamics_of(problem);
    Table table(tolerance_head());
    for (const SolverEntry& entry : solvers) {
      if (!entry.adaptive()) continue;
      Ladder ladder =
          climb_tolerances(entry, dynamics, problem, scale, limits.stiff_evaluations, failures);
      table.row(ladder.row(kTolerances.size()));
    }
    std::fprintf(stderr, "bench_numerics: %s\n", problem.name.c_str());
    text += "### " + problem.name + "\n\n" + table.text() + "\n";
  }
  return text;
}

}  // namespace odeum::bench
