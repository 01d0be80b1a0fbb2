// SPDX-License-Identifier: Apache-2.0
// The training step's gradient against central differences of its own loss, in float64.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "pipeline_of.hpp"

namespace odeum::model_tests {
namespace {

struct Case {
  std::string name;
  std::vector<std::string> sets;
  double tolerance;
};

std::ostream& operator<<(std::ostream& out, const Case& one) { return out << one.name; }

// Discretise-then-optimise: exact up to rounding, the truncation of the differences (together
// 1e-10 of the gradient's length) and, with adaptive steps, their own change with the parameters,
// which moves the loss by parts of the tolerance of 1e-11.
constexpr double kExact = 1e-8;
// Optimise-then-discretise: the gradient carries the errors of the forward and of the backward
// solve, each up to some hundred times their tolerance of 1e-11.
constexpr double kContinuous = 1e-8;
// The adjoint of 3/8-rule steps of 1/40: (1/40)^4, times constants of the net.
constexpr double kFixedStep = 4e-7;

const char* const kFlow = R"(
seed: 11
precision: float64
objective: likelihood
data: moons
model:
  - use: ode
    name: flow
    field: {use: mlp, hidden: [6, 5], activation: tanh, time: concatsquash}
    solver: {use: kutta38, step: 0.25}
    gradient: backprop
    divergence: {estimator: hutchinson}
)";

const char* const kTight = "flow.solver={use: dopri5, rtol: 1e-11, atol: 1e-11}";
const char* const kPenalties =
    "flow.regularizers=[{use: kinetic, weight: 0.3}, {use: jacobian, weight: 0.2}]";

// The last two stages of a step of a net this smooth are about h^4 apart, so weights that weigh
// against the likelihood.
const char* const kStepCosts =
    "flow.regularizers=[{use: local_error, weight: 100}, {use: local_error, form: squared, weight: "
    "1000, name: squared}, {use: stiffness, weight: 0.1}]";

/// The fourth-order central difference of the loss by parameter i.
double differenced_loss(Assembled& model, const model::Batch& batch, std::size_t i) {
  constexpr double kStep = 1e-3;
  const double start = model.parameters[i];
  const auto loss_at = [&](double offset) {
    model.parameters[i] = start + offset;
    return model.train_step(batch, 3).result.loss;
  };
  const double near = loss_at(kStep) - loss_at(-kStep);
  const double far = loss_at(2.0 * kStep) - loss_at(-2.0 * kStep);
  model.parameters[i] = start;
  return (8.0 * near - far) / (12.0 * kStep);
}

double length(const Values& values) {
  double sum = 0.0;
  for (const double value : values) sum += value * value;
  return std::sqrt(sum);
}

/// Every parameter, array by array, so that a wrong array does not hide behind a large one.
void expect_gradient_of_loss(Assembled& model, const model::Batch& batch, double tolerance) {
  const Values gradient = model.train_step(batch, 3).gradient;
  const double whole = length(gradient);
  ASSERT_GT(whole, 0.0);
  for (const model::Entry& entry : model.pipeline.parameters().entries) {
    Values differences;
    Values error;
    for (std::int64_t j = 0; j < entry.size; ++j) {
      const auto i = static_cast<std::size_t>(entry.offset + j);
      differences.push_back(differenced_loss(model, batch, i));
      error.push_back(gradient[i] - differences.back());
    }
    EXPECT_GT(length(differences), 1e-6 * whole) << entry.name << " does not matter";
    EXPECT_LE(length(error), tolerance * std::max(length(differences), 0.1 * whole)) << entry.name;
  }
}

class Gradient : public testing::TestWithParam<Case> {};

TEST_P(Gradient, IsThatOfTheLoss) {
  Assembled model(kFlow, GetParam().sets);
  expect_gradient_of_loss(model, rows_of(normal(10, 2), 2), GetParam().tolerance);
}

INSTANTIATE_TEST_SUITE_P(
    Of, Gradient,
    testing::Values(
        Case{"BackpropOfKutta38", {}, kExact},
        Case{"BackpropOfKutta38WithPenalties", {kPenalties}, kExact},
        Case{"BackpropOfKutta38WithTheExactTrace",
             {kPenalties, "flow.divergence.estimator=exact"},
             kExact},
        // A number of steps: with a given length a longer span would get one more, a short one.
        Case{"BackpropOfKutta38WithALearnedSpan",
             {kPenalties, "flow.learn_span=true", "flow.solver={use: kutta38, steps: 4}"},
             kExact},
        Case{"BackpropOfKutta38BackInTime", {kPenalties, "flow.span=[1, 0]"}, kExact},
        Case{"BackpropOfConcatenatedTime", {kPenalties, "flow.field.time=concat"}, kExact},
        Case{"BackpropOfSoftplus", {kPenalties, "flow.field.activation=softplus"}, kExact},
        Case{"BackpropOfDopri5", {kTight}, kExact},
        Case{"BackpropOfDopri5WithPenalties", {kTight, kPenalties}, kExact},
        Case{
            "BackpropOfTotalDerivatives",
            {"flow.regularizers=[{use: taynode, order: 3, weight: 0.3}, {use: directional, weight: "
             "0.2}, {use: total_derivative, weight: 0.2}, {use: weight_decay, weight: 0.1}]"},
            kExact},
        Case{"BackpropOfStepCosts", {kStepCosts, "flow.solver={use: dopri5, steps: 3}"}, kExact},
        Case{"BackpropOfStepCostsFromStages",
             {kStepCosts, "flow.solver={use: tsit5, steps: 3}",
              "flow.gradient={use: backprop, keep: stages}"},
             kExact},
        Case{"BackpropOfStepCostsFromTheBeginnings",
             {kStepCosts, "flow.solver={use: dopri5, steps: 3}",
              "flow.gradient={use: backprop, keep: steps}"},
             kExact},
        Case{"BackpropOfStepCostsWithALearnedSpan",
             {kStepCosts, "flow.learn_span=true", "flow.solver={use: dopri5, steps: 3}"},
             kExact},
        Case{"BackpropOfADrawnEnd",
             {"flow.regularizers=[{use: kinetic, weight: 0.3}, {use: steer, b: 0.5}]",
              "flow.solver={use: kutta38, steps: 4}"},
             kExact},
        Case{"FlowMatching", {"objective=flow_matching"}, kExact},
        Case{"FlowMatchingWithWeightDecay",
             {"objective={use: flow_matching, path: variance_preserving, time: logit_normal}",
              "flow.regularizers=[{use: weight_decay, weight: 0.1}]"},
             kExact},
        Case{"FlowMatchingOfAnOptimalCoupling",
             {"objective={use: flow_matching, coupling: optimal}"},
             kExact},
        Case{"AdjointOfTotalDerivatives",
             {"flow.gradient=adjoint", kTight,
              "flow.regularizers=[{use: taynode, order: 2, weight: 0.3}, {use: total_derivative, "
              "weight: 0.2}]"},
             kContinuous},
        Case{"BackpropOfDopri5WithALearnedSpan",
             {kTight, kPenalties, "flow.learn_span=true"},
             kExact},
        Case{"AdjointOfKutta38", {"flow.gradient=adjoint", "flow.solver.step=0.025"}, kFixedStep},
        Case{"AdjointOfKutta38WithPenalties",
             {"flow.gradient=adjoint", "flow.solver.step=0.025", kPenalties},
             kFixedStep},
        Case{"AdjointOfDopri5", {"flow.gradient=adjoint", kTight}, kContinuous},
        Case{"AdjointOfDopri5WithPenalties",
             {"flow.gradient=adjoint", kTight, kPenalties},
             kContinuous},
        Case{"AdjointOfDopri5WithTheExactTrace",
             {"flow.gradient=adjoint", kTight, kPenalties, "flow.divergence.estimator=exact"},
             kContinuous},
        Case{"AdjointOfDopri5WithALearnedSpan",
             {"flow.gradient=adjoint", kTight, kPenalties, "flow.learn_span=true"},
             kContinuous}),
    [](const auto& one) { return one.param.name; });

const char* const kBlocksBefore = R"(
seed: 11
precision: float64
objective: {use: likelihood, units: bits_per_dim}
data: moons
model:
  - {use: dequantize, levels: 4}
  - {use: logit, alpha: 0.05}
  - {use: standardize, name: centred}
  - use: ode
    name: first
    field: {use: mlp, hidden: [5], activation: softplus, time: concat}
    solver: {use: kutta38, step: 0.25}
    gradient: backprop
    regularizers: [{use: kinetic, weight: 0.1}]
  - use: ode
    name: second
    span: [1, 0]
    field: {use: mlp, hidden: [5], activation: tanh, time: concatsquash}
    solver: {use: dopri5, steps: 3}
    gradient: backprop
    regularizers: [{use: jacobian, weight: 0.1}]
)";

TEST(GradientOfAChain, GoesThroughBlocksAndTwoSolves) {
  Assembled model(kBlocksBefore);
  const auto batch = rows_of({0, 3, 1, 2, 2, 1, 3, 3, 0, 0, 1, 1}, 2);
  model.fit(batch);
  expect_gradient_of_loss(model, batch, kExact);
}

TEST(GradientOfAChain, MayMixTheMethods) {
  Assembled model(kBlocksBefore, {"first.gradient=adjoint",
                                  "first.solver={use: dopri5, rtol: 1e-11, atol: 1e-11}"});
  const auto batch = rows_of({0, 3, 1, 2, 2, 1, 3, 3, 0, 0, 1, 1}, 2);
  model.fit(batch);
  expect_gradient_of_loss(model, batch, kContinuous);
}

TEST(GradientOfAStep, IsOverwrittenNotAddedTo) {
  Assembled model(kFlow);
  const auto batch = rows_of(normal(10, 2), 2);
  const Values once = model.train_step(batch).gradient;
  EXPECT_EQ(model.train_step(batch).gradient, once);
}

TEST(GradientOfAStep, KeepsTheProbeDuringASolve) {
  // x' = A x: the estimate is T e^T A e for one probe e whatever the steps. A probe redrawn in the
  // middle would give the mean of several.
  const std::string linear =
      "seed: 3\nprecision: float64\nobjective: likelihood\ndata: moons\nmodel: [{use: ode, name: "
      "flow, field: {use: linear, matrix: [0.7, 1.3, 0.2, -0.4]}, solver: {use: euler, steps: "
      "1}}]\n";
  Assembled one(linear);
  Assembled many(linear, {"flow.solver={use: rk4, steps: 7}"});
  const auto batch = rows_of(Values(12, 0.0), 2);
  const Values first = one.nll(batch);
  const Values second = many.nll(batch);
  for (std::size_t i = 0; i < first.size(); ++i) {
    EXPECT_NEAR(first[i], second[i], 1e-14);
    EXPECT_GT(std::abs(first[i] - first[(i + 1) % first.size()]), 1e-6);  // each row has its own
  }
  EXPECT_NE(one.nll(batch, 1), first);  // and each pass
  EXPECT_EQ(one.nll(batch, 0), first);
}

}  // namespace
}  // namespace odeum::model_tests
