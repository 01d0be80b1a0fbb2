// SPDX-License-Identifier: Apache-2.0
// Backpropagation through the dense output: of states at times that lie inside steps, against
// central differences of what the forward solve gives there.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "flow_problem.hpp"
#include "solvers.hpp"

namespace odeum::testing {
namespace {

using ::testing::HasSubstr;

GradientOf between(std::int64_t every = 1) {
  return {"backprop", {{"times", std::string("interpolated")}, {"every", every}}};
}

/// Start, five times in two of the steps of 0.3, none in the last one, end.
const Values kTimes = {0.0, 0.05, 0.1, 0.2, 0.31, 0.55, 1.1};

FlowProblem problem(const Values& times) {
  FlowProblem made;
  made.times = times;
  std::vector<std::vector<Values>> cotangents;
  for (std::size_t i = 1; i < times.size(); ++i) {
    cotangents.push_back(made.cotangents[i % 2]);
    cotangents.back()[0][0] += 0.1 * static_cast<double>(i);
  }
  made.cotangents = cotangents;
  return made;
}

double loss(const FlowProblem& at, const Method& method) {
  const Gradients g = at.gradients(between(), method);
  double total = 0.0;
  for (std::size_t i = 0; i < g.y.size(); ++i) {
    const Values& seed = at.cotangents[i / 3][i % 3];
    for (std::size_t j = 0; j < seed.size(); ++j) total += seed[j] * g.y[i][j];
  }
  return total;
}

template <class Entry>
double difference(const Values& times, const Method& method, const Entry& entry) {
  constexpr double kStep = 1e-5;
  FlowProblem up = problem(times);
  FlowProblem down = up;
  entry(up) += kStep;
  entry(down) -= kStep;
  return (loss(up, method) - loss(down, method)) / (2.0 * kStep);
}

// Differences with step 1e-5 of values near one.
constexpr double kTolerance = 1e-8;

class DenseOutputGradient : public ::testing::TestWithParam<const char*> {};
// With dense outputs of their own, by Hermite's polynomial, by a parabola, of an implicit method.
INSTANTIATE_TEST_SUITE_P(Solvers, DenseOutputGradient,
                         ::testing::Values("dopri5", "tsit5", "bosh3", "kutta38", "kvaerno3"),
                         [](const auto& solver) { return std::string(solver.param); });

TEST_P(DenseOutputGradient, IsThatOfTheStatesBetweenStepsForwardsAndBackwards) {
  const Method method = {GetParam(), "constant", given_step(0.3)};
  Values backwards = kTimes;
  for (double& t : backwards) t = 1.0 - t;
  for (const Values& times : {kTimes, backwards}) {
    const auto truth = [&](const auto& entry) { return difference(times, method, entry); };
    const double initial = truth([](auto& p) -> double& { return p.initial[0][1]; });
    const double context = truth([](auto& p) -> double& { return p.constants[1][4]; });
    const double theta = truth([](auto& p) -> double& { return p.constants[0][2]; });
    const double time = truth([](auto& p) -> double& { return p.times[3]; });
    for (const std::int64_t every : {1, 2}) {
      const Gradients g = problem(times).gradients(between(every), method);
      ASSERT_TRUE(g.backward.ok());
      EXPECT_NEAR(g.initial[0][1], initial, kTolerance);
      EXPECT_NEAR(g.constants[1][4], context, kTolerance);
      EXPECT_NEAR(g.constants[0][2], theta, kTolerance);
      EXPECT_NEAR(g.times[3], time, kTolerance);
    }
  }
}

TEST(DenseOutputGradient, IsTheExactOnesWhereNoTimesLieBetween) {
  const Method method = {"dopri5", "integral", tolerances(1e-4, 1e-4)};
  const FlowProblem at = problem({0.0, 1.0});
  const Gradients exact = at.gradients(backprop("steps"), method);
  const Gradients found = at.gradients(between(), method);
  EXPECT_EQ(found.initial, exact.initial);
  EXPECT_EQ(found.constants, exact.constants);
  EXPECT_EQ(found.times, exact.times);
}

TEST(DenseOutputGradient, TakesFewerStepsThanTimes) {
  Values many;
  for (int i = 0; i <= 50; ++i) many.push_back(i / 50.0);
  const FlowProblem at = problem(many);
  const Method method = {"dopri5", "integral", tolerances(1e-6, 1e-6)};
  const Gradients exact = at.gradients(backprop("steps"), method);
  const Gradients found = at.gradients(between(), method);
  EXPECT_GE(exact.forward.accepted, 50);
  EXPECT_LT(found.forward.accepted, 15);
  EXPECT_EQ(found.backward.accepted, found.forward.accepted);
  // Some times the tolerance, of both.
  constexpr double kSolved = 1e-5;
  for (std::size_t i = 0; i < 6; ++i) {
    EXPECT_NEAR(found.initial[0][i], exact.initial[0][i], kSolved * std::abs(exact.initial[0][i]));
  }
}

TEST(DenseOutputGradient, IsRefusedForGivenStepsAndSamplesApart) {
  const auto method = component<GradientMethod>("gradient", "backprop", between().keys);
  const auto solver = component<Solver>("solver", "dopri5", {});
  const Dynamics dynamics = regularized_flow();
  EXPECT_EQ(method->refusal(*solver, {}, dynamics), "");
  EXPECT_THAT(method->refusal(*solver, {.step = 0.1}, dynamics), HasSubstr("steps are given"));
  EXPECT_THAT(method->refusal(*solver, {.step_size = StepSize::per_sample}, dynamics),
              HasSubstr("another step of each sample"));
}

}  // namespace
}  // namespace odeum::testing
