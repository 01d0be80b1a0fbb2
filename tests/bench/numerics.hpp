// SPDX-License-Identifier: Apache-2.0
// What the sections of bench_numerics share: the installed solvers, a solve with its error, tables.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "odeum/controller.hpp"
#include "odeum/solver.hpp"
#include "solve/problems.hpp"

namespace odeum::bench {

using testing::Case;
using testing::Values;

/// An installed solver; one that has a key `method` counts once for each of its choices.
struct SolverEntry {
  std::string label;
  std::shared_ptr<Solver> solver;

  double evaluations_an_attempt = 1.0;  ///< measured; for limits

  bool adaptive() const { return solver->error_order() > 0; }
};
std::vector<SolverEntry> installed_solvers();

/// How a solve went. `refusal` is not empty where the solver cannot do with the dynamics.
struct Outcome {
  SolveReport report;
  double error = 0.0;   ///< largest difference of a component, over the largest true one or one
  double relative = 0;  ///< largest difference of a component over its own size
  std::string refusal;

  bool ok() const { return refusal.empty() && report.ok(); }
};
Outcome solve(const SolverEntry& entry, const Dynamics& dynamics, const Case& problem,
              const SolveOptions& options);

/// The dynamics of a problem. Implicit-explicit methods take the whole as its stiff part.
Dynamics dynamics_of(const Case& problem);

SolveOptions adaptive_options(double tolerance, std::int64_t max_steps);
SolveOptions given_steps(std::int64_t steps);

/// Collects what did not go to the end, to be listed with its reasons.
class Failures {
 public:
  void add(const std::string& solver, const std::string& where, const Outcome& outcome);
  std::string text() const;

 private:
  struct Failure {
    std::vector<std::string> where;
    std::string reason;
  };
  std::map<std::pair<std::string, std::string>, Failure> all_;  ///< by solver and status
};

/// A table of Markdown.
class Table {
 public:
  explicit Table(const std::vector<std::string>& head);
  void row(const std::vector<std::string>& cells);
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

std::string scientific(double value);  ///< "3.1e-6"
std::string count_text(double value);  ///< "842", "12.3k", "4.5M"
/// "3.1e-6, 12.3k": error and evaluations; or the status and where.
std::string cell(const Outcome& outcome, double error);
std::string tolerance_text(double tolerance);  ///< "1e-6"

// --- The sections, each a text of Markdown ---
struct Limits {
  std::int64_t evaluations = 10000000;       ///< of one solve
  std::int64_t stiff_evaluations = 1000000;  ///< of one solve of a stiff problem
};
std::string orders(const std::vector<SolverEntry>& solvers);
struct WorkPrecision {
  std::string summary;  ///< what a digit costs
  std::string tables;   ///< a table a problem
};
WorkPrecision work_precision(const std::vector<SolverEntry>& solvers, const Limits& limits,
                             Failures& failures);
std::string stiff(const std::vector<SolverEntry>& solvers, const Limits& limits,
                  Failures& failures);
std::string gradients(const std::vector<SolverEntry>& solvers);

}  // namespace odeum::bench
