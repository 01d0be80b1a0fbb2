// SPDX-License-Identifier: Apache-2.0
// Solves of the field wong_zakai, a stochastic differential equation driven by the first K terms of
// the Wiener process' Karhunen-Loeve expansion: pathwise where the path has a closed form, and by
// the moments of its law.
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "stochastic.hpp"

namespace odeum::model_tests {
namespace {

constexpr double kEnd = 2.0;

/// A model of the field over [0, 2], float64.
std::string model_of(const std::string& field, const std::string& solver,
                     const std::string& before = "") {
  return "seed: 3\nprecision: float64\nobjective: likelihood\ndata: moons\nmodel:\n" + before +
         "  - use: ode\n    name: flow\n    span: [0, 2]\n    divergence: {estimator: none}\n" +
         "    field: {use: wong_zakai, " + field + "}\n    solver: " + solver + "\n";
}

double frequency(std::int64_t k) {
  return (static_cast<double>(k) - 0.5) * std::numbers::pi / kEnd;
}

/// W_K at the end of the span for a sample's noise, of the element so manieth.
double expansion_at_end(std::uint64_t sample, std::int64_t element, std::int64_t terms) {
  double w = 0.0;
  std::int64_t k = 0;
  for (const double xi : draws("flow.field.xi", sample, element, terms)) {
    ++k;
    w += xi * std::sqrt(2.0 / kEnd) * std::sin(frequency(k) * kEnd) / frequency(k);
  }
  return w;
}

// The solver's error at rtol 1e-10 over some hundred steps of a path that grows by some e^2.
constexpr double kPath = 1e-7;
const char* const kTight = "{use: dopri5, rtol: 1e-10, atol: 1e-12}";
const char* const kGeometric =
    "drift: {use: linear, matrix: 0.3}, diffusion: {use: linear, matrix: 0.8}, terms: 12";

TEST(WongZakai, IsGeometricBrownianMotionOfALinearEquationPathByPath) {
  // dx = a x dt + b x o dW has the solution x0 exp(a t + b W(t)), for the expansion as for W.
  const Values start = {1.0, -0.5, 2.0, 0.1, 3.0};
  const std::string shared = model_of(kGeometric, kTight);
  const std::string alone =
      model_of(kGeometric, "{use: dopri5, rtol: 1e-10, atol: 1e-12, step_size: per_sample}");
  for (const std::string& yaml : {shared, alone}) {
    const Values end = solved(yaml, {kRows, 1}, start);
    for (std::size_t i = 0; i < start.size(); ++i) {
      const double truth = start[i] * std::exp(0.3 * kEnd + 0.8 * expansion_at_end(i, 0, 12));
      EXPECT_NEAR(end[i], truth, kPath * (1.0 + std::abs(truth))) << i;
    }
  }
}

TEST(WongZakai, HasAnotherNoiseForEachPathOfOneStart) {
  const std::string yaml =
      model_of(std::string(kGeometric) + ", paths: true", kTight, "  - {use: copies, count: 3}\n");
  const Values start = {1.0, 0.5, 2.0, -1.0};
  const Values end = solved(
      yaml, {kRows, 2}, start,
      {"flow.field.drift.matrix=[0.3, 0, 0, 0.3]", "flow.field.diffusion.matrix=[0.8, 0, 0, 0.8]"});
  ASSERT_EQ(end.size(), 12U);
  for (std::size_t i = 0; i < end.size(); ++i) {
    const std::size_t row = i / 6;
    const double w = expansion_at_end(row, static_cast<std::int64_t>(i % 6), 12);
    const double truth = start[2 * row + i % 2] * std::exp(0.3 * kEnd + 0.8 * w);
    EXPECT_NEAR(end[i], truth, kPath * (1.0 + std::abs(truth))) << i;
  }
}

TEST(WongZakai, HasTheVarianceOfItsTermsAndWithManyTermsThatOfTheWienerProcess) {
  const std::string wiener =
      "drift: {use: linear, matrix: 0}, diffusion: {use: linear, matrix: 0, bias: 1}, terms: ";
  const std::size_t n = 8000;
  const std::string solver = "{use: dopri5, rtol: 1e-4, atol: 1e-4}";
  for (const std::int64_t terms : {1, 3, 60}) {
    Moments truth;
    for (std::int64_t k = 1; k <= terms; ++k) {
      truth.variance += 2.0 / kEnd / std::pow(frequency(k), 2);  // sin^2 is 1 at the end
    }
    const Values end =
        solved(model_of(wiener + std::to_string(terms), solver), {kRows, 1}, Values(n, 0.0));
    expect_moments(end, truth);
    // What is left out of W's variance T is about T 2/(pi^2 K), 0.3 % of it with 60 terms.
    if (terms == 60) {
      EXPECT_NEAR(truth.variance, kEnd, 0.004 * kEnd);
    }
  }
}

TEST(WongZakai, IsAnOrnsteinUhlenbeckProcessOfItsDriftAndDiffusion) {
  const std::string field =
      "drift: {use: linear, matrix: -0.5, slope: 0.2}, diffusion: {use: linear, matrix: 0, bias: "
      "0.6, slope: 0.15}, terms: 60";
  const Values end = solved(model_of(field, "{use: dopri5, rtol: 1e-4, atol: 1e-4}"), {kRows, 1},
                            Values(8000, 1.5));
  const OrnsteinUhlenbeck process{.mu = 0.2, .theta = 0.5, .sigma = 0.6, .phi = 0.15};
  expect_moments(end, process.moments(1.5, kEnd));
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
      use: wong_zakai
      drift: {use: mlp, hidden: [6]}
      diffusion: {use: mlp, hidden: [5], activation: softplus}
      terms: 4
    solver: {use: dopri5, rtol: 1e-10, atol: 1e-10}
    gradient: backprop
    divergence: {estimator: exact}
)";

double distance(const Values& a, const Values& b) {
  double sum = 0.0;
  double length = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    sum += std::pow(a[i] - b[i], 2);
    length += std::pow(b[i], 2);
  }
  return std::sqrt(sum / length);
}

TEST(WongZakai, HasTheSameNoiseInTheGradientsOfAllMethods) {
  const auto batch = rows_of(normal(8, 2), 2);
  Assembled model(kNets);
  // The error of differences whose step is 1e-3, and the change of the steps with the parameters.
  const Values exact = checked_gradient(model, batch, 1e-3, 1e-6);
  for (const char* method :
       {"adjoint", "gauss_legendre", "{use: gauss_legendre, nodes: adaptive}", "interpolated"}) {
    Assembled other(kNets, {std::string("flow.gradient=") + method});
    // Some hundred times the tolerance of the solves.
    EXPECT_LT(distance(other.train_step(batch, 3).gradient, exact), 1e-7) << method;
  }
}

TEST(WongZakai, MovesWithALearnedSpan) {
  const auto batch = rows_of(normal(8, 2), 2);
  for (const char* method : {"backprop", "adjoint"}) {
    Assembled model(kNets, {"flow.learn_span=true", std::string("flow.gradient=") + method});
    const Values gradient = model.train_step(batch, 3).gradient;
    bool found = false;
    for (const model::Entry& entry : model.pipeline.parameters().entries) {
      if (entry.name != "flow.span_root") continue;
      found = true;
      Values direction(gradient.size(), 0.0);
      direction[static_cast<std::size_t>(entry.offset)] = 1.0;
      const double slope = gradient[static_cast<std::size_t>(entry.offset)];
      EXPECT_NEAR(slope, differenced(model, batch, direction, 1e-3),
                  1e-6 * (1.0 + std::abs(slope)));
    }
    EXPECT_TRUE(found);
  }
}

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
      use: wong_zakai
      drift: {use: mlp, hidden: [6]}
      diffusion: {use: mlp, hidden: [], time: concat}
      terms: 4
      paths: true
    solver: {use: dopri5, rtol: 1e-10, atol: 1e-10}
    gradient: backprop
    divergence: {estimator: none}
)";

TEST(WongZakai, LearnsFromSeveralPathsAtSeveralTimesByEveryMethod) {
  Assembled model(kPaths);
  const auto batch = read(model.pipeline, 5);
  // Differences with a step of 1e-4 of a loss in which deviations near zero are divided by.
  const Values exact = checked_gradient(model, batch, 1e-4, 1e-6);
  for (const char* method : {"adjoint", "gauss_legendre", "interpolated"}) {
    Assembled other(kPaths, {std::string("sde.gradient=") + method});
    EXPECT_LT(distance(other.train_step(batch, 3).gradient, exact), 1e-7) << method;
  }
}

TEST(WongZakai, DrawsNoiseAnewForEveryStepAndEveryEvaluation) {
  Assembled model(kNets);
  expect_noise_anew(model);
}

TEST(WongZakai, GivesTheSameBitsForAnyNumberOfThreads) {
  expect_same_bits(kNets, {"flow.solver.rtol=1e-4", "flow.solver.atol=1e-4"});
}

}  // namespace
}  // namespace odeum::model_tests
