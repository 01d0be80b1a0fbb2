// SPDX-License-Identifier: Apache-2.0
// A whole solution as a function of time.
#include "odeum/dense_solution.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "events.hpp"

namespace odeum::testing {
namespace {

Dynamics circle() {
  return dynamics_of(2, [](Tensor, Tensor s, auto) {
    const auto [x, y] = split<1, 1>(s);
    return concat({-y, x});
  });
}

/// A solution of z' = field with its memory.
struct Solved {
  std::shared_ptr<Device> device = test_device();
  std::unique_ptr<SolveSetting> setting;
  std::unique_ptr<DenseSolution> solution;
  std::unique_ptr<OnDevice> start;
  std::int64_t rows;
  SolveReport report;

  Solved(const Dynamics& dynamics, const Method& method, const Values& initial, const Values& times,
         std::int64_t rows_now = 1, EventFunctions events = {})
      : setting(setting_of(dynamics, method)),
        solution(std::make_unique<DenseSolution>(*setting)),
        start(std::make_unique<OnDevice>(*device, initial)),
        rows(rows_now) {
    solution->watch(std::move(events));
    const View first = start->view();
    const std::vector<View> unwanted(times.size() - 1);
    report = solution->solve({.rows = rows,
                              .times = times,
                              .initial = std::span(&first, 1),
                              .constants = {},
                              .results = unwanted,
                              .observer = {}});
  }
  Values call(void (DenseSolution::*what)(std::span<const double>, std::span<const View>),
              const Values& times) {
    const auto size = start->values().size();
    std::vector<OnDevice> places;
    std::vector<View> views;
    places.reserve(times.size());
    for (std::size_t i = 0; i < times.size(); ++i) {
      places.emplace_back(*device, Values(size, 0.0));
      views.push_back(places.back().view());
    }
    (solution.get()->*what)(times, views);
    Values all;
    for (const OnDevice& place : places) {
      const Values one = place.values();
      all.insert(all.end(), one.begin(), one.end());
    }
    return all;
  }
  Values at(const Values& times) { return call(&DenseSolution::evaluate, times); }
  Values rate(const Values& times) { return call(&DenseSolution::differentiate, times); }
};

Method method_of(const std::string& solver, double tolerance) {
  return {solver, "integral", tolerances(tolerance, tolerance)};
}

TEST(DenseSolution, IsTheSolutionAtAnyTimeAndItsRate) {
  for (const char* solver : {"bosh3", "dopri5", "tsit5"}) {
    for (const double end : {7.0, -7.0}) {
      Solved solved(circle(), method_of(solver, 1e-8), {1.0, 0.0}, {0.0, end});
      ASSERT_TRUE(solved.report.ok());
      EXPECT_EQ(solved.solution->steps(), static_cast<std::size_t>(solved.report.accepted));
      const Values times = {0.9 * end, 0.1 * end, 0.0, end, 0.5 * end};  // in any order
      const Values y = solved.at(times), rate = solved.rate(times);
      for (std::size_t i = 0; i < times.size(); ++i) {
        EXPECT_NEAR(y[2 * i], std::cos(times[i]), 1e-6) << solver;
        EXPECT_NEAR(y[2 * i + 1], std::sin(times[i]), 1e-6) << solver;
        // An interpolant's derivative is an order less accurate.
        EXPECT_NEAR(rate[2 * i], -std::sin(times[i]), 1e-4) << solver;
        EXPECT_NEAR(rate[2 * i + 1], std::cos(times[i]), 1e-4) << solver;
      }
    }
  }
}

TEST(DenseSolution, IsWhatTheLoopSavesByInterpolation) {
  Method method = method_of("dopri5", 1e-5);
  method.save = SaveTimes::interpolated;
  Values times = {0.0};
  for (int i = 1; i <= 50; ++i) times.push_back(0.13 * i);
  const Solution saved = solve_problem(circle(), method, {1.0, 0.0}, times);
  Solved solved(circle(), method, {1.0, 0.0}, times);
  const Values y = solved.at(times);
  for (std::size_t i = 1; i < times.size(); ++i) {
    EXPECT_NEAR(y[2 * i], saved.y[i - 1][0], 1e-15);
    EXPECT_NEAR(y[2 * i + 1], saved.y[i - 1][1], 1e-15);
  }
}

TEST(DenseSolution, RefusesTimesOutsideItsSpan) {
  Solved solved(circle(), method_of("dopri5", 1e-5), {1.0, 0.0}, {0.0, 2.0});
  for (const double time : {-1e-9, 2.0 + 1e-9, std::nan("")}) {
    EXPECT_THROW(solved.at({1.0, time}), RunError);
    EXPECT_THROW(solved.rate({time}), RunError);
  }
  try {
    solved.at({3.0});
  } catch (const RunError& error) {
    EXPECT_THAT(error.what(), ::testing::HasSubstr("t = 3 lies outside"));
    EXPECT_THAT(error.what(), ::testing::HasSubstr("from 0 to 2"));
  }
}

TEST(DenseSolution, EndsAtATerminalEvent) {
  Solved solved(falling_body(), method_of("dopri5", 1e-8), {1.0, 0.0}, {0.0, 10.0}, 1,
                component_reaches(0, 0.0, {"ground", Crossing::any, true}));
  EXPECT_EQ(solved.report.status, Status::event);
  EXPECT_NEAR(solved.solution->end(), 0.5, 1e-12);
  EXPECT_NEAR(solved.at({0.25})[0], 1.0 - 4.0 * 0.0625, 1e-12);
  EXPECT_THROW(solved.at({0.6}), RunError);
}

TEST(DenseSolution, PassesOverJumpsAndBatches) {
  const Dynamics kink = dynamics_of(
      1, [](Tensor t, Tensor z, auto) { return 0.0 * z + 2.0 - less(t, full(t, {1}, 0.5)); });
  Method method = method_of("dopri5", 1e-8);
  method.options.jump_times = {0.5};
  Solved solved(kink, method, {0.0, 10.0}, {0.0, 1.0}, 2);
  const Values y = solved.at({0.25, 0.5, 0.75}), rate = solved.rate({0.25, 0.75});
  const Values truth = {0.25, 10.25, 0.5, 10.5, 1.0, 11.0}, rates = {1.0, 1.0, 2.0, 2.0};
  for (std::size_t i = 0; i < 6; ++i) EXPECT_NEAR(y[i], truth[i], 1e-13);
  for (std::size_t i = 0; i < 4; ++i) EXPECT_NEAR(rate[i], rates[i], 1e-12);
}

TEST(DenseSolution, OfASpanWithoutLengthIsTheInitialState) {
  Solved solved(circle(), method_of("dopri5", 1e-5), {1.0, 0.5}, {2.0, 2.0});
  EXPECT_EQ(solved.at({2.0}), (Values{1.0, 0.5}));
  EXPECT_THROW(solved.rate({2.0}), RunError);
}

TEST(DenseSolution, KeepsTheRatesOfRunningCostsPositive) {
  Dynamics with_cost = circle();
  with_cost.members.push_back({.name = "cost",
                               .shape = {kRows},
                               .dtype = DType::f64,
                               .in_error_norm = false,
                               .along_absolute_time = true});
  with_cost.rates = [](Tensor, const State& y, auto) {
    const auto [a, b] = split<1, 1>(y[0]);
    return State{concat({-b, a}), sum_features(square(y[0]))};
  };
  const auto device = test_device();
  const auto setting = setting_of(with_cost, method_of("dopri5", 1e-8));
  DenseSolution solution(*setting);
  const OnDevice start(*device, {1.0, 0.0}), none(*device, {0.0}), cost(*device, {0.0});
  const std::vector<View> initial = {start.view(), none.view()}, unwanted(2);
  const Values times = {0.0, -3.0};
  ASSERT_TRUE(solution
                  .solve({.rows = 1,
                          .times = times,
                          .initial = initial,
                          .constants = {},
                          .results = unwanted,
                          .observer = {}})
                  .ok());
  const std::vector<View> wanted = {View{}, cost.view()};
  const Values at = {-1.0};
  solution.evaluate(at, wanted);
  EXPECT_NEAR(cost.values()[0], 1.0, 1e-7);
  solution.differentiate(at, wanted);
  EXPECT_NEAR(cost.values()[0], 1.0, 1e-5);
}

}  // namespace
}  // namespace odeum::testing
