// SPDX-License-Identifier: Apache-2.0
// Derivatives through the time of an event.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "events.hpp"
#include "solve/event_solve.hpp"

namespace odeum::testing {
namespace {

// conformance.md, section 5: what peers ask of these derivatives, relative.
constexpr double kRelative = 1e-5;

/// x'' = -g, g a constant, with a level at which an event is.
Dynamics falling(std::vector<InputSpec> constants = {{"gravity", {1}, DType::f64},
                                                     {"level", {1}, DType::f64}}) {
  return dynamics_of(
      2,
      [](Tensor, Tensor s, std::span<const Tensor> c) {
        const auto [height, velocity] = split<1, 1>(s);
        return concat({velocity, -c[0] + 0.0 * height});
      },
      std::move(constants));
}

EventFunctions reaches_level() {
  return {{{"level", Crossing::falling, true}},
          [](Tensor, const State& y, auto c) { return slice(y[0], 1, 0, 1) - c[1]; }};
}

struct Gradient {
  SolveReport report;
  EventHit hit;
  Values y, initial, constants, times;
  double level = 0.0;
};

/// dL of L = seeds . y(t*) + of_time t*.
Gradient gradient_of(const std::string& plugin, const Dynamics& dynamics,
                     const EventFunctions& events, const Values& initial_state,
                     const Values& constant_values, const Values& seeds, double of_time,
                     double tolerance = 1e-8, std::int64_t rows = 1,
                     const Values& times = {0.0, 100.0}) {
  const auto device = test_device();
  const Method method{"dopri5", "integral", tolerances(tolerance, tolerance)};
  const solve::MakeSetting make = [&](const SolveOptions& options) {
    Method own = method;
    own.options = options;
    return setting_of(dynamics, own);
  };
  solve::EventSolve solve(component<GradientMethod>("gradient", plugin), make, method.options,
                          std::vector<bool>(constant_values.size(), true), events);
  std::vector<OnDevice> memory;
  memory.reserve(100);
  const auto put = [&](const Values& values) {
    memory.emplace_back(*device, values);
    return memory.back().view();
  };
  const Values zeros(initial_state.size(), 0.0);
  const View initial = put(initial_state), result = put(zeros), seed = put(seeds),
             to_initial = put(zeros);
  std::vector<View> constants, to_constants;
  for (const double value : constant_values) {
    constants.push_back(put({value}));
    to_constants.push_back(put({0.0}));
  }
  const SolveCall call{.rows = rows,
                       .times = times,
                       .initial = std::span(&initial, 1),
                       .constants = constants,
                       .results = std::span(&result, 1),
                       .observer = {}};
  Gradient g;
  g.times.assign(2, -1.0);
  g.report = solve.forward(call);
  if (g.report.status != Status::event) return g;
  g.hit = solve.event();
  const SolveReport backward = solve.backward(
      call, std::span(&seed, 1), of_time,
      {.initial = std::span(&to_initial, 1), .constants = to_constants, .times = g.times});
  EXPECT_TRUE(backward.ok()) << backward.message();
  g.y = memory[1].values();
  g.initial = memory[3].values();
  for (std::size_t c = 0; c < constants.size(); ++c) {
    g.constants.push_back(memory[5 + 2 * c].values()[0]);
  }
  return g;
}

class EventGradients : public ::testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Methods, EventGradients, ::testing::Values("backprop", "adjoint"));

// conformance.md, section 5, first hit of a falling body: t* = sqrt(2 x0 / g).
TEST_P(EventGradients, OfTheFirstHitOfAFallingBody) {
  const std::vector<std::pair<double, double>> truth = {
      {1.0, 0.25}, {3.0, 0.1443375672974065}, {10.0, 0.07905694150420949}};
  for (const auto& [x0, by_height] : truth) {
    for (const double tolerance : {1e-5, 1e-8}) {
      const Gradient g = gradient_of(GetParam(), falling(), reaches_level(), {x0, 0.0}, {8.0, 0.0},
                                     {0.0, 0.0}, 1.0, tolerance);
      const double t = std::sqrt(x0) / 2.0;
      EXPECT_NEAR(g.hit.t / t, 1.0, kRelative);
      EXPECT_NEAR(g.initial[0] / by_height, 1.0, kRelative);
      EXPECT_NEAR(g.initial[1] * 8.0, 1.0, kRelative);                   // v0 / g later
      EXPECT_NEAR(g.constants[0] / (-t / 16.0), 1.0, kRelative);         // -t* / (2 g)
      EXPECT_NEAR(g.constants[1] / (-1.0 / (8.0 * t)), 1.0, kRelative);  // the level rises
      EXPECT_NEAR(g.times[0], 1.0, kRelative);
      EXPECT_EQ(g.times[1], 0.0);
    }
  }
}

TEST_P(EventGradients, OfTheStateAtTheEvent) {
  // The height stays at the level; the speed there is -sqrt(2 g (x0 - level)).
  const double x0 = 3.0, g = 8.0, level = 0.5, speed = -std::sqrt(2.0 * g * (x0 - level));
  const Gradient got =
      gradient_of(GetParam(), falling(), reaches_level(), {x0, 0.0}, {g, level}, {5.0, 1.0}, 0.0);
  EXPECT_NEAR(got.y[0], level, 1e-9);
  EXPECT_NEAR(got.y[1], speed, 1e-9);
  EXPECT_NEAR(got.initial[0], g / speed, 1e-7);
  EXPECT_NEAR(got.initial[1], 0.0, 1e-7);
  EXPECT_NEAR(got.constants[0], (x0 - level) / speed, 1e-7);
  EXPECT_NEAR(got.constants[1], 5.0 - g / speed, 1e-7);
  EXPECT_NEAR(got.times[0], 0.0, 1e-7);
}

TEST_P(EventGradients, OfAnEventThatDependsOnTimeToo) {
  // z' = a z meets the line 2 + t: a non-autonomous event; against central differences.
  const Dynamics growth =
      dynamics_of(1, [](Tensor, Tensor z, auto c) { return c[0] * z; }, {{"a", {1}, DType::f64}});
  const EventFunctions line{{{"line", Crossing::any, true}},
                            [](Tensor t, const State& y, auto) { return y[0] - (t + 2.0); }};
  const auto solve = [&](double z0, double a) {
    return gradient_of(GetParam(), growth, line, {z0}, {a}, {0.7}, 1.3, 1e-11);
  };
  const auto loss = [&](double z0, double a) {
    const Gradient g = solve(z0, a);
    return 0.7 * g.y[0] + 1.3 * g.hit.t;
  };
  const Gradient g = solve(1.0, 0.8);
  constexpr double kStep = 1e-4, kDifferences = 1e-6;
  EXPECT_NEAR(g.initial[0], (loss(1.0 + kStep, 0.8) - loss(1.0 - kStep, 0.8)) / (2 * kStep),
              kDifferences);
  EXPECT_NEAR(g.constants[0], (loss(1.0, 0.8 + kStep) - loss(1.0, 0.8 - kStep)) / (2 * kStep),
              kDifferences);
}

TEST_P(EventGradients, ReachAllSamplesThroughTheTimeTheyShare) {
  // Two bodies; the lower one ends the solve at t = 1/2, so the other's height there depends on
  // where the lower one began: d x1(t*) / d x0 = v1(t*) dt*/dx0 = -4 / 4.
  const Gradient g = gradient_of(GetParam(), falling(), reaches_level(), {1.0, 0.0, 3.0, 0.0},
                                 {8.0, 0.0}, {0.0, 0.0, 1.0, 0.0}, 0.0, 1e-8, 2);
  EXPECT_EQ(g.hit.sample, 0);
  EXPECT_NEAR(g.y[2], 3.0 - 4.0 * 0.25, 1e-9);
  EXPECT_NEAR(g.initial[0], -1.0, 1e-7);
  EXPECT_NEAR(g.initial[2], 1.0, 1e-7);
  EXPECT_NEAR(g.initial[3], 0.5, 1e-7);
}

TEST_P(EventGradients, GoBackInTimeToo) {
  const Gradient g = gradient_of(GetParam(), falling(), reaches_level(), {1.0, 4.0}, {8.0, 0.0},
                                 {0.0, 0.0}, 1.0, 1e-8, 1, {0.5, -10.0});
  // Backwards: x(s) = 1 - 4 s - 4 s^2 with s = 0.5 - t; the root s = (-1 + sqrt 2) / 2.
  const double s = (std::sqrt(2.0) - 1.0) / 2.0;
  EXPECT_NEAR(g.hit.t, 0.5 - s, 1e-9);
  EXPECT_NEAR(g.initial[0], -1.0 / (4.0 + 8.0 * s), 1e-7);
  EXPECT_NEAR(g.times[0], 1.0, 1e-7);
}

TEST(EventSolve, ReportsThatNothingHappened) {
  const Gradient g = gradient_of("adjoint", falling(), reaches_level(), {1.0, 0.0}, {8.0, -1e9},
                                 {0.0, 0.0}, 1.0, 1e-5, 1, {0.0, 2.0});
  EXPECT_EQ(g.report.status, Status::success);
}

TEST(EventSolve, RefusesToDifferentiateAnEventWithoutARate) {
  // A step of height 2 where z = 1/2: the event is there, its function's derivative is not.
  const Dynamics decay = dynamics_of(1, [](Tensor, Tensor z, auto) { return -z; });
  const EventFunctions step{{{"step", Crossing::any, true}},
                            [](Tensor, const State& y, auto) { return sign(y[0] - 0.5); }};
  try {
    gradient_of("adjoint", decay, step, {1.0}, {}, {0.0}, 1.0, 1e-5, 1, {0.0, 2.0});
    FAIL() << "differentiated";
  } catch (const RunError& error) {
    EXPECT_THAT(error.what(), ::testing::HasSubstr("'step' has no rate"));
  }
}

}  // namespace
}  // namespace odeum::testing
