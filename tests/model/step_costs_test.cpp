// SPDX-License-Identifier: Apache-2.0
// Regularizers in a training step on the linear field x' = a x (d = 2, a scalar or a matrix), whose
// costs have closed forms or follow from the solver's tableau by hand.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "pipeline_of.hpp"

namespace odeum::model_tests {
namespace {

using testing::AllOf;
using testing::HasSubstr;

// A few units of float64, times the sums of a solve.
constexpr double kRounding = 1e-12;
// Solves at 1e-10: their error, times constants of the costs.
constexpr double kTight = 1e-8;

constexpr double kA = 0.7;
const Values kData = {1.0, -2.0, 0.5, 3.0};  // two samples
/// The mean over the samples of |x|^2 / D.
constexpr double kMeanSquare = ((1.0 + 4.0) / 2.0 + (0.25 + 9.0) / 2.0) / 2.0;

std::string flow(const std::string& regularizers, const std::string& solver,
                 const std::string& matrix = "[0.7, 0, 0, 0.7]") {
  return "seed: 5\nprecision: float64\nobjective: likelihood\ndata: moons\nmodel:\n"
         "  - use: ode\n    name: flow\n    field: {use: linear, learn: true, matrix: " +
         matrix + "}\n    divergence: {estimator: exact}\n    solver: " + solver +
         "\n    regularizers: [" + regularizers + "]\n";
}

const char* const kAccurate = "{use: dopri5, rtol: 1e-10, atol: 1e-12}";

double cost(const std::string& yaml, const std::string& name) {
  Assembled model(yaml);
  return model.train_step(rows_of(kData, 2)).result.costs.at("flow." + name);
}

/// The integral of |x(t)|^2 / D over [0, 1] for x' = a x, meaned over samples.
double integral_of_square() { return kMeanSquare * (std::exp(2.0 * kA) - 1.0) / (2.0 * kA); }

TEST(Taynode, IsTheIntegralOfTheSquaredDerivative) {
  // x^(k) = a^k x.
  for (const int k : {1, 2, 3, 5}) {
    const std::string name = "{use: taynode, order: " + std::to_string(k) + "}";
    EXPECT_NEAR(cost(flow(name, kAccurate), "taynode"), std::pow(kA, 2 * k) * integral_of_square(),
                kTight)
        << k;
  }
}

TEST(Taynode, KnowsTheFieldsOwnTime) {
  // For order 2 it is |df/dt + J f|^2 / D, twice total_derivative's.
  const std::string yaml =
      "seed: 5\nprecision: float64\nobjective: likelihood\ndata: moons\nmodel:\n"
      "  - use: ode\n    name: flow\n    field: {use: mlp, hidden: [6], activation: tanh, time: "
      "concat}\n    solver: {use: rk4, steps: 4}\n    regularizers: [{use: taynode, order: 2}, "
      "total_derivative, directional]\n";
  Assembled model(yaml);
  const auto costs = model.train_step(rows_of(kData, 2)).result.costs;
  EXPECT_NEAR(costs.at("flow.taynode"), 2.0 * costs.at("flow.total_derivative"), kRounding);
  EXPECT_GT(std::abs(costs.at("flow.total_derivative") - costs.at("flow.directional")), 1e-4);
}

TEST(Directional, IsTheSquaredDerivativeAlongTheFlow) {
  // J f = A^2 x and J^T f = A^T A x: for A = (0 1; 0 0), A^2 = 0 and A^T A x = (0, x_2), with
  // x_2 constant.
  const std::string nilpotent = "[0, 1, 0, 0]";
  const double second = 0.5 * (4.0 + 9.0) / 2.0 / 2.0;
  EXPECT_NEAR(cost(flow("directional", kAccurate, nilpotent), "directional"), 0.0, kRounding);
  EXPECT_NEAR(cost(flow("{use: directional, product: vjp}", kAccurate, nilpotent), "directional"),
              second, kTight);
  EXPECT_NEAR(cost(flow("directional", kAccurate), "directional"),
              0.5 * std::pow(kA, 4) * integral_of_square(), kTight);
}

TEST(TotalDerivative, IsHalfTheSquaredAcceleration) {
  EXPECT_NEAR(cost(flow("total_derivative", kAccurate), "total_derivative"),
              0.5 * std::pow(kA, 4) * integral_of_square(), kTight);
  EXPECT_NEAR(cost(flow("{use: total_derivative, product: vjp}", kAccurate, "[0, 1, 0, 0]"),
                   "total_derivative"),
              0.5 * (4.0 + 9.0) / 2.0 / 2.0, kTight);
}

TEST(WeightDecay, IsHalfTheSquareOfTheBlocksOwnParameters) {
  for (const bool weights : {false, true}) {
    Assembled model(flow(weights ? "{use: weight_decay, parameters: weights}" : "weight_decay",
                         "{use: rk4, steps: 2}"),
                    {"flow.learn_span=true"});
    double expected = 0.0;
    for (const model::Entry& entry : model.pipeline.parameters().entries) {
      for (std::int64_t i = 0; i < entry.size; ++i) {
        double& value = model.parameters[static_cast<std::size_t>(entry.offset + i)];
        value = 0.1 * static_cast<double>(i + 1) + 0.3;
        const bool of_field = entry.name.rfind("flow.field.", 0) == 0;
        if (of_field && (!weights || entry.shape.rank() > 1)) expected += 0.5 * value * value;
      }
    }
    ASSERT_EQ(model.pipeline.parameters().entries.size(), 3U);  // A, b and the span's root
    EXPECT_NEAR(model.train_step(rows_of(kData, 2)).result.costs.at("flow.weight_decay"), expected,
                kRounding);
  }
}

/// A step of dopri5 on x' = a x, by its published tableau: what x is multiplied by in the new state
/// and in the error estimate.
struct Step {
  double growth;
  double error;
};

Step dopri5_step(double x) {
  const std::vector<std::vector<double>> a = {
      {},
      {1.0 / 5},
      {3.0 / 40, 9.0 / 40},
      {44.0 / 45, -56.0 / 15, 32.0 / 9},
      {19372.0 / 6561, -25360.0 / 2187, 64448.0 / 6561, -212.0 / 729},
      {9017.0 / 3168, -355.0 / 33, 46732.0 / 5247, 49.0 / 176, -5103.0 / 18656},
      {35.0 / 384, 0, 500.0 / 1113, 125.0 / 192, -2187.0 / 6784, 11.0 / 84}};
  const Values companion = {5179.0 / 57600, 0,       7571.0 / 16695, 393.0 / 640, -92097.0 / 339200,
                            187.0 / 2100,   1.0 / 40};
  Values stage;
  for (const auto& row : a) {
    double y = 1.0;
    for (std::size_t j = 0; j < row.size(); ++j) y += row[j] * x * stage[j];
    stage.push_back(y);
  }
  double error = 0.0;
  for (std::size_t i = 0; i < 7; ++i) {
    const double b = i < 6 ? a[6][i] : 0.0;
    error += (b - companion[i]) * x * stage[i];
  }
  return {stage[6], error};
}

TEST(LocalError, SumsTheEstimatesOfTheSteps) {
  constexpr int kSteps = 4;
  const double h = 1.0 / kSteps;
  const Step step = dopri5_step(kA * h);
  // |x| / sqrt(D) of the samples.
  const double size = (std::sqrt(5.0 / 2.0) + std::sqrt(9.25 / 2.0)) / 2.0;
  double weighted = 0.0;
  double squared = 0.0;
  double grown = 1.0;
  for (int i = 0; i < kSteps; ++i) {
    const double error = std::abs(step.error) * grown;
    weighted += size * error * h;
    squared += kMeanSquare * error * error;
    grown *= step.growth;
  }
  // The estimate is a difference of terms of the rates' size.
  constexpr double kCancellation = 1e-14;
  const std::string given = "{use: dopri5, steps: 4}";
  EXPECT_NEAR(cost(flow("local_error", given), "local_error"), weighted, kCancellation);
  EXPECT_NEAR(cost(flow("{use: local_error, form: squared}", given), "local_error"), squared,
              kCancellation);
  EXPECT_GT(weighted, 1e6 * kCancellation);
}

TEST(Stiffness, IsTheEigenvalueOfAMultipleOfTheIdentity) {
  // f(x) - f(y) = a (x - y) whatever the stages: each of the steps adds |a|.
  for (const char* solver :
       {"{use: dopri5, steps: 3}", "{use: tsit5, steps: 3}", "{use: rk4, steps: 3}"}) {
    // The stages lie h^2 apart or more, of numbers near 1.
    EXPECT_NEAR(cost(flow("stiffness", solver, "[-2, 0, 0, -2]"), "stiffness"), 3.0 * 2.0, 1e-9)
        << solver;
  }
}

TEST(StepCosts, OfRejectedStepsDoNotCount) {
  // The first step is far too long and rejected; the accepted ones are those of the report, each of
  // which adds |a|.
  const std::string solver = "{use: dopri5, rtol: 1e-8, atol: 1e-8, first_step: 1}";
  Assembled model(flow("stiffness", solver, "[-20, 0, 0, -20]"));
  const auto result = model.train_step(rows_of(kData, 2)).result;
  ASSERT_GT(result.evaluations.rejected, 0);
  EXPECT_NEAR(result.costs.at("flow.stiffness"),
              20.0 * static_cast<double>(result.evaluations.accepted), 1e-3);
}

TEST(StepCosts, LeaveTheSolveItselfAlone) {
  const std::string solver = "{use: dopri5, rtol: 1e-6, atol: 1e-6}";
  Assembled with(flow("local_error, stiffness, kinetic", solver));
  Assembled without(flow("kinetic", solver));
  const auto batch = rows_of(kData, 2);
  const auto a = with.train_step(batch).result;
  const auto b = without.train_step(batch).result;
  EXPECT_EQ(a.metrics, b.metrics);
  EXPECT_EQ(a.costs.at("flow.kinetic"), b.costs.at("flow.kinetic"));
  EXPECT_EQ(a.evaluations.forward, b.evaluations.forward);
  EXPECT_EQ(a.evaluations.backward, b.evaluations.backward);
  EXPECT_EQ(with.nll(batch), without.nll(batch)) << "evaluation has no costs";
  EXPECT_EQ(with.evaluate(batch).evaluations.forward, without.evaluate(batch).evaluations.forward);
}

TEST(StepCosts, HaveAnHonestZeroAtTheStart) {
  // A field that is zero has no error and no stiffness, and no slope of the root at zero.
  Assembled model(flow("local_error, stiffness", "{use: dopri5, steps: 2}", "[0, 0, 0, 0]"));
  const auto step = model.train_step(rows_of(kData, 2));
  EXPECT_EQ(step.result.costs.at("flow.local_error"), 0.0);
  EXPECT_EQ(step.result.costs.at("flow.stiffness"), 0.0);
  for (const double slope : step.gradient) EXPECT_TRUE(std::isfinite(slope));
}

TEST(StepCosts, AreRefusedWhereTheStepsLackWhatTheyNeed) {
  EXPECT_THAT(refusal(flow("local_error", "{use: rk4, steps: 2}")),
              AllOf(HasSubstr("test.yaml:11"), HasSubstr("local_error"),
                    HasSubstr("error estimate"), HasSubstr("dopri5")));
  EXPECT_THAT(refusal(flow("stiffness", "{use: kutta38, steps: 2}")),
              AllOf(HasSubstr("stiffness"), HasSubstr("two stages"), HasSubstr("rk4")));
  EXPECT_EQ(refusal(flow("stiffness", "{use: rk4, steps: 2}")), "");
  // The guesses of an iteration are no stages.
  EXPECT_THAT(refusal(flow("stiffness", "{use: kvaerno3, rtol: 1e-4, atol: 1e-4}")),
              AllOf(HasSubstr("stiffness"), HasSubstr("two stages")));
}

TEST(StepCosts, AreRefusedByGradientsThatKnowNoSteps) {
  EXPECT_THAT(refusal(flow("local_error", kAccurate), {"flow.gradient=adjoint"}),
              AllOf(HasSubstr("adjoint"), HasSubstr("'flow.local_error'"), HasSubstr("steps"),
                    HasSubstr("backprop")));
  EXPECT_EQ(refusal(flow("taynode", kAccurate), {"flow.gradient=adjoint"}), "");
}

}  // namespace
}  // namespace odeum::model_tests
