// SPDX-License-Identifier: Apache-2.0
#include "odeum/solver.hpp"

#include <cmath>

#include "odeum/gradient.hpp"
#include "verify/problem.hpp"
#include "verify/resources.hpp"
#include "verify/verify.hpp"

namespace odeum::verify {
namespace {

constexpr double kEnd = 2.0;
// Measured slopes of a method of order p lie this close to p.
constexpr double kSlack = 0.25;
// Errors nearer to rounding say nothing of the order; larger ones have further terms.
constexpr double kSmallest = 1e-11;
constexpr double kTolerance = 1e-6;
// Global error over tolerance that adaptive methods are allowed (diffrax's and our own suites: 50
// from order four on, 500 below). Methods of order one add up the errors of tolerance^(-1/2) steps.
double allowed_multiple(int order, double tolerance) {
  if (order <= 1) return 10.0 / std::sqrt(tolerance);
  return order >= 4 ? 100.0 : 1000.0;
}
constexpr double kCoefficients = 1e-12;

struct Tested {
  const Workbench& bench;
  std::shared_ptr<Solver> solver;

  Solved in(const Problem& problem, std::int64_t steps, SaveTimes save,
            const std::vector<double>& times, const std::string& device = "cpu") const {
    return solve(bench, problem, solver, "constant", in_steps(steps), save, times, device);
  }
  Solved adaptively(const Problem& problem, double tolerance) const {
    return solve(bench, problem, solver, "integral", to_tolerance(tolerance), SaveTimes::exact,
                 {problem.from, problem.to});
  }
};

/// Least-squares slope of log(error) over log(step).
double slope(const std::vector<double>& steps, const std::vector<double>& errors) {
  double n = 0, sx = 0, sy = 0, sxx = 0, sxy = 0;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const double x = std::log(steps[i]);
    const double y = std::log(errors[i]);
    n += 1, sx += x, sy += y, sxx += x * x, sxy += x * y;
  }
  require(n >= 3, "fewer than three errors are large enough to measure");
  return (n * sxy - sx * sy) / (n * sxx - sx * sx);
}

/// The order that `error_of(steps)` shows. High orders show theirs in small errors alone, and have
/// few of them before rounding.
double measured_order(int stated, const std::function<double(std::int64_t)>& error_of) {
  std::vector<double> steps;
  std::vector<double> errors;
  const bool high = stated >= 5;
  const double largest = high ? std::exp2(-25) : std::exp2(-2.5 * stated);
  const double smallest = high ? 1e-13 : kSmallest;
  for (double count = 8; count <= 4096; count *= high ? std::exp2(0.25) : std::exp2(0.5)) {
    const auto whole = static_cast<std::int64_t>(std::llround(count));
    const double error = error_of(whole);
    if (error < smallest) break;
    if (error > largest) continue;
    steps.push_back(kEnd / static_cast<double>(whole));
    errors.push_back(error);
    if (!high && errors.size() >= 9) break;
  }
  return slope(steps, errors);
}

std::string holds_order(const Tested& tested) {
  const Problem problem = winding(kEnd);
  const int stated = tested.solver->order();
  require(stated >= 1, "order() is " + std::to_string(stated));
  const double measured = measured_order(stated, [&](std::int64_t steps) {
    const Solved s = tested.in(problem, steps, SaveTimes::exact, {0.0, kEnd});
    require(s.report.ok(), s.report.message());
    return largest_difference(s.y[0], problem.truth);
  });
  require(std::abs(measured - stated) <= kSlack || measured > stated,
          "measured " + shown(measured) + ", stated " + std::to_string(stated));
  return "measured " + shown(measured) + ", stated " + std::to_string(stated);
}

std::string interpolates(const Tested& tested) {
  const Problem problem = winding(kEnd);
  const auto error_of = [&](std::int64_t steps) {
    const double h = kEnd / static_cast<double>(steps);
    std::vector<double> times = {0.0};
    for (std::int64_t i = 0; i < steps; ++i) {
      times.push_back((static_cast<double>(i) + 0.4) * h);
    }
    times.push_back(kEnd);
    SolveOptions options;
    options.step = h;
    const Solved s = solve(tested.bench, problem, tested.solver, "constant", options,
                           SaveTimes::interpolated, times);
    require(s.report.ok(), s.report.message());
    double worst = 0.0;
    for (std::size_t i = 1; i < times.size(); ++i) {
      worst = std::max(worst, largest_difference(s.y[i - 1], winding_at(times[i])));
    }
    return worst;
  };
  const double coarse = error_of(64);
  const double fine = error_of(256);
  const double order = std::log(coarse / fine) / std::log(4.0);
  const int least = std::min(tested.solver->order(), 2);
  require(order > least - kSlack || fine < kSmallest, "errors inside steps fall with order " +
                                                          shown(order) + ", at least wanted is " +
                                                          std::to_string(least));
  return "errors inside steps fall with order " + shown(order);
}

std::string honest_error(const Tested& tested) {
  const Problem problem = winding(kEnd);
  const Solved s = tested.adaptively(problem, kTolerance);
  require(s.report.ok(), s.report.message());
  const double error = largest_difference(s.y[0], problem.truth);
  const double allowed = allowed_multiple(tested.solver->order(), kTolerance) * kTolerance;
  require(error <= allowed, "at tolerance " + shown(kTolerance) + " the error is " + shown(error));
  const Solved tight = tested.adaptively(problem, 0.01 * kTolerance);
  require(tight.report.ok(), tight.report.message());
  const double smaller = largest_difference(tight.y[0], problem.truth);
  require(smaller < error || smaller < kSmallest,
          "a hundredth of the tolerance does not lower the error (" + shown(error) + " to " +
              shown(smaller) + ")");
  return "error " + shown(error / kTolerance) + " tolerances, " +
         std::to_string(s.report.accepted) + " accepted and " + std::to_string(s.report.rejected) +
         " rejected steps";
}

std::string consistent_tableau(const Tableau& tableau) {
  double sum = 0.0;
  double moment = 0.0;
  require(tableau.a.size() >= tableau.stages() && tableau.c.size() == tableau.a.size(),
          "a, b and c are of different numbers of stages");
  for (std::size_t i = 0; i < tableau.stages(); ++i) {
    sum += tableau.b[i].value();
    moment += tableau.b[i].value() * tableau.c[i].value();
    double row = 0.0;
    for (const Coefficient& a : tableau.a[i]) row += a.value();
    require(std::abs(row - tableau.c[i].value()) < kCoefficients,
            "row " + std::to_string(i) + " of a adds up to " + shown(row) + ", c says " +
                std::string(tableau.c[i].text()));
  }
  require(std::abs(sum - 1.0) < kCoefficients, "b adds up to " + shown(sum));
  if (tableau.order >= 2) {
    require(std::abs(moment - 0.5) < kCoefficients, "sum b c is " + shown(moment) + ", not 1/2");
  }
  double embedded = 0.0;
  for (const Coefficient& b : tableau.b_embedded) embedded += b.value();
  require(tableau.b_embedded.empty() || std::abs(embedded - 1.0) < kCoefficients,
          "b_embedded adds up to " + shown(embedded));
  return std::to_string(tableau.stages()) + " stages";
}

}  // namespace

void check_solver(const Workbench& bench, Checks& checks) {
  const Tested tested{bench, bench.tested<Solver>()};
  const Solver& solver = *tested.solver;
  const std::string reason = solver.refusal(winding(kEnd).dynamics);
  if (!reason.empty()) {
    checks.left_out("solves a nonlinear problem of two components", "it refuses it: " + reason);
    return;
  }
  if (const Tableau* tableau = solver.runge_kutta()) {
    checks.that("its tableau is consistent", [&] { return consistent_tableau(*tableau); });
  }
  if (solver.host_driven()) {
    checks.left_out("its measured order is the stated one",
                    "it chooses its steps and orders itself");
  } else {
    checks.that("its measured order is the stated one", [&] { return holds_order(tested); });
    checks.that("interpolates inside its steps", [&] { return interpolates(tested); });
  }
  if (solver.error_order() > 0 || solver.host_driven()) {
    checks.that("meets a tolerance", [&] { return honest_error(tested); });
  } else {
    checks.left_out("meets a tolerance", "it has no error estimate");
  }
  const auto run = [&](const Problem& problem, const std::string& device) {
    if (solver.error_order() > 0 || solver.host_driven()) {
      return solve(bench, problem, tested.solver, "integral", to_tolerance(kTolerance),
                   SaveTimes::exact, {problem.from, problem.to}, device);
    }
    return tested.in(problem, 200, SaveTimes::exact, {problem.from, problem.to}, device);
  };
  checks.that("gives the same bits again, with one thread and with two", [&] {
    const Problem problem = winding(kEnd);
    const Solved one = run(problem, "{use: cpu, threads: 1}");
    require(one.y == run(problem, "{use: cpu, threads: 1}").y, "a second solve differs");
    require(one.y == run(problem, "{use: cpu, threads: 2}").y, "two threads differ from one");
    return std::string();
  });
  checks.that("integrates a cost that nothing depends on", [&] {
    const Problem problem = decay_with_cost(1.0);
    const Solved s = run(problem, "cpu");
    require(s.report.ok(), s.report.message());
    const double error = largest_difference(s.y[0], problem.truth);
    require(error < 1e-2, "the state is wrong by " + shown(error));
    const double of_cost = largest_difference(s.cost, problem.cost_truth);
    require(of_cost < 5e-2, "the cost is wrong by " + shown(of_cost));
    return "to " + shown(of_cost);
  });
  checks.that("solves back in time", [&] {
    Problem problem = winding(0.0);
    problem.from = kEnd;
    problem.initial = winding_at(kEnd);
    const Solved s = run(problem, "cpu");
    require(s.report.ok(), s.report.message());
    const double error = largest_difference(s.y[0], {1.0, 0.0});
    require(error < 0.1, "the start is missed by " + shown(error));
    return "to " + shown(error);
  });
  checks.that("ends with a status where the right-hand side is not a number", [&] {
    const Solved s = run(spoiled(), "cpu");
    require(!s.report.ok(), "it went on as if nothing had been");
    return std::string(name(s.report.status));
  });
  check_resources(checks, [&] {
    const Problem problem = decay_with_cost(1.0);
    const bool adaptive = solver.error_order() > 0 || solver.host_driven();
    solve(bench, problem, bench.tested<Solver>(), adaptive ? "integral" : "constant",
          adaptive ? to_tolerance(1e-3) : in_steps(8), SaveTimes::exact, {problem.from, problem.to},
          "{use: cpu, threads: 1}");
  });
}

}  // namespace odeum::verify
