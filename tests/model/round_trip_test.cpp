// SPDX-License-Identifier: Apache-2.0
// From data to the base and back.
#include <gtest/gtest.h>

#include <array>
#include <cmath>

#include "chain_of.hpp"

namespace odeum::model_tests {
namespace {

const char* const kBlocks = R"(
seed: 4
precision: float64
objective: likelihood
data: moons
model:
  - {use: logit, alpha: 0.05}
  - {use: standardize, name: centred}
  - use: ode
    name: first
    span: [0.2, 1.4]
    field: {use: mlp, hidden: [8], activation: tanh, time: concatsquash}
    solver: {use: dopri5, rtol: 1e-11, atol: 1e-11}
  - use: ode
    name: second
    learn_span: true
    field: {use: mlp, hidden: [8], activation: softplus, time: blend}
    solver: {use: tsit5, rtol: 1e-11, atol: 1e-11}
    divergence: {estimator: exact}
)";

const Values kPoints = {0.1, 0.9, 0.5, 0.02, 0.33, 0.71};
const Shape kPlane{kRows, 2};

TEST(Chain, ForwardThenInverseGivesTheDataBack) {
  RecordedChain model(kBlocks);
  model.fitted = {{"centred.mean", {0.3, -0.2}}, {"centred.deviation", {1.5, 0.6}}};
  const auto chain = model.chain(kPlane);
  const auto results = model.run(
      [&](model::Recorder& recorder, Tensor x) -> std::vector<Tensor> {
        const Tensor base = chain->forward(recorder, x, model::Use::evaluation).value;
        return {base, chain->inverse(recorder, base)};
      },
      kPlane, kPoints);
  for (std::size_t i = 0; i < kPoints.size(); ++i) {
    EXPECT_GT(std::abs(results[0][i] - kPoints[i]), 1e-3) << "the map should do something";
    EXPECT_NEAR(results[1][i], kPoints[i], 1e-9);  // a hundred tolerances
  }
}

TEST(Chain, LogDeterminantsThereAndBackCancel) {
  // The same blocks (by name, so with the same parameters and probe) over the same span backwards.
  const std::string flow =
      "objective: likelihood\nprecision: float64\ndata: moons\nmodel: [{use: ode, name: flow, "
      "field: {use: mlp, hidden: [8], time: concatsquash}, "
      "solver: {use: dopri5, rtol: 1e-11, atol: 1e-11}}]\n";
  for (const char* estimator : {"exact", "hutchinson"}) {
    const std::string divergence = std::string("flow.divergence.estimator=") + estimator;
    RecordedChain model(flow, {divergence});
    RecordedChain reversed(flow, {divergence, "flow.span=[1, 0]"});
    const auto there = model.chain(kPlane);
    const auto back = reversed.chain(kPlane);
    const auto results = model.run(
        [&](model::Recorder& recorder, Tensor x) -> std::vector<Tensor> {
          const auto forward = there->forward(recorder, x, model::Use::evaluation);
          const auto returned = back->forward(recorder, forward.value, model::Use::evaluation);
          return {forward.log_determinant, returned.log_determinant, returned.value};
        },
        kPlane, kPoints);
    for (std::size_t row = 0; row < 3; ++row) {
      EXPECT_GT(std::abs(results[0][row]), 1e-5);
      EXPECT_NEAR(results[0][row] + results[1][row], 0.0, 1e-9);
    }
    for (std::size_t i = 0; i < kPoints.size(); ++i) EXPECT_NEAR(results[2][i], kPoints[i], 1e-9);
  }
}

TEST(Samples, FollowTheDensityOfALinearFlow) {
  // z = e^{A} x with A = diag(0.5, -0.25): x has the variances e^{-1} and e^{0.5}.
  Assembled model(
      "seed: 1\nobjective: likelihood\ndata: moons\nmodel: [{use: ode, "
      "field: {use: linear, matrix: [0.5, 0, 0, -0.25]}, divergence: {estimator: exact}}]\n");
  constexpr std::int64_t kCount = 20000;
  const Values samples = model.sample(kCount, 77);
  ASSERT_EQ(samples.size(), 2U * kCount);
  const std::array variances{std::exp(-1.0), std::exp(0.5)};
  for (std::size_t axis = 0; axis < 2; ++axis) {
    double sum = 0.0;
    double squares = 0.0;
    for (std::size_t i = axis; i < samples.size(); i += 2) {
      sum += samples[i] / kCount;
      squares += samples[i] * samples[i] / kCount;
    }
    // Four standard errors of the mean and of the variance (2 var^2 / n) of a Gaussian.
    EXPECT_NEAR(sum, 0.0, 4.0 * std::sqrt(variances[axis] / kCount));
    EXPECT_NEAR(squares, variances[axis], 4.0 * variances[axis] * std::sqrt(2.0 / kCount));
  }
}

TEST(Samples, DependOnKeyAndIndexAlone) {
  Assembled model(kBlocks, {"precision=float32", "first.solver={use: rk4, steps: 4}",
                            "second.solver={use: rk4, steps: 4}"});
  const Values few = model.sample(3, 5);
  const Values many = model.sample(5000, 5);  // more than one batch
  const Values others = model.sample(3, 6);
  EXPECT_EQ(model.pipeline.sample_shape(), (Shape{2}));
  for (std::size_t i = 0; i < few.size(); ++i) {
    EXPECT_NEAR(few[i], many[i], 1e-5);  // products of other sizes may round otherwise
    EXPECT_NE(few[i], others[i]);
  }
  // Sample 4,500 is of the second batch: not a repetition of the first one's.
  EXPECT_GT(std::abs(many[2 * 4500] - many[2 * (4500 - 4096)]), 1e-6);
}

TEST(Samples, AreInTheUnitsOfTheData) {
  // The logit's inverse ends in (0, 1) but for alpha's margin: -0.05 / 0.9 .. 0.95 / 0.9.
  Assembled model(kBlocks);
  for (const double value : model.sample(200, 3)) {
    EXPECT_GT(value, -0.056);
    EXPECT_LT(value, 1.056);
  }
}

}  // namespace
}  // namespace odeum::model_tests
