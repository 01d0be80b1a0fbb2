// SPDX-License-Identifier: Apache-2.0
// Solves that fail: a status that says where, what, and what to try.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "problem.hpp"

namespace odeum::testing {
namespace {

using ::testing::HasSubstr;

Method adaptive(double tolerance = 1e-6) {
  return {"dopri5", "integral", tolerances(tolerance, tolerance)};
}

TEST(SolveStatus, MaxStepsSaysWhereAndWhatIsLargest) {
  Method method = adaptive();
  method.options.max_steps = 10;
  // The second feature turns a hundred times faster.
  const Dynamics stiff = dynamics_of(2, [](Tensor t, Tensor z, auto) {
    const auto [a, b] = split<1, 1>(z);
    return concat({-a, 100.0 * cos(100.0 * t) + 0.0 * b});
  });
  const Solution s = solve_problem(stiff, method, {1.0, 0.0}, {0.0, 10.0});
  EXPECT_EQ(s.report.status, Status::max_steps);
  EXPECT_FALSE(s.report.ok());
  EXPECT_EQ(s.report.accepted + s.report.rejected, 10);
  EXPECT_GT(s.report.t, 0.0);
  EXPECT_LT(s.report.t, 10.0);
  EXPECT_EQ(s.report.sample, 0);
  EXPECT_EQ(s.report.component, 1);
  EXPECT_THAT(s.report.message(), HasSubstr("max_steps = 10"));
  EXPECT_THAT(s.report.message(), HasSubstr("component 1 of 'z'"));
  EXPECT_THAT(s.report.message(), HasSubstr("Loosen rtol"));
}

TEST(SolveStatus, MaxStepsBlamesNoToleranceThatSetsNoStep) {
  const Dynamics decay = dynamics_of(1, [](Tensor, Tensor z, auto) { return -z; });
  Method short_steps = adaptive();
  short_steps.options.max_steps = 10;
  short_steps.options.max_step = 1e-6;
  const Solution s = solve_problem(decay, short_steps, {1.0}, {0.0, 1.0});
  EXPECT_EQ(s.report.status, Status::max_steps);
  EXPECT_THAT(s.report.message(), HasSubstr("raise max_step,"));
  EXPECT_THAT(s.report.message(), ::testing::Not(HasSubstr("rtol")));

  Method given{"rk4", "constant", {}};
  given.options.step = 1e-6;
  given.options.max_steps = 10;
  const Solution fixed = solve_problem(decay, given, {1.0}, {0.0, 1.0});
  EXPECT_EQ(fixed.report.status, Status::max_steps);
  EXPECT_THAT(fixed.report.message(), HasSubstr("longer or fewer"));
}

TEST(SolveStatus, ABlowUpEndsWithTooSmallASteps) {
  // z' = z^2 from 1 leaves every bound at t = 1.
  const Dynamics blow_up = dynamics_of(1, [](Tensor, Tensor z, auto) { return z * z; });
  const Solution s = solve_problem(blow_up, adaptive(), {1.0}, {0.0, 2.0});
  EXPECT_FALSE(s.report.ok());
  EXPECT_NE(s.report.status, Status::max_steps);
  EXPECT_NEAR(s.report.t, 1.0, 1e-3);
  EXPECT_FALSE(s.report.message().empty());
}

TEST(SolveStatus, AStepThatMustBeUnderTheSmallestEndsTheSolve) {
  Method method = adaptive();
  method.options.min_step = 0.05;
  const Dynamics fast =
      dynamics_of(1, [](Tensor t, Tensor z, auto) { return 100.0 * cos(100.0 * t) + 0.0 * z; });
  const Solution s = solve_problem(fast, method, {0.0}, {0.0, 10.0});
  EXPECT_EQ(s.report.status, Status::step_too_small);
  EXPECT_GT(s.report.error_ratio, 1.0);
  EXPECT_THAT(s.report.message(), HasSubstr("min_step"));
}

/// Not finite once the first feature passes 2, in the second feature alone.
Dynamics breaks_beyond_two() {
  return dynamics_of(2, [](Tensor, Tensor z, auto) {
    const auto [a, b] = split<1, 1>(z);
    return concat({1.0 + 0.0 * a, log(2.0 - a) + 0.0 * b});
  });
}

TEST(SolveStatus, NonFiniteNamesTheSampleAndTheComponent) {
  // Row 1 starts at 1.5 and breaks at t = 0.5; the others would later.
  const Solution s = solve_problem(breaks_beyond_two(), adaptive(), {0.0, 0.0, 1.5, 0.0, 0.2, 0.0},
                                   {0.0, 1.0}, {}, 3);
  EXPECT_EQ(s.report.status, Status::non_finite);
  EXPECT_EQ(s.report.sample, 1);
  EXPECT_EQ(s.report.samples, std::vector<std::int64_t>{1});
  EXPECT_EQ(s.report.component, 1);
  EXPECT_EQ(s.report.member, "z");
  EXPECT_LE(s.report.t, 0.5);
  EXPECT_GT(s.report.t, 0.4);
  EXPECT_GT(s.report.rejected, 1);  // it tried shorter steps first
  EXPECT_THAT(s.report.message(), HasSubstr("sample 1, component 1 of 'z'"));
  EXPECT_THAT(s.report.message(), HasSubstr("not finite"));
}

TEST(SolveStatus, NonFiniteAtTheStartIsSaidBeforeAnyStep) {
  const Solution s =
      solve_problem(breaks_beyond_two(), adaptive(), {0.0, 0.0, 3.0, 0.0}, {0.0, 1.0}, {}, 2);
  EXPECT_EQ(s.report.status, Status::non_finite);
  EXPECT_EQ(s.report.accepted + s.report.rejected, 0);
  EXPECT_EQ(s.report.t, 0.0);
  EXPECT_EQ(s.report.sample, 1);
}

TEST(SolveStatus, NonFiniteStopsGivenStepsAtOnce) {
  const Solution s = solve_problem(breaks_beyond_two(), {"rk4", "constant", given_step(0.1)},
                                   {0.0, 0.0, 1.55, 0.0}, {0.0, 1.0}, {}, 2);
  EXPECT_EQ(s.report.status, Status::non_finite);
  EXPECT_EQ(s.report.sample, 1);
  EXPECT_EQ(s.report.accepted, 4);
  EXPECT_EQ(s.report.rejected, 1);
}

TEST(SolveStatus, AStepTooBoldIntoTheNonFiniteIsTakenBack) {
  // Smooth up to t = 1 at z = 1; a first step of 10 would leave log's domain.
  Method method = adaptive();
  method.options.first_step = 10.0;
  const Dynamics field = dynamics_of(1, [](Tensor, Tensor z, auto) { return log(2.0 - z) + 0.5; });
  const Solution s = solve_problem(field, method, {0.0}, {0.0, 10.0});
  EXPECT_TRUE(s.report.ok()) << s.report.message();
  EXPECT_GT(s.report.rejected, 0);
  EXPECT_NEAR(s.y[0][0], 2.0 - std::exp(-0.5), 1e-3);  // the rest point
}

TEST(SolveStatus, WhatWasReachedIsThereWhenASolveFails) {
  const Solution s =
      solve_problem(breaks_beyond_two(), adaptive(), {1.5, 0.0}, {0.0, 0.1, 0.2, 0.7, 0.9});
  EXPECT_EQ(s.report.status, Status::non_finite);
  EXPECT_EQ(s.report.reached, 3);
  EXPECT_NEAR(s.y[0][0], 1.6, 1e-9);
  EXPECT_NEAR(s.y[1][0], 1.7, 1e-9);
  EXPECT_EQ(s.y[2][0], 0.0);
}

TEST(SolveStatus, StiffEquationsEndInAStatusAndNotInALoop) {
  // Robertson's kinetics (conformance.md, section 3).
  const Dynamics robertson = dynamics_of(3, [](Tensor, Tensor s, auto) {
    const auto [a, b, c] = split<1, 1, 1>(s);
    const Tensor slow = 0.04 * a, back = 1e4 * b * c, fast = 3e7 * b * b;
    return concat({back - slow, slow - back - fast, fast});
  });
  Method method = adaptive();
  method.options.max_steps = 2000;
  const Solution s = solve_problem(robertson, method, {1.0, 0.0, 0.0}, {0.0, 1e11});
  EXPECT_EQ(s.report.status, Status::max_steps);
  EXPECT_THAT(s.report.message(), HasSubstr("stiff"));
}

TEST(SolveStatus, SuccessHasNoMessage) {
  EXPECT_EQ(SolveReport{}.message(), "");
  EXPECT_TRUE(SolveReport{}.ok());
  for (const Status status :
       {Status::max_steps, Status::step_too_small, Status::non_finite, Status::newton_diverged}) {
    SolveReport report;
    report.status = status;
    EXPECT_FALSE(report.ok());
    EXPECT_FALSE(report.message().empty()) << name(status);
  }
}

}  // namespace
}  // namespace odeum::testing
