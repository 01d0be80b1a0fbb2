// SPDX-License-Identifier: Apache-2.0
// Gradients of solves against closed forms, central differences and each other.
#include <gtest/gtest.h>

#include <cmath>

#include "flow_problem.hpp"

namespace odeum::testing {
namespace {

GradientOf adjoint(const std::string& norm) { return {"adjoint", {{"norm", norm}}}; }
GradientOf gauss(const std::string& nodes) { return {"gauss_legendre", {{"nodes", nodes}}}; }
GradientOf interpolated(const std::string& norm) { return {"interpolated", {{"norm", norm}}}; }
GradientOf forward(const std::string& norm) { return {"forward", {{"norm", norm}}}; }

const std::vector<InputSpec> kScalar = {{"theta", {1}, DType::f64}};

Method tight(const std::string& solver = "dopri5") {
  return {solver, "integral", tolerances(1e-10, 1e-10)};
}

class EveryGradient : public ::testing::TestWithParam<GradientOf> {};
INSTANTIATE_TEST_SUITE_P(Methods, EveryGradient,
                         ::testing::Values(backprop("steps"), backprop("stages"),
                                           backprop("residuals"), backprop("auto"), kFrugal,
                                           GradientOf{"symplectic", {}}, adjoint("full"),
                                           adjoint("state_and_adjoint"), adjoint("state"),
                                           gauss("steps"), gauss("adaptive"),
                                           interpolated("adjoint"), interpolated("full"),
                                           forward("state_and_tangents"), forward("state")),
                         [](const auto& method) { return name_of(method.param); });

// conformance.md, section 5: dz/dt = a z, L = z(T)^2.
TEST_P(EveryGradient, OfLinearGrowthIsTheClosedForm) {
  const double a = 0.2, z0 = 10.0, end = 3.0;
  const Dynamics growth = dynamics_of(
      1, [](Tensor, Tensor z, auto c) { return c[0] * z; }, kScalar);
  const double zt = z0 * std::exp(a * end);
  for (const char* solver : {"dopri5", "tsit5"}) {
    const Gradients g =
        differentiate(GetParam(), growth, tight(solver), {{z0}}, {0.0, end}, {{a}}, {{{2.0 * zt}}});
    ASSERT_TRUE(g.forward.ok()) << g.forward.message();
    ASSERT_TRUE(g.backward.ok()) << g.backward.message();
    EXPECT_NEAR(g.y[0][0], zt, 1e-8 * zt);
    EXPECT_NEAR(g.initial[0][0] / (2.0 * z0 * std::exp(2.0 * a * end)), 1.0, 1e-8);
    EXPECT_NEAR(g.constants[0][0] / (2.0 * end * zt * zt), 1.0, 1e-8);
    EXPECT_NEAR(g.times[1] / (2.0 * a * zt * zt), 1.0, 1e-8);
    EXPECT_NEAR(g.times[0] / (2.0 * a * zt * zt), -1.0, 1e-8);
  }
}

// conformance.md, section 5: dz/dt = theta sin(k t) z, whose theta-integrand is not constant.
TEST_P(EveryGradient, OfASwingingRateIsTheClosedForm) {
  const double theta = 0.7, k = 3.0, z0 = 2.0, end = 2.0;
  const Dynamics swing = dynamics_of(
      1, [k](Tensor t, Tensor z, auto c) { return c[0] * sin(k * time_column(t)) * z; }, kScalar);
  const double zt = z0 * std::exp(theta * (1.0 - std::cos(k * end)) / k);
  const Gradients g =
      differentiate(GetParam(), swing, tight(), {{z0}}, {0.0, end}, {{theta}}, {{{1.0}}});
  EXPECT_NEAR(g.constants[0][0], zt * (1.0 - std::cos(k * end)) / k, 1e-8);
  EXPECT_NEAR(g.initial[0][0], zt / z0, 1e-8);
  EXPECT_NEAR(g.times[1], theta * std::sin(k * end) * zt, 1e-8);
  EXPECT_NEAR(g.times[0], 0.0, 1e-8);
}

// conformance.md, section 2: the spiral's table at T = 1.5, sum of both features.
TEST_P(EveryGradient, OfTheSpiralIsThePublishedTable) {
  const Dynamics spiral =
      dynamics_of(2, [](Tensor, Tensor z, auto c) { return dot("ri,io->ro", z * z * z, c[0]); },
                  {{"a", {2, 2}, DType::f64}});
  const Gradients g = differentiate(GetParam(), spiral, tight(), {{2.0, 0.0}}, {0.0, 1.5},
                                    {{-0.1, 2.0, -2.0, -0.1}}, {{{1.0, 1.0}}});
  const Values truth = {11.12788206933416, 1.887909678905921, -0.8161797077130105,
                        10.46922481450369};
  for (std::size_t i = 0; i < 4; ++i) EXPECT_NEAR(g.constants[0][i], truth[i], 1e-7) << i;
  EXPECT_NEAR(g.initial[0][0], 4.380756903559729, 1e-7);
  EXPECT_NEAR(g.initial[0][1], 0.3543906820469063, 1e-7);
}

TEST_P(EveryGradient, OfARegularizedFlowMatchesCentralDifferences) {
  const Method method = {"dopri5", "integral", tolerances(1e-9, 1e-9)};
  const FlowProblem problem;
  const Gradients g = problem.gradients(GetParam(), method);
  ASSERT_TRUE(g.forward.ok());
  ASSERT_TRUE(g.backward.ok());
  // Differences of a solve at rtol 1e-9 with step 1e-5 hold seven digits.
  constexpr double kTolerance = 1e-6;
  for (const std::size_t i : {0U, 3U, 5U}) {
    EXPECT_NEAR(
        g.initial[0][i],
        central_difference(method, [&](FlowProblem& p) -> double& { return p.initial[0][i]; }),
        kTolerance);
    EXPECT_NEAR(
        g.constants[1][i],
        central_difference(method, [&](FlowProblem& p) -> double& { return p.constants[1][i]; }),
        kTolerance);
  }
  for (std::size_t i = 0; i < kParameters; i += 3) {
    EXPECT_NEAR(
        g.constants[0][i],
        central_difference(method, [&](FlowProblem& p) -> double& { return p.constants[0][i]; }),
        kTolerance);
  }
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_NEAR(g.times[i],
                central_difference(method, [&](FlowProblem& p) -> double& { return p.times[i]; }),
                kTolerance);
  }
  EXPECT_EQ(g.initial[1], (Values{problem.cotangents[0][1][0] + problem.cotangents[1][1][0],
                                  problem.cotangents[0][1][1] + problem.cotangents[1][1][1],
                                  problem.cotangents[0][1][2] + problem.cotangents[1][1][2]}));
  EXPECT_EQ(g.constants[2], (Values{0.0, 0.0, 0.0})) << "an unused parameter";
}

TEST_P(EveryGradient, RunsBackInTimeToo) {
  FlowProblem problem;
  problem.times = {1.0, 0.7, 0.0};
  const Method method = {"dopri5", "integral", tolerances(1e-9, 1e-9)};
  const Gradients g = problem.gradients(GetParam(), method);
  const Gradients reference = problem.gradients(backprop("steps"), method);
  for (std::size_t c = 0; c < 2; ++c) {
    for (std::size_t i = 0; i < g.constants[c].size(); ++i) {
      EXPECT_NEAR(g.constants[c][i], reference.constants[c][i], 1e-6);
    }
  }
  for (std::size_t i = 0; i < 3; ++i) EXPECT_NEAR(g.times[i], reference.times[i], 1e-6);
}

TEST_P(EveryGradient, PassesThroughRepeatedTimesAndSpansOfNoLength) {
  const Dynamics growth = dynamics_of(
      1, [](Tensor, Tensor z, auto c) { return c[0] * z; }, kScalar);
  const Gradients repeated =
      differentiate(GetParam(), growth, tight(), {{2.0}}, {0.0, 0.0, 1.0, 1.0}, {{0.5}},
                    {{{1.0}}, {{10.0}}, {{100.0}}});
  const double e = std::exp(0.5);
  EXPECT_NEAR(repeated.initial[0][0], 1.0 + 110.0 * e, 1e-6);
  EXPECT_NEAR(repeated.constants[0][0], 110.0 * 2.0 * e, 1e-6);
  const Gradients still =
      differentiate(GetParam(), growth, tight(), {{2.0}}, {1.0, 1.0}, {{0.5}}, {{{3.0}}});
  EXPECT_EQ(still.initial[0][0], 3.0);
  EXPECT_EQ(still.constants[0][0], 0.0);
}

TEST_P(EveryGradient, IsTheSameOnEveryRepetition) {
  const FlowProblem p;
  const Method method = {"dopri5", "integral", tolerances(1e-6, 1e-6)};
  const Gradients once = p.gradients(GetParam(), method);
  const Gradients thrice = differentiate(GetParam(), regularized_flow(), method, p.initial, p.times,
                                         p.constants, p.cotangents, p.rows, test_device(), 3);
  EXPECT_EQ(once.constants, thrice.constants);
  EXPECT_EQ(once.initial, thrice.initial);
  EXPECT_EQ(once.times, thrice.times);
}

// Whatever is kept, and whatever solver, the discrete gradient is that of the steps taken.
TEST(Backprop, IsExactForEverySolverAtAnyStep) {
  const FlowProblem problem;
  for (const char* solver : {"euler",
                             "midpoint",
                             "heun",
                             "rk4",
                             "kutta38",
                             "bosh3",
                             "dopri5",
                             "tsit5",
                             "adaptive_heun",
                             "ralston",
                             "heun3",
                             "fehlberg32",
                             "fehlberg45",
                             "cash_karp",
                             "dopri8",
                             "vern7",
                             "adams_bashforth",
                             "adams_moulton",
                             "semi_implicit_euler",
                             "leapfrog",
                             "reversible_heun"}) {
    const Method coarse = {solver, "constant", given_step(0.15)};
    const double by_theta =
        central_difference(coarse, [](FlowProblem& p) -> double& { return p.constants[0][2]; });
    for (const char* keep : {"steps", "stages", "residuals"}) {
      const Gradients g = problem.gradients(backprop(keep), coarse);
      EXPECT_NEAR(g.constants[0][2], by_theta, 1e-8) << solver << " " << keep;
    }
  }
}

// Parameters' and states' cotangents are split into halves, or moved whole, as the state is.
TEST(Adjoint, WorksWithSemiImplicitEulerToItsOrder) {
  const FlowProblem problem;
  const Gradients reference = problem.gradients(backprop("steps"), tight());
  Values errors;
  for (const double step : {0.004, 0.002}) {
    const Method method = {"semi_implicit_euler", "constant", given_step(step)};
    const Gradients g = problem.gradients(adjoint("state_and_adjoint"), method);
    ASSERT_TRUE(g.backward.ok());
    errors.push_back(0.0);
    for (std::size_t i = 0; i < kParameters; ++i) {
      errors.back() += std::abs(g.constants[0][i] - reference.constants[0][i]);
    }
  }
  EXPECT_NEAR(errors[0] / errors[1], 2.0, 0.1);
}

// Adams's history and the reversible methods' companions are carried from step to step and begin
// anew in each interval of the backward solve; parameters' cotangents have histories too.
TEST(Adjoint, WorksWithEverySolverThatCarriesSomething) {
  const FlowProblem problem;
  const Gradients reference = problem.gradients(backprop("steps"), tight());
  const std::pair<const char*, double> solvers[] = {
      {"fehlberg45", 1e-9}, {"cash_karp", 1e-9},       {"dopri8", 1e-9},
      {"vern7", 1e-9},      {"adams_bashforth", 1e-9}, {"adams_moulton", 1e-9},
      {"leapfrog", 1e-6},   {"reversible_heun", 1e-6}};
  for (const auto& [solver, tolerance] : solvers) {
    const Method method = {solver, "integral", tolerances(tolerance, tolerance)};
    const Gradients g = problem.gradients(adjoint("state_and_adjoint"), method);
    ASSERT_TRUE(g.backward.ok()) << solver << ": " << g.backward.message();
    for (std::size_t i = 0; i < kParameters; ++i) {
      EXPECT_NEAR(g.constants[0][i], reference.constants[0][i], 1000.0 * tolerance) << solver;
    }
    for (std::size_t i = 0; i < 6; ++i) {
      EXPECT_NEAR(g.initial[0][i], reference.initial[0][i], 1000.0 * tolerance) << solver;
      EXPECT_NEAR(g.constants[1][i], reference.constants[1][i], 1000.0 * tolerance) << solver;
    }
    for (std::size_t i = 0; i < 3; ++i) {
      EXPECT_NEAR(g.times[i], reference.times[i], 1000.0 * tolerance) << solver;
    }
  }
}

TEST(Backprop, TakesStepsForFixedFractionsOfTheirInterval) {
  FlowProblem problem;
  Method method = {"rk4", "constant", {}};
  method.options.steps = 4;
  const Gradients g = problem.gradients(backprop("residuals"), method);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_NEAR(g.times[i],
                central_difference(method, [&](FlowProblem& p) -> double& { return p.times[i]; }),
                1e-8);
  }
}

TEST(Backprop, KeepsWhatItIsToldTo) {
  const FlowProblem problem;
  const Method method = {"dopri5", "integral", tolerances(1e-7, 1e-7)};
  std::map<std::string, std::size_t> bytes;
  for (const char* keep : {"steps", "stages", "residuals", "auto"}) {
    bytes[keep] = problem.gradients(backprop(keep), method).kept_bytes;
  }
  EXPECT_GT(bytes["steps"], 0U);
  EXPECT_LT(bytes["steps"], bytes["stages"]);
  EXPECT_EQ(bytes["auto"], bytes["residuals"]);
  const std::size_t frugal = problem.gradients(kFrugal, method).kept_bytes;
  EXPECT_LE(frugal, static_cast<std::size_t>(1e-3 * 1024 * 1024));
  EXPECT_LT(frugal, bytes["steps"]);
}

TEST(Backprop, CountsTheEvaluationsOfItsBackwardPass) {
  const FlowProblem problem;
  const Gradients g =
      problem.gradients(backprop("steps"), {"dopri5", "integral", tolerances(1e-7, 1e-7)});
  EXPECT_EQ(g.backward.accepted, g.forward.accepted);
  EXPECT_EQ(g.backward.evaluations, 1 + 6 * g.forward.accepted);
}

TEST(Adjoint, AgreesWithBackpropTheMoreTheTighter) {
  const FlowProblem problem;
  double last = 1.0;
  for (const double tolerance : {1e-3, 1e-6, 1e-9}) {
    const Method method = {"dopri5", "integral", tolerances(tolerance, tolerance)};
    const Gradients exact = problem.gradients(backprop("steps"), method);
    const Gradients continuous = problem.gradients(adjoint("state_and_adjoint"), method);
    double difference = 0.0;
    for (std::size_t i = 0; i < kParameters; ++i) {
      difference =
          std::max(difference, std::abs(exact.constants[0][i] - continuous.constants[0][i]));
    }
    EXPECT_LT(difference, 0.1 * last);
    EXPECT_LT(difference, 100.0 * tolerance);
    last = difference;
  }
  EXPECT_LT(last, 1e-6);
}

TEST(Adjoint, CostsTwoEvaluationsAnIntervalAndSixAnAttempt) {
  FlowProblem problem;
  const Method method = {"dopri5", "integral", tolerances(1e-6, 1e-6)};
  const Gradients g = problem.gradients(adjoint("state_and_adjoint"), method);
  // Two intervals; three more for the derivatives by the three times.
  EXPECT_EQ(g.backward.evaluations, 2 * 2 + 6 * (g.backward.accepted + g.backward.rejected) + 3);
}

TEST(Adjoint, NormsThatLeaveMembersOutNeverCostMore) {
  const FlowProblem problem;
  const Method method = {"dopri5", "integral", tolerances(1e-8, 1e-8)};
  std::map<std::string, std::int64_t> evaluations;
  for (const char* norm : {"full", "state_and_adjoint", "state"}) {
    evaluations[norm] = problem.gradients(adjoint(norm), method).backward.evaluations;
  }
  EXPECT_LE(evaluations["state_and_adjoint"], evaluations["full"]);
  EXPECT_LE(evaluations["state"], evaluations["state_and_adjoint"]);
}

TEST(Adjoint, TakesATighterToleranceForItself) {
  const FlowProblem problem;
  const Method loose = {"dopri5", "integral", tolerances(1e-4, 1e-4)};
  const Gradients same = problem.gradients(adjoint("state_and_adjoint"), loose);
  const Gradients tighter = problem.gradients(
      {"adjoint",
       {{"norm", std::string("state_and_adjoint")}, {"rtol", 1e-9}, {"atol", Values{1e-9}}}},
      loose);
  EXPECT_EQ(same.forward.evaluations, tighter.forward.evaluations);
  EXPECT_GT(tighter.backward.accepted, same.backward.accepted);
}

}  // namespace
}  // namespace odeum::testing
