// SPDX-License-Identifier: Apache-2.0
// Training by the field's rate instead of solves: where the rate is taken, what it learns on
// Gaussians, whose velocity has a closed form, and what is refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "chain_of.hpp"
#include "odeum/tensor.hpp"
#include "pipeline_of.hpp"

namespace odeum::model_tests {
namespace {

using testing::AllOf;
using testing::HasSubstr;

// x ~ N(m, s^2) and the straight path z = (1 - u) x + u e to e ~ N(0, 1): z and e - x are jointly
// Gaussian, so that the field that fits e - x best is its mean given z,
//   v(u, z) = -m + (u - (1 - u) s^2) / w (z - (1 - u) m),  w = (1 - u)^2 s^2 + u^2,
// and what is left of the loss is the variance given z, 1 + s^2 - (u - (1 - u) s^2)^2 / w.
constexpr double kMean = 0.5;
constexpr double kDeviation = 0.6;

double covariance(double u) { return u - (1.0 - u) * kDeviation * kDeviation; }
double variance(double u) { return (1.0 - u) * (1.0 - u) * kDeviation * kDeviation + u * u; }
double best_velocity(double u, double z) {
  return -kMean + covariance(u) / variance(u) * (z - (1.0 - u) * kMean);
}
double least_loss() {
  constexpr int kNodes = 10000;  // midpoints: wrong by 1e-8
  double sum = 0.0;
  for (int i = 0; i < kNodes; ++i) {
    const double u = (i + 0.5) / kNodes;
    sum += 1.0 + kDeviation * kDeviation - covariance(u) * covariance(u) / variance(u);
  }
  return sum / kNodes;
}

model::Batch gaussian_rows(std::size_t count, std::uint64_t key) {
  Values rows = normal(count, key);
  for (double& x : rows) x = kMean + kDeviation * x;
  return rows_of(std::move(rows), 1, static_cast<std::int64_t>(key * count));
}

std::string line_flow(const DataOfWidth& data) {
  return "seed: 3\nobjective: flow_matching\ndata: " + data.yaml() +
         "\nmodel:\n"
         "  - use: ode\n"
         "    name: flow\n"
         "    field: {use: mlp, hidden: [24, 24], activation: tanh, time: concat}\n"
         "    divergence: {estimator: exact}\n";
}

/// Adam with its usual decays, and a rate that falls to zero by half a cosine.
void train(Assembled& model, int steps, double rate) {
  Values first(model.parameters.size(), 0.0);
  Values second(model.parameters.size(), 0.0);
  for (int step = 1; step <= steps; ++step) {
    const auto taken = model.train_step(gaussian_rows(512, static_cast<std::uint64_t>(step)), step);
    EXPECT_EQ(taken.result.evaluations.forward, 0);
    EXPECT_EQ(taken.result.evaluations.backward, 0);
    const double now = 0.5 * rate * (1.0 + std::cos(std::numbers::pi * step / steps));
    for (std::size_t i = 0; i < first.size(); ++i) {
      const double slope = taken.gradient[i];
      first[i] += 0.1 * (slope - first[i]);
      second[i] += 0.001 * (slope * slope - second[i]);
      const double mean = first[i] / (1.0 - std::pow(0.9, step));
      const double square = second[i] / (1.0 - std::pow(0.999, step));
      model.parameters[i] -= now * mean / (std::sqrt(square) + 1e-8);
    }
  }
}

TEST(FlowMatching, LearnsTheVelocityThatAGaussianHas) {
  const DataOfWidth data(1);
  Assembled model(line_flow(data));
  train(model, 1000, 1e-2);

  // The field itself, at places within two deviations of z at each u.
  RecordedChain recorded(line_flow(data));
  recorded.parameters = model.parameters;
  const auto chain = recorded.chain({kRows, 1});
  Values times;
  Values places;
  for (const double u : {0.0, 0.2, 0.4, 0.6, 0.8, 1.0}) {
    for (const double deviations : {-2.0, -1.0, 0.0, 1.0, 2.0}) {
      times.push_back(u);
      places.push_back((1.0 - u) * kMean + deviations * std::sqrt(variance(u)));
    }
  }
  Values pairs;
  for (std::size_t i = 0; i < times.size(); ++i) {
    pairs.push_back(times[i]);
    pairs.push_back(places[i]);
  }
  const auto learned = recorded.run(
      [&](model::Recorder& recorder, Tensor x) {
        model::RecordedModel at(*chain, recorder, model::Use::evaluation);
        const Tensor t = reshape(slice(x, 1, 0, 1), {kRows});
        return std::vector<Tensor>{at.velocity(t, slice(x, 1, 1, 2))};
      },
      {kRows, 2}, pairs);
  double squares = 0.0;
  for (std::size_t i = 0; i < times.size(); ++i) {
    const double error = learned.front()[i] - best_velocity(times[i], places[i]);
    squares += error * error;
  }
  // Velocities are up to 2.5 here; half a million draws leave some hundredths.
  EXPECT_LT(std::sqrt(squares / static_cast<double>(times.size())), 0.08);

  // What is left of the loss is noise that no field can take away: +-3 standard errors.
  constexpr std::size_t kRowsEvaluated = 40000;
  const auto metrics = model.evaluate(gaussian_rows(kRowsEvaluated, 9999)).metrics;
  EXPECT_NEAR(mean(metrics.at("matching")), least_loss(),
              3.0 * std::sqrt(2.0) * least_loss() / std::sqrt(double{kRowsEvaluated}) + 0.005);

  // And the flow has the data's density, point by point.
  const Values points{-0.7, 0.0, 0.5, 1.0, 1.7};
  const Values nll = model.nll(rows_of(points, 1));
  for (std::size_t i = 0; i < points.size(); ++i) {
    const double z = (points[i] - kMean) / kDeviation;
    const double truth =
        0.5 * z * z + std::log(kDeviation) + 0.5 * std::log(2.0 * std::numbers::pi);
    EXPECT_NEAR(nll[i], truth, 0.1) << "at " << points[i];
  }
}

const char* const kFlow = R"(
seed: 3
precision: float64
objective: flow_matching
data: moons
model:
  - use: ode
    name: flow
    field: {use: mlp, hidden: [6]}
    solver: {use: rk4, steps: 4}
)";

TEST(Matching, TakesTheFieldAtATimeOfEachRow) {
  // The field A z + b + c t, by hand.
  RecordedChain recorded(kFlow, {"flow.field={use: linear, matrix: [0.7, 1.3, -0.2, 0.4], bias: "
                                 "[0.1, -0.3], slope: [2, -1]}",
                                 "flow.span=[1, 3]"});
  const auto chain = recorded.chain({kRows, 2});
  const Values rows{0.5, -1.0, 2.0, 0.25, -0.75, 1.5};
  const Values times{1.0, 2.5, 3.0};
  const auto rates = recorded.run(
      [&](model::Recorder& recorder, Tensor x) {
        model::RecordedModel at(*chain, recorder, model::Use::evaluation);
        EXPECT_EQ(at.span(), (std::array{1.0, 3.0}));
        const Tensor t = 1.5 * reshape(slice(x, 1, 0, 1), {kRows}) + 1.0;
        return std::vector<Tensor>{at.velocity(t, x), at.before_solve(x)};
      },
      {kRows, 2}, rows);
  for (std::size_t row = 0; row < 3; ++row) {
    const double x = rows[2 * row];
    const double y = rows[2 * row + 1];
    const double t = 1.5 * x + 1.0;
    EXPECT_NEAR(rates[0][2 * row], 0.7 * x + 1.3 * y + 0.1 + 2.0 * t, 1e-14);
    EXPECT_NEAR(rates[0][2 * row + 1], -0.2 * x + 0.4 * y - 0.3 - t, 1e-14);
  }
  EXPECT_EQ(rates[1], rows);
}

TEST(Matching, ComparesBehindTheBlocksThatMapTheData) {
  // With a field of zero the loss is that of the path alone, and the same rows halved by
  // standardize and halved beforehand have the same one.
  const std::string blocks =
      "[{use: standardize, name: unit}, {use: ode, name: flow, field: {use: linear, matrix: [0, 0, "
      "0, 0], learn: true}}]";
  Assembled plain(kFlow, {"flow.field={use: linear, matrix: [0, 0, 0, 0], learn: true}"});
  Assembled mapped(kFlow, {"model=" + blocks});
  const Values rows{1.0, 3.0, -1.0, -3.0, 1.0, -3.0, -1.0, 3.0};
  mapped.fit(rows_of(rows, 2));
  Values units = rows;
  for (std::size_t i = 0; i < units.size(); i += 2) units[i + 1] /= 3.0;
  const double by_block = mapped.train_step(rows_of(rows, 2)).result.loss;
  EXPECT_NEAR(by_block, plain.train_step(rows_of(units, 2)).result.loss, 1e-12);
  EXPECT_GT(std::abs(by_block - plain.train_step(rows_of(rows, 2)).result.loss), 0.1);
}

TEST(Matching, DoesNotDependOnTheLengthOfTheSpanButByItsUnit) {
  // Velocities are per unit of time: half as large over twice the span, a quarter of the loss.
  const std::string zero = "flow.field={use: linear, matrix: [0, 0, 0, 0], learn: true}";
  Assembled one(kFlow, {zero});
  Assembled two(kFlow, {zero, "flow.span=[0, 2]"});
  Assembled back(kFlow, {zero, "flow.span=[1, 0]"});
  const auto batch = rows_of(normal(64), 2);
  const double loss = one.train_step(batch).result.loss;
  EXPECT_NEAR(two.train_step(batch).result.loss, loss / 4.0, 1e-14);
  EXPECT_NEAR(back.train_step(batch).result.loss, loss, 1e-14);
}

TEST(Matching, PaysCostsOfParametersAlone) {
  Assembled model(kFlow, {"flow.regularizers=[{use: weight_decay, weight: 0.5}]"});
  const auto step = model.train_step(rows_of(normal(16), 2)).result;
  const double cost = step.costs.at("flow.weight_decay");
  EXPECT_GT(cost, 0.0);
  EXPECT_NEAR(step.loss, step.metrics.at("matching") + 0.5 * cost, 1e-12);
}

TEST(Matching, RefusesWhatOnlyASolveInTrainingWouldUse) {
  EXPECT_EQ(refusal(kFlow), "");
  EXPECT_EQ(refusal(kFlow, {"flow.divergence={estimator: none, evaluate: {estimator: exact}}"}),
            "");
  EXPECT_EQ(refusal(kFlow, {"flow.divergence.estimator=none",
                            "objective={use: flow_matching, density: none}"}),
            "");
  EXPECT_THAT(refusal(kFlow, {"flow.gradient=adjoint"}),
              AllOf(HasSubstr("gradient"), HasSubstr("without a solve")));
  EXPECT_THAT(refusal(kFlow, {"flow.regularizers=[kinetic]"}),
              AllOf(HasSubstr("kinetic"), HasSubstr("no path")));
  EXPECT_THAT(refusal(kFlow, {"flow.regularizers=[{use: steer, b: 0.1}]"}), HasSubstr("no path"));
  EXPECT_THAT(refusal(kFlow, {"flow.learn_span=true"}), HasSubstr("learn_span"));
  EXPECT_THAT(refusal(kFlow, {"flow.evaluate={span: [0, 2]}"}), HasSubstr("span of training"));
  EXPECT_THAT(refusal(kFlow, {"flow.times={count: 3}"}), HasSubstr("several states"));
  EXPECT_THAT(refusal(kFlow, {"flow.divergence.estimator=none"}), HasSubstr("log-determinant"));
}

TEST(Matching, RefusesModelsWithoutOneSolveAtTheirEnd) {
  const std::string ode = "{use: ode, field: {use: mlp, hidden: [4]}}";
  EXPECT_THAT(refusal(kFlow, {"model=[" + ode + ", " + ode + "]"}), HasSubstr("one ode block"));
  EXPECT_THAT(refusal(kFlow, {"model=[" + ode + ", standardize]"}), HasSubstr("one ode block"));
  EXPECT_THAT(refusal(kFlow, {"model=[standardize]"}), HasSubstr("end the model with one"));
  EXPECT_THAT(refusal(kFlow, {"model=[{use: split}, " + ode + "]"}), HasSubstr("split"));
}

TEST(Matching, RefusesBlocksThatLearnInFrontOfTheSolve) {
  EXPECT_THAT(refusal(kFlow, {"objective={use: flow_matching, density: none}",
                              "model=[{use: dense, name: first, features: 2}, {use: ode, field: "
                              "{use: mlp, hidden: [4]}, divergence: {estimator: none}}]"}),
              AllOf(HasSubstr("'first."), HasSubstr("mapped to one point")));
}

TEST(Matching, RefusesFieldsThatDrawNoiseOrTakeBatchStatistics) {
  EXPECT_THAT(
      refusal(kFlow, {"objective={use: flow_matching, density: none}",
                      "model=[{use: ode, field: {use: wong_zakai, drift: {use: mlp, hidden: "
                      "[4]}, diffusion: {use: mlp, hidden: [4]}, terms: 3}, divergence: "
                      "{estimator: none}}]"}),
      AllOf(HasSubstr("draws"), HasSubstr("point by point")));
}

}  // namespace
}  // namespace odeum::model_tests
