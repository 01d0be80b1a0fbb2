// SPDX-License-Identifier: Apache-2.0
// Hard cases: every one ends, with a status.
#include <gtest/gtest.h>

#include <cmath>

#include "events.hpp"

namespace odeum::testing {
namespace {

Method adaptive(double tolerance = 1e-6) {
  return {"dopri5", "integral", tolerances(tolerance, tolerance)};
}

Dynamics decay(std::int64_t features = 1) {
  return dynamics_of(features, [](Tensor, Tensor z, auto) { return -z; });
}

TEST(HardCases, ABatchWithoutRowsIsSolvedAtOnce) {
  for (const char* solver : {"dopri5", "rk4"}) {
    Method method = adaptive();
    method.solver = solver;
    if (method.solver == "rk4") method.options = given_step(0.1);
    const Solution s = solve_with_events(decay(), method, {}, {0.0, 1.0, 2.0},
                                         component_reaches(0, 0.5), Until::steady_state, 0);
    EXPECT_EQ(s.report.status, Status::success);
    EXPECT_EQ(s.report.evaluations, 0);
    EXPECT_EQ(s.report.reached, 3);
    EXPECT_EQ(s.report.t, 2.0);
  }
}

TEST(HardCases, AStateOfAMillionComponents) {
  constexpr std::size_t kMany = 1000000;
  Values initial(kMany);
  for (std::size_t i = 0; i < kMany; ++i) initial[i] = static_cast<double>(i % 1000);
  const Solution s = solve_problem(decay(kMany), adaptive(1e-4), initial, {0.0, 0.5});
  ASSERT_TRUE(s.report.ok()) << s.report.message();
  for (const std::size_t i : {std::size_t{1}, std::size_t{999}, kMany - 1}) {
    EXPECT_NEAR(s.y[0][i], initial[i] * std::exp(-0.5), 1e-3 * (1.0 + initial[i]));
  }
}

TEST(HardCases, ExponentialGrowthEndsWhereNumbersEnd) {
  const Dynamics growth = dynamics_of(1, [](Tensor, Tensor z, auto) { return 1.0 * z; });
  const Solution s = solve_problem(growth, adaptive(), {1.0}, {0.0, 1000.0});
  EXPECT_EQ(s.report.status, Status::non_finite);
  // Within a step of that length.
  EXPECT_NEAR(s.report.t, std::log(std::numeric_limits<double>::max()), 5.0);
  EXPECT_FALSE(s.report.message().empty());
}

TEST(HardCases, ARightHandSideThatChattersEndsInAStatus) {
  // z' = -sign(z) slides on z = 0 from t = 1 on, which no step can follow.
  const Dynamics sliding = dynamics_of(1, [](Tensor, Tensor z, auto) { return -sign(z); });
  Method method = adaptive(1e-8);
  method.options.max_steps = 1000;
  const Solution s = solve_problem(sliding, method, {1.0}, {0.0, 10.0});
  EXPECT_FALSE(s.report.ok());
  EXPECT_GE(s.report.t, 1.0 - 1e-6);
  EXPECT_LE(s.report.accepted + s.report.rejected, 1000);
}

TEST(HardCases, AnUndeclaredJumpCostsStepsAndNoAccuracy) {
  const Dynamics jump = dynamics_of(
      1, [](Tensor t, Tensor z, auto) { return 0.0 * z + less(t, full(t, {1}, 0.31)); });
  const Solution s = solve_problem(jump, adaptive(1e-8), {0.0}, {0.0, 1.0});
  ASSERT_TRUE(s.report.ok());
  EXPECT_NEAR(s.y[0][0], 0.31, 1e-6);
}

TEST(HardCases, AToleranceOfZeroIsMetByWhatHasNoError) {
  // atol 0 with a feature that is 0 and stays there: no 0 over 0.
  const Dynamics half_still = dynamics_of(2, [](Tensor, Tensor z, auto) { return -z; });
  Method relative = adaptive();
  relative.options.atol = {0.0};
  const Solution s = solve_problem(half_still, relative, {1.0, 0.0}, {0.0, 1.0});
  ASSERT_TRUE(s.report.ok()) << s.report.message();
  EXPECT_NEAR(s.y[0][0], std::exp(-1.0), 1e-5);
  EXPECT_EQ(s.y[0][1], 0.0);
  Method absolute = adaptive();
  absolute.options.rtol = 0.0;
  EXPECT_NEAR(solve_problem(decay(), absolute, {1.0}, {0.0, 1.0}).y[0][0], std::exp(-1.0), 1e-5);
}

TEST(HardCases, NoToleranceAtAllEndsInAStatus) {
  Method nothing = adaptive();
  nothing.options.rtol = 0.0;
  nothing.options.atol = {0.0};
  nothing.options.max_steps = 1000;
  const Solution s = solve_problem(decay(), nothing, {1.0}, {0.0, 1.0});
  EXPECT_FALSE(s.report.ok());
  EXPECT_LT(s.report.rejected, 1000);
}

TEST(HardCases, ABillionTimeConstantsRunOutOfSteps) {
  const Solution s = solve_problem(decay(), adaptive(), {1.0}, {0.0, 1e3, 1e9});
  EXPECT_EQ(s.report.status, Status::max_steps);
  EXPECT_EQ(s.report.reached, 2);
  EXPECT_NEAR(s.y[0][0], 0.0, 1e-5);
}

TEST(HardCases, EventsAtBothEndsOfTheSpanAreWellDefined) {
  // Height 1 at the start does not fire; the ground at t = 1/2, where the solve ends, may be on
  // either side of the last step by rounding, and is met once at most.
  for (const double end : {0.5, std::nextafter(0.5, 1.0), std::nextafter(0.5, 0.0)}) {
    const EventFunctions both{{{"start"}, {"ground", Crossing::any, true}},
                              [](Tensor, const State& y, auto) {
                                const Tensor height = slice(y[0], 1, 0, 1);
                                return concat({height - 1.0, height});
                              }};
    const Solution s = solve_with_events(falling_body(), adaptive(), {1.0, 0.0}, {0.0, end}, both);
    EXPECT_TRUE(s.report.ok());
    EXPECT_LE(s.report.hits.size(), 1U);
    EXPECT_NEAR(s.report.t, 0.5, 1e-12);
    for (const EventHit& hit : s.report.hits) EXPECT_EQ(hit.event, 1U);
  }
}

}  // namespace
}  // namespace odeum::testing
