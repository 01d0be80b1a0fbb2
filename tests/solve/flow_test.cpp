// SPDX-License-Identifier: Apache-2.0
// Linear flows with a log-density (conformance.md, section 6), single precision, and the local
// order of error estimates.
#include <gtest/gtest.h>

#include <cmath>

#include "problem.hpp"

namespace odeum::testing {
namespace {

class EveryMethod : public ::testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Solvers, EveryMethod,
                         ::testing::Values("euler", "midpoint", "heun", "rk4", "kutta38", "bosh3",
                                           "dopri5", "tsit5"),
                         [](const auto& method) { return method.param; });

// The log-determinant of the flow of x' = A x is T tr A for any solver that integrates constants.
TEST_P(EveryMethod, IntegratesTheTraceOfALinearFlowExactly) {
  const Values a = {0.3, -0.7, 0.2, -0.5};
  Dynamics flow = dynamics_of(2, {}, {{"a", {2, 2}, DType::f64}});
  flow.members.push_back({.name = "log_density", .shape = {kRows}, .dtype = DType::f64});
  flow.rates = [](Tensor, const State& y, std::span<const Tensor> c) {
    const Tensor trace = sum(c[0] * constant(c[0], {2, 2}, {1.0, 0.0, 0.0, 1.0}), {0, 1});
    return State{linear(y[0], c[0]), broadcast(reshape(-trace, {1}), {kRows})};
  };
  const double end = 1.7;
  const Solution s =
      solve_problem(flow, {GetParam(), "constant", given_step(0.23)}, {1.0, 2.0}, {0.0, end}, {a});
  EXPECT_NEAR(s.y[0][2], -end * (0.3 - 0.5), 1e-14);
}

TEST_P(EveryMethod, GoesThereAndBack) {
  const Dynamics field = dynamics_of(2, [](Tensor t, Tensor z, auto) {
    const auto [a, b] = split<1, 1>(z);
    return concat({b * cos(t), -sin(a)});
  });
  const Method method{GetParam(), "constant", given_step(1e-3)};
  const Values start = {0.4, -1.1};
  const Solution there = solve_problem(field, method, start, {0.0, 1.0});
  const Solution back = solve_problem(field, method, there.y[0], {1.0, 0.0});
  const double tolerance = std::string(GetParam()) == "euler" ? 1e-2 : 1e-5;
  EXPECT_NEAR(back.y[0][0], start[0], tolerance);
  EXPECT_NEAR(back.y[0][1], start[1], tolerance);
}

// The error norm of one step falls as h^k, k being what the controller is told.
TEST(ErrorEstimate, HasTheOrderThatTheControllerIsTold) {
  const Dynamics field = dynamics_of(2, [](Tensor t, Tensor z, auto) {
    const auto [a, b] = split<1, 1>(z);
    return concat({b * (1.0 + t), -sin(a)});
  });
  for (const char* name : {"heun", "bosh3", "dopri5", "tsit5"}) {
    const int k = component<Solver>("solver", name)->error_order();
    Values ratios;
    for (const double h : {0.02, 0.01}) {
      SolveOptions options = tolerances(1.0, 1.0);  // every step is accepted
      options.first_step = h;
      const Solution s = solve_problem(field, {name, "integral", options}, {0.8, 0.3}, {0.0, h});
      ASSERT_EQ(s.report.accepted, 1);
      ratios.push_back(s.report.error_ratio);
    }
    EXPECT_NEAR(std::log2(ratios[0] / ratios[1]), k, 0.15) << name;
  }
}

TEST(SinglePrecision, SolvesToAToleranceOfItsOwn) {
  Dynamics field =
      dynamics_of(1, [](Tensor t, Tensor z, auto) { return z * cast(cos(t), DType::f32); });
  field.members[0].dtype = DType::f32;
  const auto device = test_device();
  const Method method{"dopri5", "integral", tolerances(1e-5, 1e-5)};
  const auto integrator = setting_of(field, method)->integrator(field, method.options, {});
  const float start[] = {1.0F, -2.0F};
  const auto memory = device->allocate(256);
  const View initial{memory.get(), 0}, result{memory.get(), 128};
  device->upload(initial, start, sizeof start);
  const Values times = {0.0, 20.0};
  const SolveReport report = integrator->integrate({.rows = 2,
                                                    .times = times,
                                                    .initial = std::span(&initial, 1),
                                                    .constants = {},
                                                    .results = std::span(&result, 1),
                                                    .observer = {}});
  float end[2];
  device->download(end, result, sizeof end);
  ASSERT_TRUE(report.ok()) << report.message();
  const double truth = std::exp(std::sin(20.0));
  EXPECT_NEAR(end[0], truth, 50 * 1e-5 * std::exp(1.0));
  EXPECT_NEAR(end[1], -2.0 * truth, 100 * 1e-5 * std::exp(1.0));
}

}  // namespace
}  // namespace odeum::testing
