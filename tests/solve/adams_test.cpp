// SPDX-License-Identifier: Apache-2.0
// Adams's methods: published coefficients, orders, free changes of the step, error estimates.
#include <gtest/gtest.h>

#include <cmath>

#include "problem.hpp"

namespace odeum::testing {
namespace {

struct Adams {
  const char* solver;
  std::int64_t order;

  Method method(const SolveOptions& options, SaveTimes save = SaveTimes::exact) const {
    return {solver, "integral", options, save, {{"order", order}}};
  }
};

class EveryAdams : public ::testing::TestWithParam<Adams> {};
INSTANTIATE_TEST_SUITE_P(Orders, EveryAdams,
                         ::testing::Values(Adams{"adams_bashforth", 1}, Adams{"adams_bashforth", 2},
                                           Adams{"adams_bashforth", 3}, Adams{"adams_bashforth", 4},
                                           Adams{"adams_bashforth", 5}, Adams{"adams_bashforth", 8},
                                           Adams{"adams_moulton", 1}, Adams{"adams_moulton", 2},
                                           Adams{"adams_moulton", 3}, Adams{"adams_moulton", 4},
                                           Adams{"adams_moulton", 5}, Adams{"adams_moulton", 8}),
                         [](const auto& adams) {
                           return adams.param.solver + std::to_string(adams.param.order);
                         });

/// Nonlinear and dependent on time: z' = 0.2 z + (1 + |z|^2 t) i z in the complex plane, z(0) = 1.
constexpr double kGrowth = 0.2;
Dynamics winding() {
  return dynamics_of(2, [](Tensor t, Tensor z, auto) {
    const auto [x, y] = split<1, 1>(z);
    const Tensor rate = 1.0 + (x * x + y * y) * t;
    return concat({kGrowth * x - rate * y, kGrowth * y + rate * x});
  });
}
/// |z| = exp(0.2 t), and the angle is the integral of 1 + |z|^2 t.
Values winding_at(double t) {
  const double a = 2.0 * kGrowth;
  const double angle = t + (std::exp(a * t) * (a * t - 1.0) + 1.0) / (a * a);
  return {std::exp(kGrowth * t) * std::cos(angle), std::exp(kGrowth * t) * std::sin(angle)};
}

/// y' = t^power: every method of higher order is exact.
Dynamics power_of_time(int power) {
  return dynamics_of(1, [power](Tensor t, Tensor z, auto) { return pow(t, power) + 0.0 * z; });
}

double slope(const Values& steps, const Values& errors) {
  const std::size_t n = steps.size();
  double sx = 0, sy = 0, sxx = 0, sxy = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const double x = std::log2(steps[i]), y = std::log2(errors[i]);
    sx += x, sy += y, sxx += x * x, sxy += x * y;
  }
  const auto count = static_cast<double>(n);
  return (count * sxy - sx * sy) / (count * sxx - sx * sx);
}

struct Problem {
  Dynamics dynamics;
  Values (*truth)(double t);
};
Problem winding_problem() { return {winding(), winding_at}; }
/// conformance.md, section 1, A3.
Problem a3() {
  return {dynamics_of(1, [](Tensor t, Tensor z, auto) { return z * cos(t); }),
          [](double t) { return Values{std::exp(std::sin(t))}; }};
}

/// Largest errors at the ends of steps and at `points` inside each, over steps that get shorter
/// until rounding is in sight; the slope of the last six, where the leading term is alone.
double measured_order(const Adams& adams, const Problem& problem, const Values& points) {
  const double end = 1.5;
  Values steps, errors;
  for (double step = 1.0 / 8; step > 1.0 / 600; step /= std::sqrt(std::sqrt(2.0))) {
    Values times = {0.0};
    for (double t = 0.0; t + step < end; t += step) {
      for (const double x : points) times.push_back(t + x * step);
    }
    times.push_back(end);
    const Solution s =
        solve_problem(problem.dynamics, adams.method(given_step(step), SaveTimes::interpolated),
                      problem.truth(0.0), times);
    double error = 0.0;
    for (std::size_t i = 1; i < times.size(); ++i) {
      const Values truth = problem.truth(times[i]);
      for (std::size_t k = 0; k < truth.size(); ++k) {
        error = std::max(error, std::abs(s.y[i - 1][k] - truth[k]));
      }
    }
    if (error < 2e-13) break;
    steps.push_back(step);
    errors.push_back(error);
  }
  EXPECT_GE(steps.size(), 6U);
  return slope({steps.end() - 6, steps.end()}, {errors.end() - 6, errors.end()});
}

TEST_P(EveryAdams, ReachesItsOrder) {
  const auto order = static_cast<double>(GetParam().order);
  EXPECT_NEAR(measured_order(GetParam(), winding_problem(), {}), order, 0.2);
  // On A3 rounding shows before the leading term of order 8 is alone.
  if (order == 8.0) return;
  EXPECT_NEAR(measured_order(GetParam(), a3(), {}), order, 0.2);
}

TEST_P(EveryAdams, InterpolatesToItsOrder) {
  const auto order = static_cast<double>(GetParam().order);
  EXPECT_NEAR(measured_order(GetParam(), winding_problem(), {0.3, 0.7}), order, 0.2);
}

TEST_P(EveryAdams, IntegratesPolynomialsOfItsOrderExactlyThroughAnyChangeOfStep) {
  const Adams& adams = GetParam();
  const Values times = {0.5, 0.6, 1.0, 1.01, 1.5, 3.0, 3.1};
  const auto power = static_cast<int>(adams.order) - 1;
  const Solution s =
      solve_problem(power_of_time(power), adams.method(given_step(10.0)), {0.0}, times);
  ASSERT_EQ(s.report.accepted, 6);
  for (std::size_t i = 1; i < times.size(); ++i) {
    const double p = power + 1.0;
    const double truth = (std::pow(times[i], p) - std::pow(0.5, p)) / p;
    EXPECT_NEAR(s.y[i - 1][0], truth, 1e-11 * std::max(1.0, truth)) << times[i];
  }
}

// With a local error of the tolerance in each of tolerance^(-1/(p + 1)) steps.
TEST_P(EveryAdams, FollowsATolerance) {
  const Adams& adams = GetParam();
  const Dynamics swing = dynamics_of(1, [](Tensor t, Tensor z, auto) { return z * cos(t); });
  for (const double end : {20.0, -5.0}) {
    for (const double tolerance : {1e-4, 1e-6}) {
      const Solution s =
          solve_problem(swing, adams.method(tolerances(tolerance, tolerance)), {1.0}, {0.0, end});
      ASSERT_TRUE(s.report.ok()) << s.report.message();
      const auto p = static_cast<double>(adams.order);
      EXPECT_NEAR(s.y[0][0], std::exp(std::sin(end)), 50.0 * std::pow(tolerance, p / (p + 1.0)));
    }
  }
}

// Hairer, Norsett, Wanner, III.1, (1.5) and (1.8): weights of the last four rates. A rate that is
// one in the last interval of its history alone shows them; a cubic through four points does too.
TEST(AdamsBashforth, HasThePublishedWeightsOfOrderFour) {
  // After enough equal steps, y' = g(t) is summed with 55/24, -59/24, 37/24, -9/24.
  const double h = 0.1;
  const auto g = [](double t) { return std::sin(5.0 * t) + t * t * t * t; };
  const Dynamics quadrature = dynamics_of(
      1, [](Tensor t, Tensor z, auto) { return sin(5.0 * t) + t * t * t * t + 0.0 * z; });
  Values times;
  for (int i = 0; i <= 8; ++i) times.push_back(h * i);
  const Solution s = solve_problem(quadrature,
                                   {"adams_bashforth",
                                    "integral",
                                    given_step(h),
                                    SaveTimes::exact,
                                    {{"order", std::int64_t{4}}}},
                                   {0.0}, times);
  const double rise = s.y[7][0] - s.y[6][0];
  const double expected = h / 24.0 * (55.0 * g(0.7) - 59.0 * g(0.6) + 37.0 * g(0.5) - 9.0 * g(0.4));
  EXPECT_NEAR(rise, expected, 1e-14);
}

TEST(AdamsMoulton, HasThePublishedWeightsOfOrderFour) {
  const double h = 0.1;
  const auto g = [](double t) { return std::sin(5.0 * t) + t * t * t * t; };
  const Dynamics quadrature = dynamics_of(
      1, [](Tensor t, Tensor z, auto) { return sin(5.0 * t) + t * t * t * t + 0.0 * z; });
  Values times;
  for (int i = 0; i <= 8; ++i) times.push_back(h * i);
  const Solution s = solve_problem(
      quadrature,
      {"adams_moulton", "integral", given_step(h), SaveTimes::exact, {{"order", std::int64_t{4}}}},
      {0.0}, times);
  const double rise = s.y[7][0] - s.y[6][0];
  const double expected = h / 24.0 * (9.0 * g(0.8) + 19.0 * g(0.7) - 5.0 * g(0.6) + g(0.5));
  EXPECT_NEAR(rise, expected, 1e-14);
}

TEST(Adams, CostOneEvaluationAStepOrTwo) {
  const Solution explicit_one = solve_problem(
      winding(), {"adams_bashforth", "constant", given_step(0.125)}, {1.0, 0.0}, {0.0, 1.0});
  EXPECT_EQ(explicit_one.report.evaluations, 1 + 8);
  const Solution corrected = solve_problem(
      winding(), {"adams_moulton", "constant", given_step(0.125)}, {1.0, 0.0}, {0.0, 1.0});
  EXPECT_EQ(corrected.report.evaluations, 1 + 2 * 8);
}

TEST(Adams, SumCostsAlongTheLengthOfTime) {
  Dynamics with_cost = dynamics_of(1, [](Tensor, Tensor z, auto) { return -z; });
  with_cost.members.push_back({.name = "cost",
                               .shape = {kRows},
                               .dtype = DType::f64,
                               .in_error_norm = false,
                               .along_absolute_time = true});
  with_cost.rates = [](Tensor, const State& y, auto) {
    return State{-y[0], sum_features(square(y[0]))};
  };
  for (const char* solver : {"adams_bashforth", "adams_moulton"}) {
    const Method method{solver, "integral", tolerances(1e-10, 1e-10)};
    const Solution ahead = solve_problem(with_cost, method, {1.0}, {0.0, 1.0});
    EXPECT_NEAR(ahead.y[0][1], (1.0 - std::exp(-2.0)) / 2.0, 1e-6) << solver;
    const Solution back = solve_problem(with_cost, method, {1.0}, {0.0, -1.0});
    EXPECT_NEAR(back.y[0][1], (std::exp(2.0) - 1.0) / 2.0, 1e-6) << solver;
  }
}

}  // namespace
}  // namespace odeum::testing
