// SPDX-License-Identifier: Apache-2.0
// Measured orders of the implicit solvers, after conformance.md, section 7, on two nonlinear or
// time-dependent problems with closed forms, and of their dense output.
#include <gtest/gtest.h>

#include "stiff_problems.hpp"

namespace odeum::testing {
namespace {

// The closed forms are good to rounding; errors of thousands of steps gather to about this.
const double kSmallestError = std::exp2(-40);
// With longer steps the leading term of the error is not alone.
double largest_error(int order) { return std::exp2(-2.5 * order); }

double slope(const Values& steps, const Values& errors, int order) {
  double n = 0, sx = 0, sy = 0, sxx = 0, sxy = 0;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    if (errors[i] < kSmallestError || errors[i] > largest_error(order)) continue;
    const double x = std::log2(steps[i]), y = std::log2(errors[i]);
    n += 1, sx += x, sy += y, sxx += x * x, sxy += x * y;
  }
  EXPECT_GE(n, 4.0) << "too few errors to measure";
  return (n * sxy - sx * sy) / (n * sxx - sx * sx);
}

// Half an octave apart where the high orders are measured.
const std::vector<std::int64_t> kCounts = {11,  16,  23,  32,  46,   64,  91,
                                           128, 181, 256, 512, 1024, 2048};

/// The slope of the error at `end` in the length of the steps.
double measured_order(const std::string& solver, int order, const Dynamics& dynamics,
                      const Values& start, double end, const Values& truth) {
  Values steps, errors;
  for (const std::int64_t count : kCounts) {
    Method method{solver, "constant", {}};
    method.options.steps = count;
    const Solution s = solve_problem(dynamics, method, start, {0.0, end});
    EXPECT_TRUE(s.report.ok()) << s.report.message();
    double error = 0.0;
    for (std::size_t i = 0; i < truth.size(); ++i) error += std::abs(s.y[0][i] - truth[i]);
    steps.push_back(end / static_cast<double>(count));
    errors.push_back(error);
    if (error < kSmallestError) break;
  }
  return slope(steps, errors, order);
}

class EveryImplicitSolver : public ::testing::TestWithParam<StatedMethod> {};
INSTANTIATE_TEST_SUITE_P(Solvers, EveryImplicitSolver, ::testing::ValuesIn(implicit_methods()),
                         [](const auto& method) { return method.param.name; });

TEST_P(EveryImplicitSolver, ReachesItsOrderOnANonlinearFieldThatDependsOnTime) {
  const double order = measured_order(GetParam().name, GetParam().order, winding(), {1.0, 0.0}, 2.0,
                                      winding_at(2.0));
  EXPECT_NEAR(order, GetParam().order, 0.2);
}

TEST_P(EveryImplicitSolver, ReachesItsOrderOnSwingingGrowth) {
  const double end = 2.0;
  const double order = measured_order(GetParam().name, GetParam().order, swinging_growth(), {1.0},
                                      end, {std::exp(std::sin(end))});
  EXPECT_NEAR(order, GetParam().order, 0.2);
}

// Five points inside each step; the largest error over all of them. A dense output that meets the
// conditions up to order q is wrong by O(h^(q+1)), beside the error of the steps.
TEST_P(EveryImplicitSolver, InterpolatesToItsDenseOrder) {
  Values steps, errors;
  for (const double step : {0.5, 0.25, 0.125, 0.0625, 0.03125, 0.015625, 0.0078125}) {
    Values times = {0.0};
    for (double t = 0.0; t < 2.0; t += step) {
      for (const double x : {0.1, 0.3, 0.5, 0.7, 0.9}) times.push_back(t + x * step);
    }
    times.push_back(2.0);
    const Method method{GetParam().name, "constant", given_step(step), SaveTimes::interpolated};
    const Solution s = solve_problem(swinging_growth(), method, {1.0}, times);
    double error = 0.0;
    for (std::size_t i = 1; i < times.size(); ++i) {
      error = std::max(error, std::abs(s.y[i - 1][0] - std::exp(std::sin(times[i]))));
    }
    steps.push_back(step);
    errors.push_back(error);
  }
  const int expected = std::min(GetParam().order, GetParam().dense_order + 1);
  EXPECT_NEAR(slope(steps, errors, expected), expected, 0.2);
}

// Errors of one tolerance a step add up over tolerance^(-1/(p+1)) steps.
TEST_P(EveryImplicitSolver, MeetsATighterToleranceWithASmallerError) {
  double last = 1.0;
  for (const double tolerance : {1e-3, 1e-5, 1e-7}) {
    const Solution s =
        solve_problem(winding(), {GetParam().name, "integral", tolerances(tolerance, tolerance)},
                      {1.0, 0.0}, {0.0, 2.0});
    ASSERT_TRUE(s.report.ok()) << s.report.message();
    const Values truth = winding_at(2.0);
    const double error = std::abs(s.y[0][0] - truth[0]) + std::abs(s.y[0][1] - truth[1]);
    const double p = GetParam().order;
    EXPECT_LT(error, 10.0 * std::pow(tolerance, p / (p + 1.0)));
    EXPECT_LT(error, 0.3 * last);
    last = error;
  }
}

}  // namespace
}  // namespace odeum::testing
