// SPDX-License-Identifier: Apache-2.0
// Initial value problems with known solutions, for the suites of what takes part in a solve.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "odeum/solve.hpp"
#include "verify/verify.hpp"

namespace odeum::verify {

/// One sample, float64.
struct Problem {
  Dynamics dynamics;
  std::vector<double> initial;
  double from = 0.0;
  double to = 1.0;
  std::vector<double> truth;  ///< at `to`
  std::vector<double> cost_truth = {};
};

/// z' = growth z + (1 + |z|^2 t) i z in the complex plane: nonlinear and dependent on time, with a
/// solution in closed form at every time.
Problem winding(double to);
std::vector<double> winding_at(double t);
/// z' = -z with one further member, the running cost |z|^2.
Problem decay_with_cost(double to);
/// A right-hand side that is not a number from t = 0.5 on.
Problem spoiled();

struct Solved {
  SolveReport report;
  std::vector<std::vector<double>> y;  ///< first member, by time behind the first
  std::vector<double> cost;            ///< second member at the last time, if there is one
};

/// Solves at `times` (the first one is the start).
Solved solve(const Workbench& bench, const Problem& problem, std::shared_ptr<const Solver> solver,
             const std::string& controller, const SolveOptions& options, SaveTimes save,
             const std::vector<double>& times, const std::string& device = "cpu");

SolveOptions in_steps(std::int64_t steps);
SolveOptions to_tolerance(double tolerance);

/// The largest difference of entries.
double largest_difference(const std::vector<double>& a, const std::vector<double>& b);

}  // namespace odeum::verify
