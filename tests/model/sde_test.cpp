// SPDX-License-Identifier: Apache-2.0
// Solves of the field sde, a stochastic differential equation with an increment of the Wiener
// process a step: against the textbook's recursions and exact solutions on the same path, and by
// the moments of its law.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "stochastic.hpp"

namespace odeum::model_tests {
namespace {

using testing::HasSubstr;

constexpr double kEnd = 2.0;

/// A model of the field over [0, 2], float64, in steps of one increment each.
std::string model_of(const std::string& field, std::int64_t steps, const std::string& solver,
                     const std::string& before = "") {
  const std::string count = std::to_string(steps);
  return "seed: 3\nprecision: float64\nobjective: likelihood\ndata: moons\nmodel:\n" + before +
         "  - use: ode\n    name: flow\n    span: [0, 2]\n    divergence: {estimator: none}\n" +
         "    field: {use: sde, increments: " + count + ", " + field + "}\n" +
         "    solver: {use: " + solver + ", steps: " + count + "}\n";
}

/// The increments of W of an element of a sample.
Values increments(std::uint64_t sample, std::int64_t element, std::int64_t steps) {
  Values result = draws("flow.field.increments", sample, element, steps);
  for (double& dw : result) dw *= std::sqrt(kEnd / static_cast<double>(steps));
  return result;
}

double sum(const Values& values) {
  double total = 0.0;
  for (const double value : values) total += value;
  return total;
}

constexpr double kRounding = 1e-12;  // of some tens of steps

/// dx = (0.2 t - 0.5 x) dt + (0.6 + 0.15 t + 0.4 x) dW.
const char* const kTimed =
    "drift: {use: linear, matrix: -0.5, slope: 0.2}, "
    "diffusion: {use: linear, matrix: 0.4, bias: 0.6, slope: 0.15}, calculus: ";
double timed(double t, double x, double h, double dw) {
  return (0.2 * t - 0.5 * x) * h + (0.6 + 0.15 * t + 0.4 * x) * dw;
}

/// One step by the method, from the textbook.
double stepped(const std::string& method, double t, double x, double h, double dw) {
  const double k = timed(t, x, h, dw);
  if (method == "euler") return x + k;
  if (method == "midpoint") return x + timed(t + h / 2, x + k / 2, h, dw);
  if (method == "ralston") {
    return x + k / 4 + 3.0 / 4.0 * timed(t + 2.0 / 3.0 * h, x + 2.0 / 3.0 * k, h, dw);
  }
  if (method == "heun") return x + (k + timed(t + h, x + k, h, dw)) / 2;
  const double k2 = timed(t + h / 2, x + k / 2, h, dw);
  const double k3 = timed(t + h / 2, x + k2 / 2, h, dw);
  return x + (k + 2 * k2 + 2 * k3 + timed(t + h, x + k3, h, dw)) / 6;
}

class SdeSteps : public testing::TestWithParam<std::string> {};

TEST_P(SdeSteps, AreTheMethodsOwnWithTheirIncrement) {
  const std::int64_t steps = 24;
  const Values start = {1.0, -0.5, 2.0};
  const std::string calculus = GetParam() == "euler" ? "ito" : "stratonovich";
  const Values end = solved(model_of(kTimed + calculus, steps, GetParam()), {kRows, 1}, start);
  const double h = kEnd / static_cast<double>(steps);
  for (std::size_t i = 0; i < start.size(); ++i) {
    const Values dw = increments(i, 0, steps);
    double x = start[i];
    for (std::size_t n = 0; n < dw.size(); ++n) {
      x = stepped(GetParam(), static_cast<double>(n) * h, x, h, dw[n]);
    }
    EXPECT_NEAR(end[i], x, kRounding * (1.0 + std::abs(x))) << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Methods, SdeSteps,
                         testing::Values("euler", "midpoint", "ralston", "heun", "rk4"),
                         [](const auto& tested) { return tested.param; });

/// The mean distance at the end of paths of dx = 0.3 x dt + 0.8 x dW, from 1, to the exact solution
/// on the same path: x exp((0.3 - 0.8^2 / 2) t + 0.8 W) (Ito), x exp(0.3 t + 0.8 W) (Stratonovich).
double strong_error(const std::string& solver, const std::string& calculus, std::int64_t steps) {
  const std::size_t paths = 1000;
  const Values end =
      solved(model_of("drift: {use: linear, matrix: 0.3}, diffusion: {use: linear, matrix: 0.8}, "
                      "calculus: " +
                          calculus,
                      steps, solver),
             {kRows, 1}, Values(paths, 1.0));
  const double correction = calculus == "ito" ? 0.5 * 0.8 * 0.8 : 0.0;
  double total = 0.0;
  for (std::size_t i = 0; i < paths; ++i) {
    const double w = sum(increments(i, 0, steps));
    total += std::abs(end[i] - std::exp((0.3 - correction) * kEnd + 0.8 * w));
  }
  return total / static_cast<double>(paths);
}

double strong_order(const std::string& solver, const std::string& calculus) {
  return std::log2(strong_error(solver, calculus, 32) / strong_error(solver, calculus, 512)) / 4.0;
}

// Means of 1,000 errors of a heavy-tailed law are known to some 5 %, which over four halvings of
// two of them is 0.03 of an order; the terms of higher order at 32 steps change it by as much.
constexpr double kOrder = 0.1;

TEST(Sde, EulerMaruyamaHasTheStrongOrderOneHalf) {
  EXPECT_NEAR(strong_order("euler", "ito"), 0.5, kOrder);
}

TEST(Sde, MethodsOfOrderTwoHaveTheStrongOrderOneForStratonovichsEquation) {
  for (const char* solver :
       {"heun", "midpoint", "ralston", "'reversible_heun', stochastic: true"}) {
    EXPECT_NEAR(strong_order(solver, "stratonovich"), 1.0, kOrder) << solver;
  }
}

TEST(Sde, HasTheMeanAndVarianceOfAnOrnsteinUhlenbeckProcess) {
  const OrnsteinUhlenbeck process{.mu = 0.2, .theta = 0.5, .sigma = 0.6, .phi = 0.15};
  // 64 steps add some tenths of a standard error by Euler's method, less by Heun's.
  for (const char* solver : {"euler", "heun"}) {
    SCOPED_TRACE(solver);
    const std::string calculus = std::string(solver) == "euler" ? "ito" : "stratonovich";
    const Values end =
        solved(model_of("drift: {use: linear, matrix: -0.5, slope: 0.2}, diffusion: {use: linear, "
                        "matrix: 0, bias: 0.6, slope: 0.15}, calculus: " +
                            calculus,
                        64, solver),
               {kRows, 1}, Values(8000, 1.5));
    expect_moments(end, process.moments(1.5, kEnd));
  }
}

TEST(Sde, HasAnotherNoiseForEachPathOfOneStart) {
  const std::int64_t steps = 8;
  const std::string yaml = model_of(
      "drift: {use: linear, matrix: [0, 0, 0, 0]}, paths: true, calculus: ito, "
      "diffusion: {use: linear, matrix: [0.8, 0, 0, 0.8]}",
      steps, "euler", "  - {use: copies, count: 3}\n");
  const Values start = {1.0, 0.5, 2.0, -1.0};
  const Values end = solved(yaml, {kRows, 2}, start);
  ASSERT_EQ(end.size(), 12U);
  for (std::size_t i = 0; i < end.size(); ++i) {
    double x = start[2 * (i / 6) + i % 2];
    for (const double dw : increments(i / 6, static_cast<std::int64_t>(i % 6), steps)) {
      x += 0.8 * x * dw;
    }
    EXPECT_NEAR(end[i], x, kRounding * (1.0 + std::abs(x))) << i;
  }
}

TEST(Sde, ComesBackAlongItsPath) {
  const std::string yaml = model_of(
      "drift: {use: linear, matrix: 0.3}, diffusion: {use: linear, matrix: 0.8}, calculus: "
      "stratonovich",
      512, "heun");
  const Values start = {1.0, -0.5, 2.0, 0.3};
  RecordedChain recorded(yaml);
  const Values back = recorded
                          .run(
                              [&](model::Recorder& recorder, Tensor z) {
                                const auto chain = recorded.chain({kRows, 1});
                                const Tensor end =
                                    chain->forward(recorder, z, model::Use::evaluation, 1).value;
                                return std::vector<Tensor>{chain->inverse(recorder, end)};
                              },
                              {kRows, 1}, start)
                          .front();
  // Both ways err by the strong order, h = 0.004; with another noise on the way back by 1.
  for (std::size_t i = 0; i < start.size(); ++i) EXPECT_NEAR(back[i], start[i], 0.02) << i;
}

const char* const kNets = R"(
seed: 11
precision: float64
objective: likelihood
data: moons
model:
  - use: ode
    name: flow
    span: [0, 2]
    field:
      use: sde
      drift: {use: mlp, hidden: [6]}
      diffusion: {use: mlp, hidden: [5], activation: softplus}
      calculus: stratonovich
      increments: 20
    solver: {use: heun, step: 0.1}
    gradient: backprop
    divergence: {estimator: exact}
)";
const char* const kPaths = R"(
seed: 11
precision: float64
objective: sde_moments
data: {use: ornstein_uhlenbeck, count: 3, paths: 4, end: 2, batch: 5}
bind: [x:start, y:paths]
model:
  - {use: copies, count: 6}
  - use: ode
    name: sde
    span: [0, 2]
    times: {count: 3}
    field:
      use: sde
      drift: {use: mlp, hidden: [6]}
      diffusion: {use: mlp, hidden: [], time: concat}
      calculus: ito
      increments: 30
      paths: true
    solver: {use: euler, step: 0.066666666667}
    divergence: {estimator: none}
)";

// Of differences of a loss that is known to 1e-15 over 1e-4.
constexpr double kStep = 1e-4;
constexpr double kDifferences = 1e-8;

TEST(Sde, HasTheGradientsOfItsStepsOnAFixedPath) {
  const auto batch = rows_of(normal(8, 2), 2);
  for (const char* keep : {"residuals", "stages", "steps"}) {
    Assembled model(kNets, {std::string("flow.gradient={use: backprop, keep: ") + keep + "}"});
    checked_gradient(model, batch, kStep, kDifferences);
  }
  for (const char* gradient : {"backprop", "reversible"}) {
    Assembled model(kNets, {"flow.solver={use: reversible_heun, stochastic: true, step: 0.1}",
                            std::string("flow.gradient=") + gradient});
    checked_gradient(model, batch, kStep, kDifferences);
  }
  Assembled paths(kPaths);
  checked_gradient(paths, read(paths.pipeline, 5), kStep, kDifferences);
}

TEST(Sde, MovesWithALearnedSpan) {
  Assembled model(kNets, {"flow.learn_span=true", "flow.solver={use: heun, steps: 20}"});
  checked_gradient(model, rows_of(normal(8, 2), 2), kStep, kDifferences);
}

TEST(Sde, DrawsNoiseAnewForEveryStepAndEveryEvaluation) {
  Assembled model(kNets);
  expect_noise_anew(model);
}

TEST(Sde, GivesTheSameBitsForAnyNumberOfThreads) { expect_same_bits(kNets); }

TEST(Sde, IsTrainedByWavesAndEvaluatedByIncrements) {
  // The same parameters under the same names, so one model has both.
  const std::string nets = "drift: {use: mlp, hidden: [6]}, diffusion: {use: mlp, hidden: [5]}";
  Assembled model(
      kNets, {"flow.field={use: wong_zakai, " + nets + ", terms: 4, evaluate: {use: sde, " + nets +
                  ", calculus: stratonovich, increments: 20}}",
              "flow.solver={use: dopri5, evaluate: {use: heun, step: 0.1}}"});
  Assembled alone(kNets,
                  {"flow.field={use: sde, " + nets + ", calculus: stratonovich, increments: 20}"});
  EXPECT_EQ(model.parameters, alone.parameters);
  const auto batch = rows_of(normal(8, 2), 2);
  EXPECT_EQ(model.nll(batch), alone.nll(batch));
}

TEST(Sde, IsNotEvaluatedWithPartsThatWereNotTrained) {
  EXPECT_THAT(refusal(kNets, {"flow.field.evaluate={drift: {use: mlp, hidden: [7]}}"}),
              HasSubstr("which training does not learn"));
}

struct Refused {
  std::vector<std::string> sets;
  std::string reason;
};

TEST(Sde, RefusesWhatDoesNotFitItsIncrementsWithTheReason) {
  const std::vector<Refused> all = {
      {{"flow.solver={use: heun, step: 0.05}"}, "20 increments, one a step: step: 0.1"},
      {{"flow.solver={use: heun, steps: 10}"}, "steps: 20"},
      {{"flow.solver={use: dopri5}"}, "takes its last rate for the next step's first"},
      {{"flow.solver={use: reversible_heun, stochastic: true}"}, "no details for shorter steps"},
      {{"flow.solver={use: euler, step: 0.1}"}, "tend to the solution of Ito's equation"},
      {{"flow.solver={use: heun, step: 0.1}", "flow.field.calculus=ito"}, "use euler"},
      {{"flow.solver={use: implicit_midpoint, step: 0.1}"}, "is implicit"},
      {{"flow.solver={use: leapfrog, step: 0.1}"}, "rates of several steps"},
      {{"flow.solver={use: reversible_heun, step: 0.1}"}, "hands rates from step to step"},
      {{"flow.solver.step_times=[0.25]"}, "0.25 lies inside a piece"},
      {{"flow.solver.jump_times=[0.3]"}, "remove it"},
      {{"flow.gradient=adjoint"}, "an equation of its own"},
      {{"flow.gradient=gauss_legendre"}, "an equation of its own"},
      {{"flow.learn_span=true"}, "give steps: 20"},
      {{"precision=float32", "flow.span=[1000, 1002]", "flow.field.increments=200",
        "flow.solver={use: heun, step: 0.01}"},
       "not told apart at t = 1002 in float32"},
      {{"flow.field.calculus=ito", "flow.solver.use=euler"}, "second-order term"},
      {{"flow.field.drift={use: sde, calculus: ito, increments: 3}"}, "belongs to the whole"},
  };
  for (const Refused& one : all) {
    EXPECT_THAT(refusal(kNets, one.sets), HasSubstr(one.reason)) << one.sets.front();
  }
  EXPECT_THAT(refusal(kPaths, {"sde.times={count: 7}"}), HasSubstr("inside a piece of the path"));
  EXPECT_THAT(refusal(kPaths, {"sde.solver={use: euler, steps: 10}"}), HasSubstr("step: 0.0666"));
}

}  // namespace
}  // namespace odeum::model_tests
