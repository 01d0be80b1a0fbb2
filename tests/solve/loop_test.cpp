// SPDX-License-Identifier: Apache-2.0
// The integration loop: landing, counting, directions, limits.
#include <gtest/gtest.h>

#include <cmath>

#include "odeum/random.hpp"
#include "problem.hpp"

namespace odeum::testing {
namespace {

Dynamics decay() {
  return dynamics_of(1, [](Tensor, Tensor z, auto) { return -z; });
}

Method tight(SaveTimes save = SaveTimes::exact) {
  return {"dopri5", "integral", tolerances(1e-9, 1e-9), save};
}

/// Lorenz's equations of 1963.
Dynamics lorenz() {
  return dynamics_of(3, [](Tensor, Tensor s, auto) {
    const auto [x, y, z] = split<1, 1, 1>(s);
    return concat({10.0 * (y - x), x * (28.0 - z) - y, x * y - (8.0 / 3.0) * z});
  });
}

TEST(StepLoop, EulerOnAGridOfTenStepsCompoundsTenTimes) {
  const Method euler{"euler", "constant", given_step(0.1)};
  const Dynamics growth = dynamics_of(1, [](Tensor, Tensor z, auto) { return 1.0 * z; });
  const Solution s = solve_problem(growth, euler, {1.0}, {0.0, 1.0});
  EXPECT_TRUE(s.report.ok());
  EXPECT_EQ(s.report.accepted, 10);
  EXPECT_EQ(s.report.rejected, 0);
  EXPECT_EQ(s.report.evaluations, 10);
  EXPECT_EQ(s.t.size(), 10U);  // ten step callbacks, conformance.md, section 4
  EXPECT_NEAR(s.y[0][0], std::pow(1.1, 10), 1e-13);
}

TEST(StepLoop, Dopri5CostsTwoEvaluationsAndSixAnAttempt) {
  for (const double tolerance : {1e-3, 1e-5, 1e-8}) {
    const Method dopri5{"dopri5", "integral", tolerances(tolerance, tolerance)};
    const Solution s = solve_problem(lorenz(), dopri5, {1.0, 1.0, 1.0}, {0.0, 5.0});
    ASSERT_TRUE(s.report.ok()) << s.report.message();
    EXPECT_EQ(s.report.evaluations, 2 + 6 * (s.report.accepted + s.report.rejected));
    EXPECT_GT(s.report.rejected, 0);
    EXPECT_EQ(static_cast<std::int64_t>(s.t.size()), s.report.accepted);
  }
}

TEST(StepLoop, EvaluatesStagesOnlyWhereStepsAreGiven) {
  const std::pair<const char*, std::int64_t> stages[] = {
      {"euler", 1}, {"midpoint", 2}, {"heun", 2}, {"rk4", 4}, {"kutta38", 4}};
  for (const auto& [solver, each] : stages) {
    const Solution s =
        solve_problem(decay(), {solver, "constant", given_step(0.25)}, {1.0}, {0.0, 1.0});
    EXPECT_EQ(s.report.evaluations, 4 * each) << solver;
  }
  // A method whose last stage is the next one's first pays for one more at the start.
  const Solution s =
      solve_problem(decay(), {"dopri5", "constant", given_step(0.25)}, {1.0}, {0.0, 1.0});
  EXPECT_EQ(s.report.evaluations, 1 + 4 * 6);
}

TEST(StepLoop, GivenStepsSwitchControlOff) {
  SolveOptions options = given_step(0.125);
  const Solution s = solve_problem(decay(), {"dopri5", "integral", options}, {1.0}, {0.0, 1.0});
  EXPECT_EQ(s.report.accepted, 8);
  EXPECT_EQ(s.report.rejected, 0);
}

TEST(StepLoop, EndsExactlyOnEveryTimeAsked) {
  for (const char* solver : {"rk4", "dopri5"}) {
    for (const double step : {0.3, 0.07, 1.0 / 3.0}) {
      const Solution s =
          solve_problem(decay(), {solver, "constant", given_step(step)}, {1.0}, {0.0, 0.5, 1.7});
      double t = 0.0;
      for (std::size_t i = 0; i < s.t.size(); ++i) {
        EXPECT_LE(s.h[i], step * (1.0 + 1e-6));
        t = s.t[i] + s.h[i];
      }
      EXPECT_DOUBLE_EQ(t, 1.7);
      EXPECT_EQ(s.report.t, 1.7);
      EXPECT_NEAR(s.y[1][0], std::exp(-1.7), 1e-3);
    }
  }
}

TEST(StepLoop, TimesInsideOneStepAreThoseOfASolveForEachAlone) {
  // 40 times in each of two steps, and some more: sixteens, fours and single ones.
  const Method method{"dopri5", "constant", given_step(0.05), SaveTimes::interpolated};
  for (const std::size_t rows : {1, 3, 100}) {
    Values initial;
    for (std::size_t i = 0; i < 3 * rows; ++i)
      initial.push_back(1.0 + 0.01 * static_cast<double>(i));
    std::vector<double> times{0.0};
    for (int i = 1; i <= 86; ++i) times.push_back(i / 860.0);
    const Solution all = solve_problem(lorenz(), method, initial, times);
    ASSERT_EQ(all.report.accepted, 2);
    ASSERT_EQ(all.y.size(), 86U);
    for (const std::size_t i : {0U, 1U, 15U, 16U, 31U, 41U, 43U, 80U, 84U}) {
      const Solution one =
          solve_problem(lorenz(), method, initial, {0.0, times[i + 1], times.back()});
      EXPECT_EQ(all.y[i], one.y[0]) << "time " << i + 1 << ", " << rows << " rows";
    }
  }
}

TEST(StepLoop, CountsGivenStepsBetweenTwoTimes) {
  SolveOptions options;
  options.steps = 5;
  const Solution s = solve_problem(decay(), {"rk4", "constant", options}, {1.0}, {0.0, 1.0, 4.0});
  EXPECT_EQ(s.report.accepted, 10);
  EXPECT_NEAR(s.h[0], 0.2, 1e-15);
  EXPECT_NEAR(s.h[9], 0.6, 1e-14);
}

TEST(StepLoop, OneTimeMeansNoDynamics) {
  const Solution s = solve_problem(decay(), tight(), {1.0}, {3.0});
  EXPECT_TRUE(s.report.ok());
  EXPECT_EQ(s.report.evaluations, 0);
  EXPECT_EQ(s.report.reached, 1);
}

TEST(StepLoop, RepeatedTimesRepeatTheState) {
  for (const SaveTimes save : {SaveTimes::exact, SaveTimes::interpolated}) {
    const Solution s =
        solve_problem(decay(), tight(save), {1.0}, {0.0, 0.0, 1.0, 1.0, 1.0, 2.0, 2.0});
    ASSERT_TRUE(s.report.ok());
    EXPECT_EQ(s.y[0][0], 1.0);
    EXPECT_NEAR(s.y[1][0], std::exp(-1.0), 1e-7);
    EXPECT_EQ(s.y[1][0], s.y[2][0]);
    EXPECT_EQ(s.y[1][0], s.y[3][0]);
    EXPECT_EQ(s.y[4][0], s.y[5][0]);
    EXPECT_EQ(s.report.reached, 7);
  }
}

TEST(StepLoop, ASpanOfNoLengthReturnsTheInitialState) {
  const Solution s = solve_problem(decay(), tight(), {0.75}, {2.0, 2.0});
  EXPECT_TRUE(s.report.ok());
  EXPECT_EQ(s.report.evaluations, 0);
  EXPECT_EQ(s.y[0][0], 0.75);
}

TEST(StepLoop, BackwardTimeEqualsTheNegatedFieldForward) {
  const Dynamics forward = dynamics_of(1, [](Tensor t, Tensor z, auto) { return z * cos(t); });
  const Dynamics negated = dynamics_of(1, [](Tensor t, Tensor z, auto) { return -z * cos(-t); });
  const Solution back = solve_problem(forward, tight(), {1.0}, {0.0, -1.0, -3.0});
  const Solution ahead = solve_problem(negated, tight(), {1.0}, {0.0, 1.0, 3.0});
  EXPECT_EQ(back.report.accepted, ahead.report.accepted);
  EXPECT_NEAR(back.y[0][0], ahead.y[0][0], 1e-14);
  EXPECT_NEAR(back.y[1][0], ahead.y[1][0], 1e-14);
  EXPECT_NEAR(back.y[1][0], std::exp(std::sin(-3.0)), 1e-7);
}

TEST(StepLoop, RefusesTimesThatTurnBack) {
  EXPECT_THROW(solve_problem(decay(), tight(), {1.0}, {0.0, 1.0, 0.5}), std::logic_error);
  EXPECT_THROW(solve_problem(decay(), tight(), {1.0}, {0.0, 1.0, 0.0}), std::logic_error);
  EXPECT_THROW(solve_problem(decay(), tight(), {1.0}, {0.0, std::nan("")}), std::logic_error);
}

TEST(StepLoop, CostsAreIntegratedAlongTheLengthOfTime) {
  Dynamics with_cost = decay();
  with_cost.members.push_back({.name = "cost",
                               .shape = {kRows},
                               .dtype = DType::f64,
                               .in_error_norm = false,
                               .along_absolute_time = true});
  with_cost.rates = [](Tensor, const State& y, auto) {
    return State{-y[0], sum_features(square(y[0]))};
  };
  // The integral of z^2 for z = exp(-t), from 0 to 1 and from 0 to -1.
  const Solution ahead = solve_problem(with_cost, tight(), {1.0}, {0.0, 1.0});
  EXPECT_NEAR(ahead.y[0][1], (1.0 - std::exp(-2.0)) / 2.0, 1e-7);
  const Solution back = solve_problem(with_cost, tight(), {1.0}, {0.0, -1.0});
  EXPECT_NEAR(back.y[0][1], (std::exp(2.0) - 1.0) / 2.0, 1e-7);
  const Solution between =
      solve_problem(with_cost, tight(SaveTimes::interpolated), {1.0}, {0.0, -0.31, -0.77, -1.0});
  EXPECT_NEAR(between.y[0][1], (std::exp(0.62) - 1.0) / 2.0, 1e-6);
  EXPECT_NEAR(between.y[1][1], (std::exp(1.54) - 1.0) / 2.0, 1e-6);
}

TEST(StepLoop, InterpolatesAThousandTimesWithoutMoreSteps) {
  const Values initial = {1.0, 1.0, 1.0};
  Values times;
  for (int i = 0; i <= 1000; ++i) times.push_back(0.02 * i);
  const Solution few =
      solve_problem(lorenz(), {"dopri5", "integral", tolerances(1e-7, 1e-9)}, initial, {0.0, 20.0});
  const Solution many = solve_problem(
      lorenz(), {"dopri5", "integral", tolerances(1e-7, 1e-9), SaveTimes::interpolated}, initial,
      times);
  EXPECT_EQ(few.report.evaluations, many.report.evaluations);
  EXPECT_EQ(many.report.reached, 1001);
  EXPECT_EQ(few.y[0], many.y[999]);
  // torchdiffeq takes 7676 evaluations for this, with another companion (peers-performance.md, W6).
  EXPECT_NEAR(static_cast<double>(many.report.evaluations), 7676.0, 0.1 * 7676.0);
  // Early on, before chaos, both ways of saving agree to the tolerance of the dense output.
  const Solution exact = solve_problem(lorenz(), {"dopri5", "integral", tolerances(1e-10, 1e-10)},
                                       initial, {0.0, 0.5, 1.0});
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_NEAR(many.y[24][i], exact.y[0][i], 1e-4);
    EXPECT_NEAR(many.y[49][i], exact.y[1][i], 1e-4);
  }
}

TEST(StepLoop, RespectsTheLongestStep) {
  SolveOptions options = tolerances(1e-3, 1e-3);
  options.max_step = 0.05;
  const Solution s = solve_problem(decay(), {"dopri5", "integral", options}, {1.0}, {0.0, 1.0});
  ASSERT_TRUE(s.report.ok());
  for (const double h : s.h) EXPECT_LE(h, 0.05 * (1.0 + 1e-12));
  EXPECT_GE(s.report.accepted, 20);
}

TEST(StepLoop, TakesTheFirstStepThatItIsGiven) {
  SolveOptions options = tolerances(1e-6, 1e-6);
  options.first_step = 1e-3;
  const Solution s = solve_problem(decay(), {"dopri5", "integral", options}, {1.0}, {0.0, 1.0});
  EXPECT_EQ(s.h[0], 1e-3);
  EXPECT_EQ(s.report.evaluations, 1 + 6 * (s.report.accepted + s.report.rejected));
}

TEST(StepLoop, FollowsAnAbsoluteToleranceForEachFeature) {
  // Two decoupled oscillators; only the second one is fast.
  const Dynamics two = dynamics_of(2, [](Tensor t, Tensor z, auto) {
    const auto [a, b] = split<1, 1>(z);
    return concat({cos(t) + 0.0 * a, 20.0 * cos(20.0 * t) + 0.0 * b});
  });
  SolveOptions loose_on_second;
  loose_on_second.rtol = 0.0;
  loose_on_second.atol = {1e-7, 1e3};
  SolveOptions loose_on_first = loose_on_second;
  loose_on_first.atol = {1e3, 1e-7};
  const Solution slow =
      solve_problem(two, {"dopri5", "integral", loose_on_second}, {0.0, 0.0}, {0.0, 10.0});
  const Solution fast =
      solve_problem(two, {"dopri5", "integral", loose_on_first}, {0.0, 0.0}, {0.0, 10.0});
  EXPECT_LT(3 * slow.report.accepted, fast.report.accepted);
}

TEST(StepLoop, TheErrorNormIsTheLargestOfItsMembers) {
  Dynamics pair = decay();
  pair.members.push_back({.name = "fast", .shape = {kRows}, .dtype = DType::f64});
  pair.rates = [](Tensor t, const State& y, auto) {
    return State{-y[0], 20.0 * cos(20.0 * t) + 0.0 * y[1]};
  };
  const Method method{"dopri5", "integral", tolerances(1e-7, 1e-7)};
  const Solution with = solve_problem(pair, method, {1.0}, {0.0, 5.0});
  pair.members[1].in_error_norm = false;
  const Solution without = solve_problem(pair, method, {1.0}, {0.0, 5.0});
  EXPECT_GT(with.report.accepted, 3 * without.report.accepted);
  pair.members[1].in_error_norm = true;
  pair.members[1].norm_weight = 100.0;
  const Solution heavier = solve_problem(pair, method, {1.0}, {0.0, 5.0});
  EXPECT_GT(heavier.report.accepted, 2 * with.report.accepted);
}

TEST(StepLoop, AllocatesNothingOnceASizeHasBeenSolved) {
  const auto device = std::make_shared<InterpreterDevice>();
  const Dynamics dynamics = decay();
  const Method method = tight(SaveTimes::interpolated);
  const auto setting = setting_of(dynamics, method, device);
  const auto integrator = setting->integrator(dynamics, method.options,
                                              {.save = method.save, .extra = {}, .extra_at = {}});
  const OnDevice start(*device, {1.0, 2.0, 3.0});
  const OnDevice half(*device, {0.0, 0.0, 0.0});
  const OnDevice end(*device, {0.0, 0.0, 0.0});
  const Values times = {0.0, 0.5, 1.0};
  const View initial = start.view();
  const std::vector<View> results = {half.view(), end.view()};
  SolveCall call{.rows = 3,
                 .times = times,
                 .initial = std::span(&initial, 1),
                 .constants = {},
                 .results = results,
                 .observer = {}};
  EXPECT_TRUE(integrator->integrate(call).ok());
  const int before = device->allocations;
  EXPECT_TRUE(integrator->integrate(call).ok());
  call.rows = 2;
  EXPECT_TRUE(integrator->integrate(call).ok());
  EXPECT_EQ(device->allocations, before);
  EXPECT_NEAR(end.values()[1], 2.0 * std::exp(-1.0), 1e-7);
}

TEST(StepLoop, RowsOfABatchShareTheirSteps) {
  const Solution s = solve_problem(decay(), tight(), {1.0, -2.0, 0.5}, {0.0, 1.0}, {}, 3);
  EXPECT_NEAR(s.y[0][0], std::exp(-1.0), 1e-7);
  EXPECT_NEAR(s.y[0][1], -2.0 * std::exp(-1.0), 1e-7);
  EXPECT_NEAR(s.y[0][2], 0.5 * std::exp(-1.0), 1e-7);
}

}  // namespace
}  // namespace odeum::testing
