// SPDX-License-Identifier: Apache-2.0
// Where steps end: step times, jump times with their two limits, and the shortest step.
#include "solve/stops.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "problem.hpp"

namespace odeum::testing {
namespace {

/// conformance.md, section 4, jump: -x/2 before t = 1/2, x^2 from there on.
Dynamics jump_problem(DType type = DType::f64) {
  Dynamics d;
  d.members = {{.name = "z", .shape = {kRows, 1}, .dtype = type}};
  d.rates = [type](Tensor t, const State& y, auto) {
    const Tensor before = less(cast(t, type), full(y[0], {1}, 0.5));
    return State{before * (-0.5 * y[0]) + (1.0 - before) * square(y[0])};
  };
  return d;
}

double truth_of_jump(double x0) { return 1.0 / (std::exp(0.25) / x0 - 0.5); }

Method adaptive(double tolerance, std::vector<double> jumps = {}) {
  Method method{"dopri5", "integral", tolerances(tolerance, tolerance)};
  method.options.jump_times = std::move(jumps);
  return method;
}

TEST(JumpTimes, MakeAJumpCheaperAndExact) {
  EXPECT_NEAR(truth_of_jump(1.0), 1.275468854344905, 1e-14);
  EXPECT_NEAR(truth_of_jump(2.0), 7.041623328375597, 1e-13);
  for (const double x0 : {1.0, 2.0}) {
    const Solution blind = solve_problem(jump_problem(), adaptive(1e-8), {x0}, {0.0, 1.0});
    const Solution told = solve_problem(jump_problem(), adaptive(1e-8, {0.5}), {x0}, {0.0, 1.0});
    ASSERT_TRUE(told.report.ok()) << told.report.message();
    EXPECT_LT(told.report.evaluations, blind.report.evaluations);
    EXPECT_LT(told.report.rejected, blind.report.rejected);
    EXPECT_NEAR(told.y[0][0], truth_of_jump(x0), 1e-6);
    // The steps know nothing of the jump, so at a tight tolerance all digits are there.
    const Solution exact = solve_problem(jump_problem(), adaptive(1e-12, {0.5}), {x0}, {0.0, 1.0});
    EXPECT_NEAR(exact.y[0][0], truth_of_jump(x0), 1e-10);
  }
}

TEST(JumpTimes, WorkBackwardsInTime) {
  const double end = truth_of_jump(1.0);
  const Solution blind = solve_problem(jump_problem(), adaptive(1e-8), {end}, {1.0, 0.0});
  const Solution told = solve_problem(jump_problem(), adaptive(1e-8, {0.5}), {end}, {1.0, 0.0});
  EXPECT_LT(told.report.evaluations, blind.report.evaluations);
  EXPECT_NEAR(told.y[0][0], 1.0, 1e-6);
}

TEST(JumpTimes, AreSeparatedInTheStatesOwnType) {
  // Float states see time in float: the double before 1/2 would be 1/2 to them.
  const std::vector<solve::Stop> of_float =
      solve::stops_between(adaptive(1e-4, {0.5}).options, DType::f32, 0.0, 1.0);
  ASSERT_EQ(of_float.size(), 1U);
  EXPECT_EQ(of_float[0].arrive, static_cast<double>(std::nextafter(0.5F, 0.0F)));
  EXPECT_EQ(of_float[0].depart, static_cast<double>(std::nextafter(0.5F, 1.0F)));
  const std::vector<solve::Stop> backwards =
      solve::stops_between(adaptive(1e-4, {0.5}).options, DType::f64, 1.0, 0.0);
  ASSERT_EQ(backwards.size(), 1U);
  EXPECT_EQ(backwards[0].arrive, std::nextafter(0.5, 1.0));
  EXPECT_EQ(backwards[0].depart, std::nextafter(0.5, 0.0));
  EXPECT_LT(solve::stops_between(adaptive(1e-4, {0.0}).options, DType::f32, -1.0, 1.0)[0].arrive,
            -1e-40);
}

/// The rate is a million exactly at the given times and 0 elsewhere.
Dynamics spikes(const std::vector<double>& times) {
  return dynamics_of(1, [times](Tensor t, Tensor z, auto) {
    Tensor hit = 0.0 * z;
    for (const double time : times) hit = hit + equal(t, full(t, {1}, time));
    return 1e6 * hit;
  });
}

// conformance.md, section 4, perturb.
TEST(JumpTimes, AreTimesAtWhichTheFieldIsNeverEvaluated) {
  const std::vector<double> at = {0.0, 0.5, 1.0};
  for (const char* solver : {"euler", "heun", "rk4", "kutta38", "bosh3", "dopri5"}) {
    Method method{solver, "constant", given_step(0.5)};
    for (const Values& times : {Values{0.0, 1.0}, Values{1.0, 0.0}}) {
      method.options.jump_times = {};
      EXPECT_GT(std::abs(solve_problem(spikes(at), method, {0.0}, times).y[0][0]), 1.0) << solver;
      method.options.jump_times = at;
      const Solution s = solve_problem(spikes(at), method, {0.0}, times);
      ASSERT_TRUE(s.report.ok());
      EXPECT_EQ(s.y[0][0], 0.0) << solver;
      EXPECT_EQ(s.report.accepted, 2);
    }
  }
}

TEST(JumpTimes, AreNotPassedByRoundingEither) {
  // From -3 the step to 0.3 is longer than its units in the last place allow to say exactly.
  for (const double jump : {0.3, 1.0 / 3.0, 0.7, 1e-3}) {
    Method method{"dopri5", "constant", {}};
    method.options.steps = 3;
    method.options.jump_times = {jump};
    for (const double start : {-3.0, -17.0, -1e3, -0.1}) {
      const Dynamics behind = dynamics_of(1, [jump](Tensor t, Tensor z, auto) {
        return 0.0 * z + 1.0 - less(t, full(t, {1}, jump));
      });
      const Solution s = solve_problem(behind, method, {0.0}, {start, jump, 2.0});
      EXPECT_EQ(s.y[0][0], 0.0) << jump << " from " << start;
      EXPECT_NEAR(s.y[1][0], 2.0 - jump, 1e-13);
    }
  }
}

TEST(JumpTimes, SaveTheStateWhereTheyAre) {
  for (const SaveTimes save : {SaveTimes::exact, SaveTimes::interpolated}) {
    Method method = adaptive(1e-10, {0.5});
    method.save = save;
    const Solution s =
        solve_problem(jump_problem(), method, {1.0}, {0.0, 0.25, 0.5, 0.5, 0.75, 1.0});
    ASSERT_EQ(s.report.reached, 6);
    EXPECT_NEAR(s.y[0][0], std::exp(-0.125), 1e-8);
    EXPECT_NEAR(s.y[1][0], std::exp(-0.25), 1e-8);
    EXPECT_EQ(s.y[1][0], s.y[2][0]);
    EXPECT_NEAR(s.y[4][0], truth_of_jump(1.0), 1e-8);
  }
}

TEST(JumpTimes, TakeEffectInFloatStates) {
  const auto device = test_device();
  Method method = adaptive(1e-5, {0.5});
  const auto setting = setting_of(jump_problem(DType::f32), method);
  const auto integrator = setting->integrator(setting->dynamics(), method.options, {});
  const std::shared_ptr<void> start = device->allocate(64), end = device->allocate(64);
  const float one = 1.0F;
  device->upload({start.get(), 0}, &one, sizeof one);
  const View initial{start.get(), 0}, result{end.get(), 0};
  const Values times = {0.0, 1.0};
  const SolveReport report = integrator->integrate({.rows = 1,
                                                    .times = times,
                                                    .initial = std::span(&initial, 1),
                                                    .constants = {},
                                                    .results = std::span(&result, 1),
                                                    .observer = {}});
  float value = 0.0F;
  device->download(&value, result, sizeof value);
  EXPECT_EQ(report.rejected, 0);
  EXPECT_NEAR(value, truth_of_jump(1.0), 1e-4);
}

TEST(StepTimes, AreEndsOfSteps) {
  const Dynamics decay = dynamics_of(1, [](Tensor, Tensor z, auto) { return -z; });
  for (const Values& times : {Values{0.0, 2.0}, Values{2.0, 0.0}}) {
    Method method = adaptive(1e-4);
    method.options.step_times = {1.1, 0.3, 5.0, 2.0};
    const Solution s = solve_problem(decay, method, {1.0}, times);
    for (const double time : {0.3, 1.1}) {
      EXPECT_TRUE(std::find(s.t.begin(), s.t.end(), time) != s.t.end()) << time;
    }
    // Nothing starts anew there: two evaluations at the start and six an attempt.
    EXPECT_EQ(s.report.evaluations, 2 + 6 * (s.report.accepted + s.report.rejected));
  }
  Method given{"rk4", "constant", given_step(0.4)};
  given.options.step_times = {0.5};
  const Solution s = solve_problem(decay, given, {1.0}, {0.0, 1.0});
  ASSERT_EQ(s.h.size(), 4U);
  EXPECT_NEAR(s.h[1], 0.1, 1e-15);
  EXPECT_NEAR(s.h[3], 0.1, 1e-15);
}

/// A fixed antisymmetric matrix of dimension 10: |y| is kept.
Dynamics rotation() {
  return dynamics_of(10, [](Tensor, Tensor z, auto) {
    std::vector<double> a(100, 0.0);
    for (std::size_t i = 0; i < 10; ++i) {
      for (std::size_t j = 0; j < i; ++j) {
        a[10 * i + j] = std::sin(1.0 + static_cast<double>(7 * i + 3 * j));
        a[10 * j + i] = -a[10 * i + j];
      }
    }
    return linear(z, constant(z, {10, 10}, a));
  });
}

// conformance.md, section 4, min/max step.
TEST(MinStep, ClippedTradesAccuracyForEvaluations) {
  Method method = adaptive(1e-6);
  const Values initial(10, 1.0), times = {0.0, 10.0};
  const Solution free = solve_problem(rotation(), method, initial, times);
  EXPECT_GT(free.report.evaluations, 100);
  method.options.min_step = 2.0;
  method.options.at_min_step = AtMinStep::clip;
  const Solution clipped = solve_problem(rotation(), method, initial, times);
  EXPECT_EQ(clipped.report.status, Status::success);
  EXPECT_LT(clipped.report.evaluations, 50);
  for (std::size_t i = 0; i + 1 < clipped.h.size(); ++i) EXPECT_GE(clipped.h[i], 2.0);
  EXPECT_GT(clipped.report.error_ratio, 1.0) << "its error is not hidden";
  method.options.at_min_step = AtMinStep::fail;
  EXPECT_EQ(solve_problem(rotation(), method, initial, times).report.status,
            Status::step_too_small);
}

TEST(MinStep, EndsAtOnceWhereAStretchedStepIsTooLong) {
  // 1.005 steps of the shortest length are left: stretched to land, not repeated for ever.
  Method method = adaptive(1e-9);
  method.options.min_step = 0.5;
  const Dynamics fast =
      dynamics_of(1, [](Tensor t, Tensor z, auto) { return 100.0 * cos(100.0 * t) + 0.0 * z; });
  const Solution s = solve_problem(fast, method, {0.0}, {0.0, 0.5025});
  EXPECT_EQ(s.report.status, Status::step_too_small);
  EXPECT_LT(s.report.rejected, 10);
}

}  // namespace
}  // namespace odeum::testing
