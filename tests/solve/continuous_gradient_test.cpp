// SPDX-License-Identifier: Apache-2.0
// Gradient methods that differentiate the equation, not the steps: with every solver, on a problem
// with parameters, inputs by row, a log-density, a running cost and several times.
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

#include "flow_problem.hpp"
#include "solvers.hpp"

namespace odeum::testing {
namespace {

GradientOf with_defaults(const char* name) { return {name, {}}; }

double relative_difference(const Values& a, const Values& truth) {
  double error = 0.0, size = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    error += (a[i] - truth[i]) * (a[i] - truth[i]);
    size += truth[i] * truth[i];
  }
  return size == 0.0 ? std::sqrt(error) : std::sqrt(error / size);
}

/// The largest relative difference by initial state, parameters, inputs and times.
double relative_difference(const Gradients& a, const Gradients& truth) {
  double largest = relative_difference(a.times, truth.times);
  for (std::size_t m = 0; m < a.initial.size(); ++m) {
    largest = std::max(largest, relative_difference(a.initial[m], truth.initial[m]));
  }
  for (std::size_t c = 0; c < a.constants.size(); ++c) {
    largest = std::max(largest, relative_difference(a.constants[c], truth.constants[c]));
  }
  return largest;
}

/// The derivative of the solution itself: its own error, seen in gradient_test.cpp against central
/// differences, is below 1e-8.
Gradients exact(const FlowProblem& problem) {
  return problem.gradients(backprop("steps"), {"dopri5", "integral", tolerances(1e-11, 1e-11)});
}

/// A solver with what its solution at a step of 0.02 may be wrong by.
struct Coarse {
  const char* solver;
  double tolerance;
};

class ContinuousGradient : public ::testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Methods, ContinuousGradient,
                         ::testing::Values("gauss_legendre", "interpolated", "forward"),
                         [](const auto& method) { return method.param; });

TEST_P(ContinuousGradient, ConvergesWithEveryExplicitSolver) {
  const FlowProblem problem;
  const Gradients truth = exact(problem);
  // Order 1: h = 0.02 times a constant of some units; order 2: h^2. Methods without dense output of
  // their own interpolate by a parabola, of order 2 as well, or by a cubic.
  constexpr double kOrder1 = 1e-1, kOrder2 = 2e-3, kOrder3 = 2e-5, kOrder4 = 1e-7;
  for (const Coarse& one :
       {Coarse{"euler", kOrder1}, Coarse{"semi_implicit_euler", kOrder1},
        Coarse{"midpoint", kOrder2}, Coarse{"heun", kOrder2}, Coarse{"ralston", kOrder2},
        Coarse{"adaptive_heun", kOrder2}, Coarse{"leapfrog", kOrder2},
        Coarse{"reversible_heun", kOrder2}, Coarse{"heun3", kOrder2}, Coarse{"fehlberg32", kOrder2},
        Coarse{"rk4", kOrder2}, Coarse{"kutta38", kOrder2}, Coarse{"fehlberg45", kOrder2},
        Coarse{"cash_karp", kOrder2}, Coarse{"bosh3", kOrder3}, Coarse{"dopri5", kOrder4},
        Coarse{"tsit5", kOrder4}, Coarse{"dopri8", kOrder4}, Coarse{"vern7", kOrder4}}) {
    const Gradients g =
        problem.gradients(with_defaults(GetParam()), {one.solver, "constant", given_step(0.02)});
    ASSERT_TRUE(g.forward.ok() && g.backward.ok()) << one.solver;
    EXPECT_LT(relative_difference(g, truth), one.tolerance) << one.solver;
  }
}

TEST_P(ContinuousGradient, FollowsTheToleranceOfEveryAdaptiveSolver) {
  const FlowProblem problem;
  const Gradients truth = exact(problem);
  for (const char* solver : {"heun", "bosh3", "fehlberg45", "cash_karp", "dopri5", "tsit5",
                             "dopri8", "vern7", "adams_bashforth", "adams_moulton"}) {
    for (const double tolerance : {1e-4, 1e-6}) {
      const Method method = {solver, "integral", tolerances(tolerance, tolerance)};
      const Gradients g = problem.gradients(with_defaults(GetParam()), method);
      EXPECT_LT(relative_difference(g, truth), 100.0 * tolerance) << solver << " " << tolerance;
    }
  }
}

// A hundred times rtol for rosenbrock23, of order 2; cvode's multistep errors add up as much at
// 1e-8.
TEST_P(ContinuousGradient, FollowsTheToleranceOfLinearlyImplicitStepsAndOfALibrary) {
  const FlowProblem problem;
  const Gradients truth = exact(problem);
  const Method rosenbrock = {"rosenbrock23", "integral", tolerances(1e-6, 1e-6)};
  EXPECT_LT(relative_difference(problem.gradients(with_defaults(GetParam()), rosenbrock), truth),
            1e-4);
  const std::string library = std::string(std::getenv("ODEUM_PLUGIN_PATH")) + "/solver/cvode.so";
  if (GetParam() == std::string("interpolated") || !std::filesystem::exists(library)) return;
  GradientOf gradient = with_defaults(GetParam());
  if (gradient.plugin == "gauss_legendre") gradient.keys["nodes"] = std::string("adaptive");
  const Method cvode = {"cvode", "integral", tolerances(1e-8, 1e-8)};
  const Gradients g = problem.gradients(gradient, cvode);
  ASSERT_TRUE(g.forward.ok() && g.backward.ok()) << g.backward.message();
  EXPECT_LT(relative_difference(g, truth), 1e-4);
}

TEST_P(ContinuousGradient, RunsBackInTimeWithEveryKindOfStep) {
  FlowProblem problem;
  problem.times = {1.0, 0.7, 0.0};
  const Gradients truth = exact(problem);
  Method equal_steps = {"dopri5", "constant", {}};
  equal_steps.options.steps = 20;
  EXPECT_LT(relative_difference(problem.gradients(with_defaults(GetParam()), equal_steps), truth),
            1e-6);
  const Method adaptive = {"tsit5", "pid", tolerances(1e-8, 1e-8)};
  EXPECT_LT(relative_difference(problem.gradients(with_defaults(GetParam()), adaptive), truth),
            1e-6);
}

TEST_P(ContinuousGradient, GivesOnlyWhatIsAskedFor) {
  const FlowProblem p;
  const auto plugin = component<GradientMethod>("gradient", GetParam());
  const Method method = {"dopri5", "integral", tolerances(1e-6, 1e-6)};
  const auto device = test_device();
  const auto solve = plugin->prepare(setting_of(regularized_flow(), method), {false, true, false});
  std::vector<OnDevice> storage;
  storage.reserve(100);
  const auto put = [&](const Values& values) {
    storage.emplace_back(*device, values);
    return storage.back().view();
  };
  std::vector<View> initial, constants, results, seeds;
  for (const Values& v : p.initial) initial.push_back(put(v));
  for (const Values& v : p.constants) constants.push_back(put(v));
  for (const auto& by_member : p.cotangents) {
    for (const Values& v : by_member) {
      seeds.push_back(put(v));
      results.push_back(put(v));
    }
  }
  seeds[1] = seeds[3] = View{};  // no cotangent: zero
  const SolveCall call{.rows = p.rows,
                       .times = p.times,
                       .initial = initial,
                       .constants = constants,
                       .results = results,
                       .observer = {}};
  ASSERT_TRUE(solve->forward(call).ok());
  storage.emplace_back(*device, Values(6, 1.0));
  const OnDevice& of_context = storage.back();
  const std::vector<View> targets = {View{}, of_context.view(), View{}};
  ASSERT_TRUE(solve->backward(call, seeds, {{}, targets, {}}).ok());

  FlowProblem same = p;
  same.cotangents[0][1] = Values(3, 0.0);
  same.cotangents[1][0] = Values(6, 0.0);
  const Values truth = exact(same).constants[1];
  const Values found = of_context.values();
  for (std::size_t i = 0; i < 6; ++i) {
    EXPECT_NEAR(found[i] - 1.0, truth[i], 1e-4) << "added to what is there";
  }
}

/// z' = theta sin(3 t) z in single precision, two rows, each with theta of its own and a shared
/// one.
TEST_P(ContinuousGradient, HoldsInSinglePrecision) {
  Dynamics swing =
      dynamics_of(1,
                  [](Tensor t, Tensor z, auto c) {
                    return c[0] * c[1] * cast(sin(3.0 * time_column(t)), DType::f32) * z;
                  },
                  {{"shared", {1}, DType::f32}, {"own", {kRows, 1}, DType::f32}});
  swing.members[0].dtype = DType::f32;
  const auto device = test_device();
  const auto memory = device->allocate(1024);
  const auto put = [&](std::size_t slot, std::vector<float> values) {
    const View view{memory.get(), slot * 64};
    device->upload(view, values.data(), values.size() * sizeof(float));
    return view;
  };
  const auto read = [&](View view) {
    std::vector<float> values(2);
    device->download(values.data(), view, 2 * sizeof(float));
    return values;
  };
  const View initial = put(0, {2.0F, -1.0F});
  const std::vector<View> constants = {put(1, {0.7F}), put(2, {1.0F, 0.5F})};
  const View result = put(3, {0.0F, 0.0F});
  const View seed = put(4, {1.0F, 1.0F});
  const View of_initial = put(5, {0.0F, 0.0F});
  const std::vector<View> targets = {put(6, {0.0F, 0.0F}), put(7, {0.0F, 0.0F})};
  const Values times = {0.0, 2.0};
  const SolveCall call{.rows = 2,
                       .times = times,
                       .initial = std::span(&initial, 1),
                       .constants = constants,
                       .results = std::span(&result, 1),
                       .observer = {}};
  const auto plugin = component<GradientMethod>("gradient", GetParam());
  const auto solve = plugin->prepare(
      setting_of(swing, {"dopri5", "integral", tolerances(1e-5, 1e-5)}), {true, true});
  ASSERT_TRUE(solve->forward(call).ok());
  ASSERT_TRUE(
      solve->backward(call, std::span(&seed, 1), {std::span(&of_initial, 1), targets, {}}).ok());

  const double area = (1.0 - std::cos(6.0)) / 3.0;
  const double end[] = {2.0 * std::exp(0.7 * area), -std::exp(0.35 * area)};
  constexpr double kTolerance = 2e-4;  // rtol 1e-5 on values up to 2.1, some ten steps
  EXPECT_NEAR(read(of_initial)[0], end[0] / 2.0, kTolerance);
  EXPECT_NEAR(read(of_initial)[1], -end[1], kTolerance);
  EXPECT_NEAR(read(targets[0])[0], area * (end[0] + 0.5 * end[1]), kTolerance);
  EXPECT_NEAR(read(targets[1])[0], 0.7 * area * end[0], kTolerance);
  EXPECT_NEAR(read(targets[1])[1], 0.7 * area * end[1], kTolerance);
}

// x' = -40 (x - cos t) forgets where it began, so an error in x grows by e^40 on the way back;
// y' = theta x^2 remembers all of x: dy/dtheta is the integral of x^2.
TEST(Interpolated, DifferentiatesAContractionThatTheAdjointCannotRetrace) {
  const Dynamics field =
      dynamics_of(2,
                  [](Tensor t, Tensor z, auto c) {
                    const auto [x, y] = split<1, 1>(z);
                    return concat({-40.0 * (x - cos(time_column(t))), c[0] * x * x + 0.0 * y});
                  },
                  {{"theta", {1}, DType::f64}});
  const auto run = [&](const GradientOf& g, double tolerance) {
    return differentiate(g, field, {"dopri5", "integral", tolerances(tolerance, tolerance)},
                         {{0.0, 0.0}}, {0.0, 1.0}, {{1.3}}, {{{0.0, 1.0}}});
  };
  const double truth = run(backprop("steps"), 1e-12).constants[0][0];
  EXPECT_NEAR(run(with_defaults("interpolated"), 1e-6).constants[0][0], truth, 1e-5);
  const Gradients retraced = run(with_defaults("adjoint"), 1e-6);
  EXPECT_TRUE(!retraced.backward.ok() || std::abs(retraced.constants[0][0] - truth) > 1e-1);
}

TEST(Interpolated, CostsOneStartAndAStepForEachForwardStep) {
  const FlowProblem problem;
  const Gradients g = problem.gradients(with_defaults("interpolated"),
                                        {"dopri5", "integral", tolerances(1e-6, 1e-6)});
  EXPECT_GE(g.backward.accepted, g.forward.accepted);
  const std::int64_t attempts = g.backward.accepted + g.backward.rejected;
  EXPECT_EQ(g.backward.evaluations, g.forward.accepted + 6 * attempts + 3);
  // z and four powers of its dense output, [3, 2] in float64 each in 64 bytes; z at two times.
  EXPECT_EQ(g.kept_bytes, static_cast<std::size_t>(g.forward.accepted * 5 * 64 + 2 * 64));
}

TEST(Forward, TakesTheStepsOfAPlainSolveWhereTangentsDoNotCount) {
  const FlowProblem problem;
  const Method method = {"dopri5", "integral", tolerances(1e-6, 1e-6)};
  const Gradients plain = problem.gradients(backprop("steps"), method);
  const Gradients same = problem.gradients({"forward", {{"norm", std::string("state")}}}, method);
  const Gradients careful = problem.gradients(with_defaults("forward"), method);
  EXPECT_EQ(same.forward.evaluations, plain.forward.evaluations);
  EXPECT_GE(careful.forward.accepted, plain.forward.accepted);
  EXPECT_EQ(careful.backward.evaluations, 3) << "one for each time";
}

// With its steps the sensitivity solve is the derivative of the plain one: a Runge-Kutta method
// applied to the sensitivity equation is the derivative of the method's own steps.
TEST(Forward, IsTheDerivativeOfTheStepsTakenWhereStepsAreGiven) {
  const FlowProblem problem;
  Method method = {"rk4", "constant", {}};
  method.options.steps = 3;
  const Gradients discrete = problem.gradients(backprop("steps"), method);
  const Gradients carried = problem.gradients(with_defaults("forward"), method);
  for (std::size_t i = 0; i < kParameters; ++i) {
    EXPECT_NEAR(carried.constants[0][i], discrete.constants[0][i], 1e-13);
  }
}

TEST(Forward, RefusesMoreDerivativesThanItsLimit) {
  const Dynamics flow = regularized_flow();
  const auto plugin =
      component<GradientMethod>("gradient", "forward", {{"limit", std::int64_t{10}}});
  EXPECT_EQ(plugin->refusal(*component<Solver>("solver", "dopri5"), {}, flow), "");
  const Method method = {"dopri5", "integral", tolerances(1e-6, 1e-6)};
  EXPECT_THROW(plugin->prepare(setting_of(flow, method), {true, true, true}), ConfigError);
  EXPECT_NE(plugin->prepare(setting_of(flow, method), {false, true, true}), nullptr)
      << "2 of the state, 2 of the context, 3 unused";
  const auto least = component<GradientMethod>("gradient", "forward", {{"limit", std::int64_t{1}}});
  EXPECT_NE(least->refusal(*component<Solver>("solver", "dopri5"), {}, flow), "");
}

TEST(Validation, RefusesMethodsThatNeedStepsForSolversThatKeepTheirs) {
  const Dynamics flow = regularized_flow();
  const auto refused = [&](const GradientOf& g, const SolveOptions& options, const Solver& solver) {
    return component<GradientMethod>("gradient", g.plugin, g.keys)->refusal(solver, options, flow);
  };
  const GradientOf adaptive = {"gauss_legendre", {{"nodes", std::string("adaptive")}}};
  EXPECT_NE(refused(with_defaults("interpolated"), {}, HostDriven()), "");
  EXPECT_NE(refused(with_defaults("gauss_legendre"), {}, HostDriven()), "");
  EXPECT_EQ(refused(adaptive, {}, HostDriven()), "");
  EXPECT_EQ(refused(with_defaults("forward"), {}, HostDriven()), "");
  SolveOptions by_sample;
  by_sample.step_size = StepSize::per_sample;
  const auto dopri5 = component<Solver>("solver", "dopri5");
  EXPECT_NE(refused(with_defaults("interpolated"), by_sample, *dopri5), "");
  EXPECT_NE(refused(with_defaults("gauss_legendre"), by_sample, *dopri5), "");
}

TEST(Forward, RefusesSamplesThatMix) {
  const Dynamics mixing = dynamics_of(1, [](Tensor, Tensor z, auto) { return z - mean_rows(z); });
  const auto plugin = component<GradientMethod>("gradient", "forward");
  EXPECT_NE(plugin->refusal(*component<Solver>("solver", "dopri5"), {}, mixing), "");
}

}  // namespace
}  // namespace odeum::testing
