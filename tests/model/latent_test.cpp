// SPDX-License-Identifier: Apache-2.0
// Models with a latent state that is drawn: its divergence in the loss, the evidence that the
// bound is one of, gradients through encoder, draw, solve and decoder, and what is refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "pipeline_of.hpp"

namespace odeum::model_tests {
namespace {

using testing::AllOf;
using testing::HasSubstr;

// Some hundred units of float64.
constexpr double kRounding = 1e-12;

const char* const kLatent = R"(
seed: 3
precision: float64
data: {use: spirals, times: 4, ahead: 2, points: 20, train: 8, batch: 8}
model:
  - {use: recurrent, name: encoder, hidden: 3, cell: gru, reverse: true, observed: last_feature,
     time_differences: 0.2}
  - {use: dense, name: posterior, features: 4}
  - {use: diagonal_gaussian, name: latent}
  - use: ode
    name: flow
    span: [0, 1]
    times: {count: 6}
    field: {use: mlp, hidden: [3], activation: tanh}
    solver: {use: rk4, steps: 1}
    divergence: {estimator: none}
  - {use: dense, name: decoder, features: 2, of: last_axis}
objective: {use: latent_ode, ahead: 2, errors: truth}
)";

/// Five samples of the columns of kLatent's data, the third time of which nothing is known.
model::Batch series() {
  model::Batch batch = rows_of(normal(60, 2), 12);
  batch.columns.push_back(normal(60, 3));
  batch.columns.emplace_back(60, 1.0);
  batch.columns.push_back(normal(60, 4));
  for (std::size_t row = 0; row < 5; ++row) {
    for (std::size_t k = 0; k < 4; ++k) batch.columns[0][row * 12 + 3 * k + 2] = k == 2 ? 0.0 : 1.0;
    batch.columns[2][row * 12 + 4] = batch.columns[2][row * 12 + 5] = 0.0;
  }
  return batch;
}

TEST(LatentModel, WeighsTheDivergenceByItsSchedule) {
  Assembled model(kLatent, {"objective.weight={warmup: 10, then: 3}"});
  for (const auto& [step, weight] : std::map<std::int64_t, double>{{0, 0.0}, {5, 1.5}, {20, 3.0}}) {
    const model::StepResult result = model.train_step(series(), step).result;
    EXPECT_GT(result.metrics.at("kl"), 0.01);
    EXPECT_NEAR(result.costs.at("kl"), result.metrics.at("kl"), kRounding);
    EXPECT_NEAR(result.loss, result.metrics.at("nll") + weight * result.metrics.at("kl"),
                kRounding * result.loss);
  }
}

TEST(LatentModel, DrawsAnewInEveryStepAndEvaluatesTheMean) {
  Assembled model(kLatent);
  EXPECT_NE(model.train_step(series(), 0).result.metrics.at("nll"),
            model.train_step(series(), 1).result.metrics.at("nll"));
  EXPECT_EQ(model.nll(series(), 0), model.nll(series(), 1));
  Assembled drawing(kLatent, {"latent.draw=always"});
  EXPECT_NE(drawing.nll(series(), 0), drawing.nll(series(), 1));
}

TEST(LatentModel, HasTheGradientOfDifferencesThroughEncoderDrawSolveAndDecoder) {
  Assembled model(kLatent);
  const model::Batch batch = series();
  const Values gradient = model.train_step(batch).gradient;
  constexpr double kStep = 1e-4;
  double square = 0.0;
  double distance = 0.0;
  for (const model::Entry& entry : model.pipeline.parameters().entries) {
    const auto i = static_cast<std::size_t>(entry.offset);
    const double start = model.parameters[i];
    const auto loss_at = [&](double offset) {
      model.parameters[i] = start + offset;
      return model.train_step(batch).result.loss;
    };
    const double near = loss_at(kStep) - loss_at(-kStep);
    const double far = loss_at(2.0 * kStep) - loss_at(-2.0 * kStep);
    model.parameters[i] = start;
    const double difference = (8.0 * near - far) / (12.0 * kStep);
    EXPECT_NE(gradient[i], 0.0) << entry.name;
    square += difference * difference;
    distance += std::pow(gradient[i] - difference, 2);
  }
  // Rounding of losses of some ten over the step, and the step's fourth power.
  EXPECT_LE(std::sqrt(distance), 1e-8 * std::sqrt(square));
}

// z ~ N(0, 1), each of two numbers twice measured: y = z + N(0, 0.5^2), the second of the second
// number not. The posterior is Gaussian, and with it the bound is the evidence.
const char* const kLinear = R"(
precision: float64
data: {use: spirals, times: 2, ahead: 0, points: 20, train: 8}
model:
  - {use: dense, name: posterior, features: 4}
  - {use: diagonal_gaussian, name: latent, draw: always}
  - use: ode
    name: flow
    span: [0, 1]
    times: {count: 2}
    field: {use: linear, matrix: [0, 0, 0, 0]}
    solver: {use: rk4, steps: 1}
    divergence: {estimator: none}
objective: {use: latent_ode, deviation: 0.5}
)";

struct Measured {
  double sum = 0.0, squares = 0.0, count = 0.0;
  static constexpr double kVariance = 0.25;

  double posterior_variance() const { return 1.0 / (1.0 + count / kVariance); }
  double posterior_mean() const { return posterior_variance() * sum / kVariance; }
  /// -ln of N(0, kVariance I + 1 1^T), whose determinant and inverse are Sherman and Morrison's.
  double evidence() const {
    const double determinant = std::pow(kVariance, count - 1.0) * (kVariance + count);
    const double quadratic = squares / kVariance - sum * sum / (kVariance * (kVariance + count));
    return 0.5 * (quadratic + std::log(determinant) + count * std::log(2.0 * std::numbers::pi));
  }
};

double bound(Assembled& model, std::size_t rows) {
  model::Batch batch = rows_of(Values(6 * rows, 0.0), 6);
  batch.columns.resize(4);
  for (std::size_t i = 0; i < rows; ++i) {
    for (const double y : {0.7, -0.2, 1.1, 0.0}) batch.columns[1].push_back(y);
    for (const double seen : {1.0, 1.0, 1.0, 0.0}) batch.columns[2].push_back(seen);
  }
  batch.columns[3] = batch.columns[1];
  return mean(model.evaluate(batch).metrics.at("negative_bound"));
}

TEST(LatentModel, BoundsTheEvidenceAndMeetsItWithTheExactPosterior) {
  Assembled model(kLinear);
  const Measured first{1.8, 0.49 + 1.21, 2.0};
  const Measured second{-0.2, 0.04, 1.0};
  const double truth = first.evidence() + second.evidence();
  const Values posterior = {first.posterior_mean(), second.posterior_mean(),
                            std::log(first.posterior_variance()),
                            std::log(second.posterior_variance())};
  const auto set = [&](const Values& bias) {
    std::fill(model.parameters.begin(), model.parameters.end(), 0.0);
    model::store(model.pipeline.parameters(), "posterior.bias", bias, model.parameters);
  };
  set(posterior);
  // Draws of -ln p(y | z) have a deviation of at most 1.0 here; four standard errors.
  const std::size_t rows = 40000;
  const double kStandardErrors = 4.0 / std::sqrt(static_cast<double>(rows));
  EXPECT_NEAR(bound(model, rows), truth, kStandardErrors);
  // Another mean adds the divergence of the two posteriors, (0.3)^2 / (2 variance).
  Values moved = posterior;
  moved[0] += 0.3;
  set(moved);
  EXPECT_NEAR(bound(model, rows), truth + 0.045 / first.posterior_variance(), kStandardErrors);
}

TEST(LatentModel, IsRefusedWithAnObjectiveThatLeavesTheDivergenceOut) {
  EXPECT_THAT(refusal(kLatent, {"objective={use: trajectory, missing: skipped}"}),
              AllOf(HasSubstr("test.yaml:9:5"), HasSubstr("'latent'"), HasSubstr("shrink"),
                    HasSubstr("latent_ode")));
  EXPECT_THAT(refusal(kLatent, {"objective=likelihood"}), HasSubstr("no log-determinant"));
}

TEST(LatentModel, WithoutADrawIsRefused) {
  EXPECT_THAT(refusal(kLatent, {"model=[{use: recurrent, observed: last_feature}]"}),
              HasSubstr("put diagonal_gaussian in front"));
}

}  // namespace
}  // namespace odeum::model_tests
