// SPDX-License-Identifier: Apache-2.0
// Events: found, located, ordered, terminal or not; and solves that end in a steady state.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "events.hpp"

namespace odeum::testing {
namespace {

constexpr double kPi = std::numbers::pi;
// Dense output of dopri5 at rtol 1e-9 over a circle.
constexpr double kLocated = 1e-7;

Method tight(SaveTimes save = SaveTimes::exact) {
  return {"dopri5", "integral", tolerances(1e-9, 1e-9), save};
}

/// (cos t, sin t) from (1, 0), forward.
Dynamics circle() {
  return dynamics_of(2, [](Tensor, Tensor s, auto) {
    const auto [x, y] = split<1, 1>(s);
    return concat({-y, x});
  });
}

Values hit_times(const SolveReport& report) {
  Values times;
  for (const EventHit& hit : report.hits) times.push_back(hit.t);
  return times;
}

// conformance.md, section 5: the first hit of a falling body.
TEST(Events, FindTheFirstHitOfAFallingBody) {
  for (const double x0 : {1.0, 3.0, 10.0}) {
    const Solution s = solve_with_events(falling_body(), tight(), {x0, 0.0}, {0.0, 100.0},
                                         component_reaches(0, 0.0, {"ground", {}, true}));
    EXPECT_EQ(s.report.status, Status::event);
    EXPECT_TRUE(s.report.ok());
    EXPECT_EQ(s.report.message(), "");
    ASSERT_EQ(s.report.hits.size(), 1U);
    const EventHit& hit = s.report.hits[0];
    // The interpolant of a parabola is exact.
    EXPECT_NEAR(hit.t, std::sqrt(x0) / 2.0, 1e-13);
    EXPECT_NEAR(hit.state[0], 0.0, 1e-12);
    EXPECT_LE(hit.state[0], 0.0) << "behind the surface";
    EXPECT_NEAR(hit.state[1], -4.0 * std::sqrt(x0), 1e-12);
    EXPECT_EQ(s.report.t, hit.t);
    EXPECT_EQ(s.report.reached, 1);
  }
}

TEST(Events, AreListedInOrderOfTimeWithTheStateThere) {
  const EventFunctions two{{{"x"}, {"y = 1/2"}}, [](Tensor, const State& s, auto) {
                             const auto [x, y] = split<1, 1>(s[0]);
                             return concat({x, y - 0.5});
                           }};
  for (const SaveTimes save : {SaveTimes::exact, SaveTimes::interpolated}) {
    const Solution s = solve_with_events(circle(), tight(save), {1.0, 0.0}, {0.0, 6.0}, two);
    EXPECT_EQ(s.report.status, Status::success);
    const Values truth = {kPi / 6.0, kPi / 2.0, 5.0 * kPi / 6.0, 1.5 * kPi};
    const std::vector<std::size_t> events = {1, 0, 1, 0};
    ASSERT_EQ(s.report.hits.size(), 4U);
    for (std::size_t i = 0; i < 4; ++i) {
      const EventHit& hit = s.report.hits[i];
      EXPECT_EQ(hit.event, events[i]);
      EXPECT_NEAR(hit.t, truth[i], kLocated);
      EXPECT_NEAR(hit.state[0], std::cos(truth[i]), kLocated);
      EXPECT_NEAR(hit.state[1], std::sin(truth[i]), kLocated);
    }
    EXPECT_NEAR(s.y[0][0], std::cos(6.0), kLocated);
  }
}

TEST(Events, CountInTheDirectionAsked) {
  const auto times_of = [](Crossing crossing, const Values& span) {
    return hit_times(solve_with_events(circle(), tight(), {1.0, 0.0}, span,
                                       component_reaches(0, 0.0, {"x", crossing}))
                         .report);
  };
  using ::testing::DoubleNear;
  using ::testing::ElementsAre;
  EXPECT_THAT(times_of(Crossing::falling, {0.0, 6.0}), ElementsAre(DoubleNear(kPi / 2, kLocated)));
  EXPECT_THAT(times_of(Crossing::rising, {0.0, 6.0}), ElementsAre(DoubleNear(1.5 * kPi, kLocated)));
  EXPECT_EQ(times_of(Crossing::any, {0.0, 6.0}).size(), 2U);
  // Backwards in time the direction is that of the integration.
  EXPECT_THAT(times_of(Crossing::falling, {0.0, -6.0}),
              ElementsAre(DoubleNear(-kPi / 2, kLocated)));
}

TEST(Events, ATerminalOneLeavesLaterTimesUnwritten) {
  for (const SaveTimes save : {SaveTimes::exact, SaveTimes::interpolated}) {
    const Solution s =
        solve_with_events(circle(), tight(save), {1.0, 0.0}, {0.0, 0.5, 1.0, 2.0, 3.0},
                          component_reaches(0, 0.0, {"x", Crossing::any, true}));
    EXPECT_EQ(s.report.status, Status::event);
    EXPECT_EQ(s.report.reached, 3);
    EXPECT_NEAR(s.y[1][0], std::cos(1.0), kLocated);
    EXPECT_EQ(s.y[2][0], 0.0) << "untouched";
    EXPECT_NEAR(s.report.t, kPi / 2.0, kLocated);
  }
}

TEST(Events, NothingBehindATerminalOneIsReported) {
  const EventFunctions two{{{"early", {}, true}, {"late"}}, [](Tensor t, const State& s, auto) {
                             const Tensor time = 0.0 * slice(s[0], 1, 0, 1) + t;
                             return concat({time - 0.500, time - 0.501});
                           }};
  const Solution s = solve_with_events(circle(), tight(), {1.0, 0.0}, {0.0, 6.0}, two);
  ASSERT_EQ(s.report.hits.size(), 1U);
  EXPECT_EQ(s.report.hits[0].event, 0U);
  EXPECT_NEAR(s.report.t, 0.5, 1e-15);
}

TEST(Events, DoNotFireWhereTheSolveStarts) {
  // sin t from 0: on the surface at the start, met again at pi.
  for (const double noise : {0.0, 1e-17, -1e-17}) {
    const Solution s = solve_with_events(circle(), tight(), {1.0, noise}, {0.0, 6.0},
                                         component_reaches(1, 0.0, {"y", Crossing::any, true}));
    ASSERT_EQ(s.report.hits.size(), 1U);
    EXPECT_NEAR(s.report.t, kPi, kLocated);
  }
}

TEST(Events, SeeABodyThatIsThrownUpFromTheSurfaceComeBackInItsFirstStep) {
  Method one_step = tight();
  one_step.options.first_step = 2.0;
  const Solution s = solve_with_events(falling_body(), one_step, {0.0, 0.1}, {0.0, 10.0},
                                       component_reaches(0, 0.0, {"ground", {}, true}));
  ASSERT_EQ(s.report.hits.size(), 1U);
  EXPECT_NEAR(s.report.t, 2.0 * 0.1 / 8.0, 1e-12);
}

TEST(Events, SeeAPairOfCrossingsInsideOneStep) {
  // The parabola 8 - 4 (t - 1)^2 reaches 7.99 twice, 0.1 apart, inside one step of length 2.
  Method one_step = tight();
  one_step.options.first_step = 2.0;
  const Solution s = solve_with_events(falling_body(), one_step, {4.0, 8.0}, {0.0, 2.0},
                                       component_reaches(0, 7.99));
  ASSERT_EQ(s.report.accepted, 1);
  ASSERT_EQ(s.report.hits.size(), 2U);
  EXPECT_NEAR(s.report.hits[0].t, 0.95, 1e-10);
  EXPECT_NEAR(s.report.hits[1].t, 1.05, 1e-10);
}

TEST(Events, AtAJumpFireOnce) {
  // z' = 1, then 2 from t = 1/2 on, where z = 1/2 up to rounding.
  const Dynamics kink = dynamics_of(
      1, [](Tensor t, Tensor z, auto) { return 0.0 * z + 2.0 - less(t, full(t, {1}, 0.5)); });
  Method method = tight();
  method.options.jump_times = {0.5};
  for (const double level : {0.5 - 1e-15, 0.5 - 1e-16, 0.5, 0.5 + 2e-16, 0.5 + 1e-15}) {
    const Solution s =
        solve_with_events(kink, method, {0.0}, {0.0, 1.0}, component_reaches(0, level));
    ASSERT_EQ(s.report.hits.size(), 1U) << level;
    EXPECT_NEAR(s.report.hits[0].t, 0.5, 1e-14);
  }
}

TEST(Events, BelongToTheSampleThatMeetsThem) {
  // Three bodies from 1, 3 and 10: conformance.md, section 5.
  const Values initial = {1.0, 0.0, 3.0, 0.0, 10.0, 0.0};
  const Solution all = solve_with_events(falling_body(), tight(), initial, {0.0, 2.0},
                                         component_reaches(0, 0.0), Until::end, 3);
  ASSERT_EQ(all.report.hits.size(), 3U);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(all.report.hits[i].sample, static_cast<std::int64_t>(i));
    EXPECT_NEAR(all.report.hits[i].t, std::sqrt(initial[2 * i]) / 2.0, 1e-12);
    EXPECT_NEAR(all.report.hits[i].state[1], -4.0 * std::sqrt(initial[2 * i]), 1e-11);
  }
  const Solution first =
      solve_with_events(falling_body(), tight(), initial, {0.0, 2.0},
                        component_reaches(0, 0.0, {"ground", {}, true}), Until::end, 3);
  ASSERT_EQ(first.report.hits.size(), 1U);
  EXPECT_EQ(first.report.hits[0].sample, 0);
  EXPECT_NEAR(first.report.t, 0.5, 1e-13);
}

TEST(Events, WorkWithEverySolver) {
  for (const char* solver : {"euler", "midpoint", "heun", "rk4", "kutta38", "bosh3", "tsit5"}) {
    const Solution s =
        solve_with_events(circle(), {solver, "constant", given_step(1e-3)}, {1.0, 0.0}, {0.0, 2.0},
                          component_reaches(0, 0.0, {"x", {}, true}));
    ASSERT_EQ(s.report.status, Status::event) << solver;
    EXPECT_NEAR(s.report.t, kPi / 2.0, 2e-3) << solver;  // euler's error
  }
}

TEST(Events, LeaveTheSolutionAsItIs) {
  const Solution without = solve_problem(circle(), tight(), {1.0, 0.0}, {0.0, 6.0});
  const Solution with =
      solve_with_events(circle(), tight(), {1.0, 0.0}, {0.0, 6.0}, component_reaches(0, 0.0));
  EXPECT_EQ(with.y, without.y);
  EXPECT_EQ(with.report.evaluations, without.report.evaluations);
}

TEST(SteadyState, EndsTheSolveWhereRatesAreUnderTheTolerance) {
  // z' = 2 - z: the rate is exp(-t) (2 - z0), under 1e-6 + 1e-6 |z| from t = ln(2 / 3e-6) on.
  const Dynamics relaxation = dynamics_of(1, [](Tensor, Tensor z, auto) { return 2.0 - z; });
  const Method method{"dopri5", "integral", tolerances(1e-6, 1e-6)};
  const Solution s =
      solve_with_events(relaxation, method, {0.0}, {0.0, 1.0, 1e6}, {}, Until::steady_state);
  EXPECT_EQ(s.report.status, Status::steady_state);
  EXPECT_TRUE(s.report.ok());
  EXPECT_GE(s.report.t, std::log(2.0 / 3e-6) - 0.1);
  EXPECT_LT(s.report.t, 30.0);  // a step of at most e-folds later
  EXPECT_EQ(s.report.reached, 2);
  EXPECT_EQ(s.report.evaluations,
            2 + 6 * (s.report.accepted + s.report.rejected) + s.report.accepted);
}

TEST(SteadyState, WaitsForTheSlowestSample) {
  const Dynamics relaxation = dynamics_of(1, [](Tensor, Tensor z, auto) { return 2.0 - z; });
  const Method method{"dopri5", "integral", tolerances(1e-6, 1e-6)};
  const auto end = [&](const Values& initial) {
    return solve_with_events(relaxation, method, initial, {0.0, 1e6}, {}, Until::steady_state,
                             static_cast<std::int64_t>(initial.size()))
        .report;
  };
  EXPECT_EQ(end({2.0, 2.0}).accepted, 1) << "rests from the start";
  Values one_moves(10, 2.0);
  one_moves[7] = 1000.0;
  EXPECT_GT(end(one_moves).t, std::log(998.0 / 3e-6) - 0.1);
}

TEST(SteadyState, IsNotReachedByWhatKeepsMoving) {
  const Solution s =
      solve_with_events(circle(), tight(), {1.0, 0.0}, {0.0, 6.0}, {}, Until::steady_state);
  EXPECT_EQ(s.report.status, Status::success);
  EXPECT_EQ(s.report.reached, 2);
}

}  // namespace
}  // namespace odeum::testing
