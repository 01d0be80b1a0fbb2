// SPDX-License-Identifier: Apache-2.0
// Gradients of solves across jumps of the right-hand side, against closed forms.
#include "solve/piecewise.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "problem.hpp"

namespace odeum::testing {
namespace {

// Solves at rtol 1e-10 keep eight digits of a derivative.
constexpr double kTolerance = 1e-8;

const std::vector<InputSpec> kRate = {{"a", {1}, DType::f64}};

/// conformance.md, section 4, jump, with a rate: -a x before t = 1/2, x^2 from there on. So
/// x(t) = x0 exp(-a t), and behind the jump 1 / x(t) = exp(a / 2) / x0 - (t - 1/2).
Dynamics jump_problem() {
  return dynamics_of(
      1,
      [](Tensor t, Tensor z, std::span<const Tensor> c) {
        const Tensor before = less(t, full(t, {1}, 0.5));
        return before * (-(c[0] * z)) + (1.0 - before) * square(z);
      },
      kRate);
}

struct Gradient {
  SolveReport forward, backward;
  Values y, times;
  double initial = 0.0, constant = 0.0;
};

/// dL of L = sum_i seeds[i] x(times[i]).
Gradient gradient_of(const std::string& plugin, const Method& method, double x0, double a,
                     const Values& times, const Values& seeds) {
  const auto device = test_device();
  const solve::MakeSetting make = [&](const SolveOptions& options) {
    Method own = method;
    own.options = options;
    return setting_of(jump_problem(), own);
  };
  const auto solve =
      solve::prepare(component<GradientMethod>("gradient", plugin), make, method.options, {true});
  const OnDevice start(*device, {x0}), rate(*device, {a}), to_start(*device, {0.0}),
      to_rate(*device, {0.0});
  std::vector<OnDevice> memory;
  memory.reserve(2 * times.size());
  std::vector<View> results, cotangents;
  for (std::size_t i = 1; i < times.size(); ++i) {
    memory.emplace_back(*device, Values{0.0});
    results.push_back(memory.back().view());
    memory.emplace_back(*device, Values{seeds[i - 1]});
    cotangents.push_back(memory.back().view());
  }
  const View initial = start.view(), constant = rate.view(), initial_target = to_start.view(),
             constant_target = to_rate.view();
  const SolveCall call{.rows = 1,
                       .times = times,
                       .initial = std::span(&initial, 1),
                       .constants = std::span(&constant, 1),
                       .results = results,
                       .observer = {}};
  Gradient g;
  g.times.assign(times.size(), -1.0);
  g.forward = solve->forward(call);
  EXPECT_TRUE(g.forward.ok()) << g.forward.message();
  g.backward = solve->backward(call, cotangents,
                               {.initial = std::span(&initial_target, 1),
                                .constants = std::span(&constant_target, 1),
                                .times = g.times});
  EXPECT_TRUE(g.backward.ok()) << g.backward.message();
  for (std::size_t i = 0; i < results.size(); ++i) g.y.push_back(memory[2 * i].values()[0]);
  g.initial = to_start.values()[0];
  g.constant = to_rate.values()[0];
  return g;
}

Method with_jump(double tolerance = 1e-10) {
  Method method{"dopri5", "integral", tolerances(tolerance, tolerance)};
  method.options.jump_times = {0.5};
  return method;
}

class AcrossJumps : public ::testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Gradients, AcrossJumps, ::testing::Values("backprop", "adjoint"));

TEST_P(AcrossJumps, GradientsAreTheClosedForm) {
  const double x0 = 1.5, a = 0.5, end = 0.9;
  const double inverse = std::exp(a / 2.0) / x0 - (end - 0.5), x = 1.0 / inverse;
  const Gradient g = gradient_of(GetParam(), with_jump(), x0, a, {0.0, end}, {1.0});
  EXPECT_NEAR(g.y[0], x, kTolerance);
  EXPECT_NEAR(g.initial, x * x * std::exp(a / 2.0) / (x0 * x0), kTolerance);
  EXPECT_NEAR(g.constant, -x * x * 0.5 * std::exp(a / 2.0) / x0, kTolerance);
  EXPECT_NEAR(g.times[1], x * x, kTolerance);
  // Beginning later by d leaves the decay d less time: x(1/2) grows by a x(1/2) d.
  EXPECT_NEAR(g.times[0], x * x * a * std::exp(a / 2.0) / x0, kTolerance);
}

TEST_P(AcrossJumps, GradientsOfEverySavedTimeAddUp) {
  const double x0 = 1.5, a = 0.5;
  const Values times = {0.0, 0.2, 0.5, 0.5, 0.7, 0.9}, seeds = {1.0, 10.0, 20.0, 0.5, 0.25};
  const Gradient g = gradient_of(GetParam(), with_jump(), x0, a, times, seeds);
  double initial = 0.0, constant = 0.0;
  for (std::size_t i = 1; i < times.size(); ++i) {
    const double t = times[i], early = std::min(t, 0.5);
    const double inverse = std::exp(a * early) / x0 - std::max(0.0, t - 0.5), x = 1.0 / inverse;
    EXPECT_NEAR(g.y[i - 1], x, kTolerance);
    initial += seeds[i - 1] * x * x * std::exp(a * early) / (x0 * x0);
    constant -= seeds[i - 1] * x * x * early * std::exp(a * early) / x0;
    if (t != 0.5) {
      EXPECT_NEAR(g.times[i], seeds[i - 1] * (t < 0.5 ? -a * x : x * x), 10 * kTolerance);
    }
  }
  EXPECT_NEAR(g.initial, initial, 100 * kTolerance);
  EXPECT_NEAR(g.constant, constant, 100 * kTolerance);
  EXPECT_EQ(g.times[2], 0.0) << "a time at a jump is held";
  EXPECT_EQ(g.forward.reached, 6);
}

TEST_P(AcrossJumps, RunBackInTimeAndFromAJumpToAJump) {
  // From t = 0.9 back to 0.1: x(1/2) = 1 / (1 / x + 0.4), x(0.1) = x(1/2) exp(0.4 a).
  const double x = 1.2, a = 0.5, half = 1.0 / (1.0 / x + 0.4);
  const Gradient back = gradient_of(GetParam(), with_jump(), x, a, {0.9, 0.1}, {1.0});
  EXPECT_NEAR(back.y[0], half * std::exp(0.4 * a), kTolerance);
  EXPECT_NEAR(back.initial, half * half / (x * x) * std::exp(0.4 * a), kTolerance);
  EXPECT_NEAR(back.constant, 0.4 * half * std::exp(0.4 * a), kTolerance);
  Method method = with_jump();
  method.options.jump_times = {0.5, 0.0};
  const Gradient between = gradient_of(GetParam(), method, x, a, {0.0, 0.5}, {1.0});
  EXPECT_NEAR(between.y[0], x * std::exp(-a / 2.0), kTolerance);
  EXPECT_NEAR(between.initial, std::exp(-a / 2.0), kTolerance);
  EXPECT_NEAR(between.constant, -0.5 * x * std::exp(-a / 2.0), kTolerance);
}

// conformance.md, section 4, jump: fewer evaluations, forward and adjoint.
TEST(AcrossDeclaredJumps, EvaluationsAreSavedBothWays) {
  Method told = with_jump(1e-8), blind = told;
  blind.options.jump_times.clear();
  const Gradient with = gradient_of("adjoint", told, 1.0, 0.5, {0.0, 1.0}, {1.0});
  const Gradient without = gradient_of("adjoint", blind, 1.0, 0.5, {0.0, 1.0}, {1.0});
  EXPECT_LT(with.forward.evaluations, without.forward.evaluations);
  EXPECT_LT(with.backward.evaluations, without.backward.evaluations);
}

}  // namespace
}  // namespace odeum::testing
