// SPDX-License-Identifier: Apache-2.0
// A step size per sample where it fails or is limited: failures, limits and jumps are each sample's
// own.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "sample_problems.hpp"

namespace odeum::testing {
namespace {

using ::testing::HasSubstr;

/// z' = z^2 leaves every bound at t = 1 / z0.
Dynamics blow_up() {
  return dynamics_of(1, [](Tensor, Tensor z, auto) { return z * z; });
}

TEST(SampleLimits, AFailedSampleLeavesTheOthersAlone) {
  for (const OnFailure on_failure : {OnFailure::skip_sample, OnFailure::partial}) {
    Method method = per_sample(1e-8);
    method.options.on_failure = on_failure;
    const Solution s =
        solve_problem(blow_up(), method, {0.1, 0.5, 2.0, -1.0, 4.0}, {0.0, 0.2, 1.0}, {}, 5);
    EXPECT_FALSE(s.report.ok());
    EXPECT_EQ(s.report.sample, 2);
    EXPECT_EQ(s.report.samples, (std::vector<std::int64_t>{2, 4}));
    EXPECT_NEAR(s.report.t, 0.5, 1e-3);
    EXPECT_EQ(s.report.reached, 2);
    EXPECT_EQ(s.report.component, 0);
    EXPECT_EQ(s.report.member, "z");
    EXPECT_THAT(s.report.message(), HasSubstr("sample 2, component 0 of 'z'"));
    for (const std::size_t row : {0U, 1U, 3U}) {
      EXPECT_TRUE(s.report.by_sample[row].ok());
      EXPECT_EQ(s.report.by_sample[row].reached, 3);
      const double z0 = Values{0.1, 0.5, 2.0, -1.0, 4.0}[row];
      EXPECT_NEAR(s.y[1][row], z0 / (1.0 - z0), 1e-6);
    }
    EXPECT_NEAR(s.report.by_sample[4].t, 0.25, 1e-3);
    EXPECT_NEAR(s.y[0][4], 4.0 / (1.0 - 0.8), 1e-4);  // what it had reached stays
  }
}

TEST(SampleLimits, AFailedSampleEndsASolveThatMayNotFail) {
  // Sample 1 fails in its first evaluation.
  const Solution s =
      solve_problem(blow_up(), per_sample(1e-8), {-1.0, std::nan("")}, {0.0, 9.0}, {}, 2);
  EXPECT_FALSE(s.report.ok());
  EXPECT_EQ(s.report.samples, std::vector<std::int64_t>{1});
  EXPECT_TRUE(s.report.by_sample[0].ok());
  EXPECT_EQ(s.report.by_sample[0].t, 0.0);
}

TEST(SampleLimits, AStartThatIsNotFiniteIsASamplesOwn) {
  Method method = per_sample(1e-8);
  method.options.on_failure = OnFailure::skip_sample;
  const Solution s = solve_problem(relaxation(), method, {0.0, std::nan(""), 0.0}, {0.0, 1.0},
                                   {{1.0, 1.0, std::numeric_limits<double>::infinity()}}, 3);
  EXPECT_EQ(s.report.status, Status::non_finite);
  EXPECT_EQ(s.report.samples, (std::vector<std::int64_t>{1, 2}));
  EXPECT_NEAR(s.y[0][0], relaxed(1.0, 0.0, 1.0), 1e-6);
  EXPECT_EQ(s.report.by_sample[1].accepted, 0);
}

TEST(SampleLimits, MaxStepsAreEachSamplesOwn) {
  Method method = per_sample(1e-8);
  method.options.on_failure = OnFailure::skip_sample;
  method.options.max_steps = 100;
  const Solution s = solve_problem(relaxation(), method, {0.0, 0.0}, {0.0, 5.0}, {{1.0, 300.0}}, 2);
  EXPECT_EQ(s.report.status, Status::max_steps);
  EXPECT_EQ(s.report.by_sample[0].status, Status::success);
  EXPECT_EQ(s.report.accepted + s.report.rejected, 100);
  EXPECT_THAT(s.report.message(), HasSubstr("max_steps = 100"));
}

TEST(SampleLimits, AStepThatMustBeUnderTheSmallestEndsItsSample) {
  Method method = per_sample(1e-8);
  method.options.on_failure = OnFailure::skip_sample;
  method.options.min_step = 0.01;
  const Solution s = solve_problem(relaxation(), method, {0.0, 0.0}, {0.0, 5.0}, {{0.1, 300.0}}, 2);
  EXPECT_EQ(s.report.by_sample[0].status, Status::success);
  EXPECT_EQ(s.report.by_sample[1].status, Status::step_too_small);
}

TEST(SampleLimits, TakesTheFirstStepThatItIsGiven) {
  Method method = per_sample(1e-6);
  method.options.first_step = 1e-3;
  const Solution s = solve_problem(relaxation(), method, {0.5, 0.5}, {0.0, -1.0}, {{1.0, 2.0}}, 2);
  ASSERT_TRUE(s.report.ok());
  for (const SampleReport& one : s.report.by_sample) {
    EXPECT_EQ(one.evaluations, 1 + 6 * (one.accepted + one.rejected));
  }
}

TEST(SampleLimits, StepsEndAtStepTimes) {
  Method method = per_sample(1e-6);
  method.options.step_times = {0.9, 0.25};
  const Solution s = solve_problem(relaxation(), method, {0.5, 0.5}, {0.0, 1.0}, {{1.0, 20.0}}, 2);
  ASSERT_TRUE(s.report.ok());
  for (const std::size_t row : {0U, 1U}) {
    Values ends;
    for (const auto& round : s.rounds) {
      for (const RowStep& step : round) {
        if (step.accepted && step.sample == static_cast<std::int64_t>(row)) {
          ends.push_back(step.t + step.h);
        }
      }
    }
    EXPECT_THAT(ends, ::testing::Contains(0.25));
    EXPECT_THAT(ends, ::testing::Contains(0.9));
  }
}

TEST(SampleLimits, EachSampleCrossesAJumpByItself) {
  // z' = -r z before t = 1 and r z behind it, from 1: back at 1 when t = 2.
  const Dynamics turns = dynamics_of(1,
                                     [](Tensor t, Tensor z, auto c) {
                                       const Tensor sign = 1.0 - 2.0 * less(t, full(t, {1}, 1.0));
                                       return c[0] * z * matched(sign, z);
                                     },
                                     {{"rate", {kRows, 1}, DType::f64}});
  const Values rate = {0.1, 1.0, 5.0};
  const Values own = {0.0, 1.0, 2.0, 2.0, 1.0, 0.0, 1.0, 1.5, 2.0};
  for (const SaveTimes save : {SaveTimes::exact, SaveTimes::interpolated}) {
    Method method = per_sample(1e-9, save);
    method.options.jump_times = {1.0};
    const Solution s = solve_problem(turns, method, {1.0, 1.0, 1.0}, {0.0, 0.0, 0.0}, {rate}, 3,
                                     test_device(), {}, own);
    ASSERT_TRUE(s.report.ok());
    EXPECT_NEAR(s.y[0][0], std::exp(-0.1), 1e-7);
    EXPECT_NEAR(s.y[0][1], std::exp(-1.0), 1e-7);
    EXPECT_NEAR(s.y[0][2], std::exp(2.5), 1e-6 * std::exp(2.5));
    EXPECT_NEAR(s.y[1][0], 1.0, 1e-7);
    EXPECT_NEAR(s.y[1][1], 1.0, 1e-7);
    EXPECT_NEAR(s.y[1][2], std::exp(5.0), 1e-6 * std::exp(5.0));
    // Smooth on both sides, so hardly any step is rejected.
    for (const SampleReport& one : s.report.by_sample) EXPECT_LE(one.rejected, 2);
  }
}

TEST(SampleLimits, TakesTheShortestStepWhereItMayClip) {
  Method method = per_sample(1e-8);
  method.options.min_step = 0.01;
  method.options.at_min_step = AtMinStep::clip;
  const Solution s = solve_problem(relaxation(), method, {0.0, 0.0}, {0.0, 1.0}, {{0.1, 60.0}}, 2);
  ASSERT_TRUE(s.report.ok()) << s.report.message();
  EXPECT_NEAR(s.y[0][0], relaxed(0.1, 0.0, 1.0), 1e-7);
  EXPECT_NEAR(s.y[0][1], relaxed(60.0, 0.0, 1.0), 1e-3);
  EXPECT_GT(s.report.by_sample[1].accepted, 80);
}

}  // namespace
}  // namespace odeum::testing
