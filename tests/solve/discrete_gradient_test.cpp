// SPDX-License-Identifier: Apache-2.0
// Gradient methods that differentiate the steps taken: against central differences of the discrete
// solution, against each other, and what they keep.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>

#include "flow_problem.hpp"
#include "solvers.hpp"

namespace odeum::testing {
namespace {

using ::testing::HasSubstr;

const GradientOf kSymplectic = {"symplectic", {}};
const GradientOf kReversible = {"reversible", {}};
const GradientOf kEveryThird = {"backprop",
                                {{"keep", std::string("steps")}, {"every", std::int64_t{3}}}};

const std::vector<const char*> kExplicit = {"euler",   "midpoint", "heun",   "rk4",
                                            "kutta38", "bosh3",    "dopri5", "tsit5"};

double largest_difference(const Gradients& a, const Gradients& b) {
  double worst = 0.0;
  const auto compare = [&](const Values& x, const Values& y) {
    ASSERT_EQ(x.size(), y.size());
    for (std::size_t i = 0; i < x.size(); ++i) worst = std::max(worst, std::abs(x[i] - y[i]));
  };
  for (std::size_t i = 0; i < a.constants.size(); ++i) compare(a.constants[i], b.constants[i]);
  for (std::size_t i = 0; i < a.initial.size(); ++i) compare(a.initial[i], b.initial[i]);
  compare(a.times, b.times);
  return worst;
}

/// Entries of each kind, and their central differences of the same discrete solution.
constexpr std::size_t kOfState = 1, kOfContext = 4, kOfTheta = 2;

Values entries(const Gradients& g) {
  return {g.initial[0][kOfState], g.constants[1][kOfContext], g.constants[0][kOfTheta]};
}

Values differences(const Method& method, const Values& times) {
  const auto difference = [&](const auto& entry) {
    return central_difference(method, [&](FlowProblem& p) -> double& {
      p.times = times;
      return entry(p);
    });
  };
  return {difference([](FlowProblem& p) -> double& { return p.initial[0][kOfState]; }),
          difference([](FlowProblem& p) -> double& { return p.constants[1][kOfContext]; }),
          difference([](FlowProblem& p) -> double& { return p.constants[0][kOfTheta]; })};
}

// Differences with step 1e-5 of values near one.
constexpr double kTolerance = 1e-8;

void expect_near(const Values& found, const Values& truth, const std::string& what) {
  for (std::size_t i = 0; i < truth.size(); ++i) {
    EXPECT_NEAR(found[i], truth[i], kTolerance) << what << ", entry " << i;
  }
}

const std::vector<GradientOf> kForEverySolver = {backprop("residuals"), backprop("stages"),
                                                 backprop("steps"),     kFrugal,
                                                 kEveryThird,           kSymplectic};

class DiscreteGradient : public ::testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(ExplicitSolvers, DiscreteGradient, ::testing::ValuesIn(kExplicit),
                         [](const auto& solver) { return std::string(solver.param); });

TEST_P(DiscreteGradient, IsThatOfTheStepsTakenForwardsAndBackwards) {
  const Method coarse = {GetParam(), "constant", given_step(0.15)};
  for (const Values& times : {Values{0.0, 0.4, 1.0}, Values{1.0, 0.7, -0.1}}) {
    FlowProblem problem;
    problem.times = times;
    const Values truth = differences(coarse, times);
    for (const GradientOf& gradient : kForEverySolver) {
      const Gradients g = problem.gradients(gradient, coarse);
      ASSERT_TRUE(g.backward.ok());
      expect_near(entries(g), truth, name_of(gradient));
    }
  }
}

TEST_P(DiscreteGradient, OfTheTimesTakesStepsForFractionsOfTheirInterval) {
  Method method = {GetParam(), "constant", {}};
  method.options.steps = 4;
  Values truth;
  for (std::size_t i = 0; i < 3; ++i) {
    truth.push_back(
        central_difference(method, [&](FlowProblem& p) -> double& { return p.times[i]; }));
  }
  for (const GradientOf& gradient : kForEverySolver) {
    expect_near(FlowProblem().gradients(gradient, method).times, truth, name_of(gradient));
  }
}

TEST(Symplectic, IsBackpropUpToRounding) {
  const FlowProblem problem;
  for (const char* solver : {"bosh3", "dopri5", "tsit5"}) {
    const Method method = {solver, "integral", tolerances(1e-6, 1e-6)};
    const Gradients exact = problem.gradients(backprop("steps"), method);
    const Gradients partner = problem.gradients(kSymplectic, method);
    EXPECT_EQ(exact.forward.accepted, partner.forward.accepted);
    // Sums of a few hundred terms of size one, in another order.
    EXPECT_LT(largest_difference(exact, partner), 1e-13) << solver;
  }
}

TEST(Symplectic, KeepsStatesAlone) {
  const FlowProblem problem;
  const Method method = {"dopri5", "integral", tolerances(1e-6, 1e-6)};
  const Gradients g = problem.gradients(kSymplectic, method);
  // Three rows of two doubles, in whole cache lines.
  EXPECT_EQ(g.kept_bytes, static_cast<std::size_t>(g.forward.accepted) * 64);
  // The first six stages again but for the rates of the last of them, then each once more.
  EXPECT_EQ(g.backward.evaluations, g.forward.accepted * (5 + 6));
}

TEST(Symplectic, TakesImplicitStagesTogether) {
  const Dynamics decay = dynamics_of(
      1, [](Tensor t, Tensor z, auto c) { return -c[0] * z * z * z + sin(cast(t, z.dtype())); },
      {{"rate", {1}, DType::f64}});
  Method method = {.solver = "", .controller = "constant", .options = given_step(0.25)};
  method.given = std::make_shared<SolvedEuler>();
  const auto gradient_by = [&](const GradientOf& gradient, double z0, double rate) {
    return differentiate(gradient, decay, method, {{z0}}, {0.0, 2.0}, {{rate}}, {{{1.0}}});
  };
  const auto end = [&](double z0, double rate) {
    return gradient_by(kSymplectic, z0, rate).y[0][0];
  };
  constexpr double kStep = 1e-5;
  const double by_rate = (end(1.0, 2.0 + kStep) - end(1.0, 2.0 - kStep)) / (2.0 * kStep);
  const double by_start = (end(1.0 + kStep, 2.0) - end(1.0 - kStep, 2.0)) / (2.0 * kStep);
  for (const GradientOf& gradient :
       {kSymplectic, backprop("steps"), backprop("residuals"), backprop("auto"), kEveryThird}) {
    const Gradients g = gradient_by(gradient, 1.0, 2.0);
    EXPECT_NEAR(g.constants[0][0], by_rate, 1e-9) << name_of(gradient);
    EXPECT_NEAR(g.initial[0][0], by_start, 1e-9) << name_of(gradient);
  }
}

Method leapfrog(double step) {
  Method method = {.solver = "", .controller = "constant", .options = given_step(step)};
  method.given = std::make_shared<InvertibleLeapfrog>();
  return method;
}

TEST(Reversible, IsBackpropUpToTheRoundingOfItsWayBack) {
  for (const Values& times : {Values{0.0, 0.4, 1.0}, Values{1.0, 0.7, -0.1}}) {
    FlowProblem problem;
    problem.times = times;
    const Gradients exact = problem.gradients(backprop("steps"), leapfrog(0.05));
    const Gradients undone = problem.gradients(kReversible, leapfrog(0.05));
    ASSERT_TRUE(undone.backward.ok()) << undone.backward.message();
    EXPECT_LT(largest_difference(exact, undone), 1e-12);
    expect_near(entries(undone), differences(leapfrog(0.05), times), "reversible");
    // Of the tolerance, 1e-5: the way back misses the start by rounding.
    EXPECT_LT(undone.backward.error_ratio, 1e-8);
    EXPECT_GT(undone.backward.error_ratio, 0.0);
  }
}

TEST(Reversible, KeepsAsMuchOfAThousandStepsAsOfTen) {
  const FlowProblem problem;
  const Gradients few = problem.gradients(kReversible, leapfrog(0.1));
  const Gradients many = problem.gradients(kReversible, leapfrog(0.001));
  EXPECT_EQ(few.kept_bytes, many.kept_bytes);
  EXPECT_GT(few.kept_bytes, 0U);
}

// z' = -8 z: each step back multiplies what rounding left; after 40 steps nothing is right.
TEST(Reversible, SaysSoWhereTheWayBackDrifts) {
  const Dynamics decay = dynamics_of(1, [](Tensor, Tensor z, auto) { return -8.0 * z; });
  const Gradients g =
      differentiate(kReversible, decay, leapfrog(0.2), {{1.0}}, {0.0, 12.0}, {}, {{{1.0}}});
  ASSERT_TRUE(g.forward.ok());
  EXPECT_EQ(g.backward.status, Status::drifted);
  EXPECT_FALSE(g.backward.ok());
  EXPECT_GT(g.backward.error_ratio, 1.0);
  EXPECT_THAT(g.backward.message(), HasSubstr("gradient: backprop"));
}

// dz/dt = theta sin(k t) z (conformance.md, section 5) over spans of 1, 4 and 16.
TEST(Backprop, KeepsNoMoreThanItsMemoryHoweverLongTheSpan) {
  const Dynamics swing =
      dynamics_of(1, [](Tensor t, Tensor z, auto c) { return c[0] * sin(3.0 * t) * z; },
                  {{"theta", {1}, DType::f64}});
  const Method method = {"rk4", "constant", given_step(0.01)};
  const GradientOf limited = {"backprop", {{"memory", 1.0 / 1024.0}}};
  for (const double end : {1.0, 4.0, 16.0}) {
    const auto gradients_by = [&](const GradientOf& gradient) {
      return differentiate(gradient, swing, method, {{2.0}}, {0.0, end}, {{0.7}}, {{{1.0}}});
    };
    const Gradients g = gradients_by(limited);
    const Gradients all = gradients_by(backprop("steps"));
    EXPECT_EQ(all.kept_bytes, static_cast<std::size_t>(all.forward.accepted) * 64);
    // 16 records of 64 bytes in 1 KiB, within a tenth.
    EXPECT_LE(g.kept_bytes, 1024U);
    EXPECT_GE(g.kept_bytes, 922U);
    EXPECT_NEAR(g.constants[0][0] / all.constants[0][0], 1.0, 1e-12) << end;
    EXPECT_NEAR(g.constants[0][0] * 0.7 / g.y[0][0], 0.7 * (1.0 - std::cos(3.0 * end)) / 3.0, 1e-7);
    // Of 1,600 steps with 16 records none is taken more than four times again: C(20, 4) > 1,600.
    EXPECT_LT(g.backward.evaluations, (4 + 1) * 4 * g.forward.accepted);
  }
}

TEST(Backprop, TakesNoMoreOfTheDeviceForALongerSpanThanItsMemory) {
  const Dynamics growth = dynamics_of(1, [](Tensor, Tensor z, auto c) { return c[0] * z; },
                                      {{"rate", {1}, DType::f64}});
  const GradientOf limited = {"backprop", {{"memory", 4.0 / 1024.0}}};
  const auto peak = [&](double end) {
    const auto device = std::make_shared<InterpreterDevice>();
    differentiate(limited, growth, {"midpoint", "constant", given_step(0.01)}, {{1.0}}, {0.0, end},
                  {{0.1}}, {{{1.0}}}, 1, device);
    return static_cast<double>(device->peak_bytes);
  };
  const double shortest = peak(1.0);
  EXPECT_NEAR(peak(4.0), shortest, 0.1 * shortest);
  EXPECT_NEAR(peak(16.0), shortest, 0.1 * shortest);
}

TEST(Backprop, KeepsEveryThirdStepAndAFewBetween) {
  const FlowProblem problem;
  const Method method = {"rk4", "constant", given_step(0.02)};
  const Gradients all = problem.gradients(backprop("steps"), method);
  const Gradients third = problem.gradients(kEveryThird, method);
  EXPECT_LT(largest_difference(all, third), 1e-13);
  // Every third beginning, and two of the last segment.
  EXPECT_LE(third.kept_bytes, all.kept_bytes / 3 + 3 * 64);
}

std::string refusal(const GradientOf& gradient, const Solver& solver, const Dynamics& dynamics,
                    const SolveOptions& options = {});

/// Every solver of this build, whatever its kind.
class DiscreteGradientOfSolvers : public ::testing::TestWithParam<std::string> {};

std::vector<std::string> solvers_of_this_build() {
  std::vector<std::string> names;
  const auto folder = std::filesystem::path(std::getenv("ODEUM_PLUGIN_PATH")) / "solver";
  for (const auto& file : std::filesystem::directory_iterator(folder)) {
    if (file.path().extension() == ".so") names.push_back(file.path().stem());
  }
  std::sort(names.begin(), names.end());
  return names;
}
INSTANTIATE_TEST_SUITE_P(Plugins, DiscreteGradientOfSolvers,
                         ::testing::ValuesIn(solvers_of_this_build()),
                         [](const auto& name) { return name.param; });

TEST_P(DiscreteGradientOfSolvers, IsOneByAllMethodsThatDifferentiateTheirSteps) {
  const auto solver = component<Solver>("solver", GetParam());
  if (solver->host_driven()) GTEST_SKIP() << "its steps are not ours";
  if (const std::string reason = solver->refusal(regularized_flow()); !reason.empty()) {
    GTEST_SKIP() << reason;
  }
  const FlowProblem problem;
  const Method method = {GetParam(), "constant", given_step(0.125)};
  const Gradients exact = problem.gradients(backprop("steps"), method);
  ASSERT_TRUE(exact.forward.ok()) << exact.forward.message();
  expect_near(entries(exact), differences(method, problem.times), GetParam());
  for (const GradientOf& gradient : {backprop("auto"), kFrugal, kSymplectic, kReversible}) {
    if (!refusal(gradient, *solver, regularized_flow(), method.options).empty()) continue;
    const Gradients other = problem.gradients(gradient, method);
    ASSERT_TRUE(other.backward.ok()) << other.backward.message();
    EXPECT_LT(largest_difference(exact, other), 1e-11) << name_of(gradient);
  }
}

std::string refusal(const GradientOf& gradient, const Solver& solver, const Dynamics& dynamics,
                    const SolveOptions& options) {
  return component<GradientMethod>("gradient", gradient.plugin, gradient.keys)
      ->refusal(solver, options, dynamics);
}

TEST(DiscreteGradients, RefuseWhatTheyCannotDifferentiateWithTheReason) {
  const Dynamics decay = dynamics_of(1, [](Tensor, Tensor z, auto) { return -z; });
  const auto dopri5 = component<Solver>("solver", "dopri5");
  EXPECT_THAT(refusal(backprop("auto"), HostDriven(), decay), HasSubstr("inside a library"));
  EXPECT_THAT(refusal(kSymplectic, HostDriven(), decay), HasSubstr("tableau"));
  EXPECT_THAT(refusal(kSymplectic, InvertibleLeapfrog(), decay), HasSubstr("tableau"));
  EXPECT_THAT(refusal(kReversible, *dopri5, decay), HasSubstr("not an invertible map"));
  EXPECT_THAT(refusal(backprop("stages"), SolvedEuler(), decay), HasSubstr("stages"));
  EXPECT_EQ(refusal(backprop("auto"), SolvedEuler(), decay), "");
  EXPECT_EQ(refusal(kSymplectic, SolvedEuler(), decay), "");
  EXPECT_EQ(refusal(kReversible, InvertibleLeapfrog(), decay), "");
  for (const char* solver : kExplicit) {
    EXPECT_EQ(refusal(backprop("stages"), *component<Solver>("solver", solver), regularized_flow()),
              "")
        << solver;
  }

  Dynamics with_step_cost = decay;
  with_step_cost.members.push_back(
      {.name = "local_error", .shape = {kRows}, .dtype = DType::f64, .of_steps = true});
  EXPECT_THAT(refusal(kSymplectic, *dopri5, with_step_cost), HasSubstr("'local_error'"));
  SolveOptions per_sample;
  per_sample.step_size = StepSize::per_sample;
  EXPECT_THAT(refusal(backprop("residuals"), *dopri5, decay, per_sample), HasSubstr("per_sample"));
}

TEST(EveryGradientMethod, EstimatesWhatItKeeps) {
  const FlowProblem problem;
  const Method method = {"rk4", "constant", given_step(0.1)};
  for (const GradientOf& gradient :
       {backprop("steps"), backprop("stages"), backprop("residuals"), kFrugal, kSymplectic,
        GradientOf{"adjoint", {}}, GradientOf{"interpolated", {}}, GradientOf{"forward", {}},
        GradientOf{"gauss_legendre", {}}}) {
    const Gradients g = problem.gradients(gradient, method);
    const auto plugin = component<GradientMethod>("gradient", gradient.plugin, gradient.keys);
    const auto solve = plugin->prepare(setting_of(regularized_flow(), method), {true, true, true});
    const auto estimate = solve->estimate_kept_bytes(problem.rows, 2, g.forward.accepted);
    ASSERT_TRUE(estimate.has_value());
    EXPECT_LE(g.kept_bytes, *estimate) << name_of(gradient);
    EXPECT_GE(1.1 * static_cast<double>(g.kept_bytes), 0.9 * static_cast<double>(*estimate))
        << name_of(gradient);
  }
}

}  // namespace
}  // namespace odeum::testing
