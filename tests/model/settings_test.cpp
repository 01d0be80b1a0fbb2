// SPDX-License-Identifier: Apache-2.0
// What a configuration says is what runs: training's and evaluation's settings, weights and their
// schedules, units.
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "pipeline_of.hpp"

namespace odeum::model_tests {
namespace {

const char* const kFlow = R"(
seed: 11
precision: float64
objective: likelihood
data: moons
model:
  - use: ode
    name: flow
    field: {use: mlp, hidden: [12], activation: tanh, time: concatsquash}
    solver: {use: kutta38, step: 0.25}
    divergence: {estimator: hutchinson}
    regularizers: [{use: kinetic, weight: 0.3}, {use: jacobian, weight: 0.2}]
)";

model::Batch rows() { return rows_of(normal(12, 2), 2); }

TEST(Evaluate, ReplacesTheSolverAndTheEstimatorOutsideTraining) {
  Assembled model(kFlow, {"flow.solver.evaluate={use: dopri5, rtol: 1e-8, atol: 1e-8}",
                          "flow.divergence.evaluate={estimator: exact}"});
  Assembled reference(kFlow, {"flow.solver={use: dopri5, rtol: 1e-8, atol: 1e-8}",
                              "flow.divergence.estimator=exact"});
  Assembled plain(kFlow);
  const auto trained = model.train_step(rows());
  EXPECT_EQ(trained.result.evaluations.forward, 16);  // four steps of four stages
  EXPECT_EQ(trained.result.evaluations.accepted, 4);
  EXPECT_EQ(trained.result.evaluations.rejected, 0);
  EXPECT_EQ(trained.gradient, plain.train_step(rows()).gradient);

  const auto evaluated = model.evaluate(rows());
  EXPECT_GT(evaluated.evaluations.accepted, 4);
  EXPECT_EQ(evaluated.evaluations.forward,
            2 + 6 * (evaluated.evaluations.accepted + evaluated.evaluations.rejected));
  EXPECT_EQ(evaluated.metrics.at("nll"), reference.nll(rows()));
  EXPECT_EQ(model.nll(rows(), 1), model.nll(rows(), 2)) << "the exact trace needs no probe";
  EXPECT_NE(plain.nll(rows(), 1), plain.nll(rows(), 2));
}

TEST(Evaluate, MayStandAtTheBlock) {
  Assembled model(kFlow, {"flow.evaluate={solver: {use: rk4, steps: 3}, span: [0, 0.5], "
                          "divergence: {estimator: exact}}"});
  Assembled reference(kFlow, {"flow.solver={use: rk4, steps: 3}", "flow.span=[0, 0.5]",
                              "flow.divergence.estimator=exact"});
  EXPECT_EQ(model.evaluate(rows()).evaluations.forward, 12);
  EXPECT_EQ(model.train_step(rows()).result.evaluations.forward, 16);
  EXPECT_EQ(model.nll(rows()), reference.nll(rows()));
  EXPECT_EQ(model.sample(5, 1), reference.sample(5, 1));
}

TEST(Evaluate, ReachesBlocksFieldsAndTheObjective) {
  const std::string yaml =
      "precision: float64\nobjective: {use: likelihood, evaluate: {units: bits_per_dim}}\n"
      "data: moons\nmodel:\n"
      "  - {use: dequantize, levels: 4, evaluate: {noise: midpoint}}\n"
      "  - {use: ode, name: flow, field: {use: linear, matrix: [1, 0, 0, 1], evaluate: {matrix: "
      "[0, 0, 0, 0]}}, divergence: {estimator: exact}, solver: {use: rk4, steps: 4}}\n";
  Assembled model(yaml);
  // Evaluation: z = (x + 1/2) / 4 and nothing else.
  const auto evaluated = model.evaluate(rows_of({1.0, 3.0}, 2));
  const double z0 = 1.5 / 4.0;
  const double z1 = 3.5 / 4.0;
  const double nll =
      0.5 * (z0 * z0 + z1 * z1) + std::log(2.0 * std::numbers::pi) + 2.0 * std::log(4.0);
  EXPECT_NEAR(evaluated.metrics.at("nll").front(), nll, 1e-13);
  EXPECT_NEAR(evaluated.metrics.at("bits_per_dim").front(), nll / (2.0 * std::numbers::ln2), 1e-13);
  EXPECT_EQ(model.nll(rows_of({1.0, 3.0}, 2), 7).front(), evaluated.metrics.at("nll").front());
  // Training: noise, growth and nats.
  const auto trained = model.train_step(rows_of({1.0, 3.0}, 2)).result;
  EXPECT_EQ(trained.metrics.count("bits_per_dim"), 0U);
  EXPECT_GT(std::abs(trained.loss - nll), 0.1);
}

double weighted(const model::StepResult& result, double kinetic, double jacobian) {
  return result.metrics.at("nll") + kinetic * result.costs.at("flow.kinetic") +
         jacobian * result.costs.at("flow.jacobian");
}

TEST(Weights, MultiplyTheCostsOfTheLoss) {
  Assembled model(kFlow);
  const auto result = model.train_step(rows()).result;
  EXPECT_GT(result.costs.at("flow.kinetic"), 1e-4);
  EXPECT_GT(result.costs.at("flow.jacobian"), 1e-4);
  EXPECT_NEAR(result.loss, weighted(result, 0.3, 0.2), 1e-13);

  Assembled heavier(kFlow, {"flow.regularizers.kinetic.weight=0.6"});
  const auto other = heavier.train_step(rows()).result;
  EXPECT_EQ(other.costs, result.costs) << "costs are reported without their weights";
  EXPECT_NEAR(other.loss, weighted(result, 0.6, 0.2), 1e-13);
}

TEST(Weights, FollowTheirSchedules) {
  Assembled model(kFlow, {"flow.regularizers.kinetic.weight={warmup: 10, from: 0.5, then: 1.5}",
                          "flow.regularizers.jacobian.weight={warmup: 4, then: 0.2}"});
  for (const auto& [step, kinetic, jacobian] :
       {std::tuple{0, 0.5, 0.0}, {1, 0.6, 0.05}, {5, 1.0, 0.2}, {10, 1.5, 0.2}, {99, 1.5, 0.2}}) {
    const auto result = model.train_step(rows(), step).result;
    EXPECT_NEAR(result.loss, weighted(result, kinetic, jacobian), 1e-12) << "step " << step;
  }
}

TEST(Weights, OfZeroLeaveTheGradientAlone) {
  Assembled without(kFlow, {"flow.regularizers=[]"});
  Assembled zero(kFlow, {"flow.regularizers=[{use: kinetic, weight: 0}]"});
  const Values expected = without.train_step(rows()).gradient;
  const Values found = zero.train_step(rows()).gradient;
  for (std::size_t i = 0; i < expected.size(); ++i) ASSERT_NEAR(found[i], expected[i], 1e-14);
}

TEST(Weights, AreRelativeToTheLossInItsUnits) {
  Assembled nats(kFlow);
  Assembled bits(kFlow, {"objective.units=bits_per_dim"});
  const auto in_nats = nats.train_step(rows()).result;
  const auto in_bits = bits.train_step(rows()).result;
  const double scale = 2.0 * std::numbers::ln2;
  EXPECT_NEAR(in_bits.metrics.at("nll"), in_nats.metrics.at("nll"), 1e-13);
  EXPECT_NEAR(in_bits.metrics.at("bits_per_dim"), in_nats.metrics.at("nll") / scale, 1e-13);
  EXPECT_NEAR(in_bits.loss,
              weighted(in_nats, 0.3, 0.2) - in_nats.metrics.at("nll") * (1.0 - 1.0 / scale), 1e-13);
}

TEST(Costs, AreMeansOverRowsByTheNameOfTheirBlock) {
  Assembled model(kFlow, {"flow.regularizers=[{use: kinetic, name: energy, weight: 2}]"});
  const Values data = normal(12, 2);
  double sum = 0.0;
  for (std::int64_t i = 0; i < 6; ++i) {
    const Values own(data.begin() + 2 * i, data.begin() + 2 * i + 2);
    sum += model.train_step(rows_of(own, 2, i)).result.costs.at("flow.energy");
  }
  EXPECT_NEAR(model.train_step(rows()).result.costs.at("flow.energy"), sum / 6.0, 1e-13);
}

TEST(Costs, AreLeftOutOfEvaluation) {
  // Evaluation integrates z and the log-density alone, so its adaptive steps are those of a model
  // without penalties.
  const std::string adaptive = "flow.solver={use: dopri5, rtol: 1e-6, atol: 1e-6}";
  Assembled with(kFlow, {adaptive});
  Assembled without(kFlow, {adaptive, "flow.regularizers=[]"});
  EXPECT_EQ(with.nll(rows()), without.nll(rows()));
}

TEST(Evaluations, CountBothDirectionsOfAllBlocks) {
  const std::string two =
      "objective: likelihood\ndata: moons\nmodel:\n"
      "  - {use: ode, name: a, field: {use: mlp, hidden: [4]}, solver: {use: rk4, steps: 3}}\n"
      "  - {use: ode, name: b, field: {use: mlp, hidden: [4]}, solver: {use: euler, steps: 5}}\n";
  Assembled model(two, {"a.gradient=adjoint", "b.gradient=adjoint"});
  const auto counts = model.train_step(rows()).result.evaluations;
  EXPECT_EQ(counts.forward, 4 * 3 + 5);
  EXPECT_EQ(counts.accepted, 3 + 5);
  EXPECT_EQ(counts.backward, 4 * 3 + 5);
}

TEST(Buffers, AreFittedToTheTrainingRows) {
  Assembled model(
      "precision: float64\nobjective: likelihood\ndata: moons\nmodel:\n"
      "  - {use: standardize, name: first}\n  - {use: standardize, name: second}\n"
      "  - {use: ode, field: {use: linear, matrix: [0, 0, 0, 0]}, divergence: {estimator: "
      "exact}}\n");
  Values data = {1.0, -4.0, 3.0, 8.0};
  model.fit(rows_of(data, 2));
  // Mean 2 and 2, deviation 1 and 6; the second block finds nothing left to do.
  std::map<std::string, Values> buffers;
  for (const model::Entry& entry : model.pipeline.buffers().entries) {
    const auto begin = model.buffers.begin() + static_cast<std::ptrdiff_t>(entry.offset);
    buffers[entry.name].assign(begin, begin + 2);
  }
  EXPECT_EQ(buffers.at("first.mean"), (Values{2.0, 2.0}));
  EXPECT_EQ(buffers.at("first.deviation"), (Values{1.0, 6.0}));
  EXPECT_EQ(buffers.at("second.mean"), (Values{0.0, 0.0}));
  EXPECT_EQ(buffers.at("second.deviation"), (Values{1.0, 1.0}));
  const double x0 = 3.0 - 2.0;
  const double x1 = (5.0 - 2.0) / 6.0;
  EXPECT_NEAR(model.nll(rows_of({3.0, 5.0}, 2)).front(),
              0.5 * (x0 * x0 + x1 * x1) + std::log(2.0 * std::numbers::pi) + std::log(6.0), 1e-13);
}

TEST(Features, AreWhatTheFirstSolveGets) {
  Assembled model(
      "precision: float64\nobjective: likelihood\ndata: moons\nmodel:\n"
      "  - {use: dequantize, levels: 2, noise: midpoint}\n"
      "  - {use: logit, alpha: 0.1}\n"
      "  - {use: ode, field: {use: mlp, hidden: [3]}, solver: {use: rk4, steps: 2}}\n");
  const auto features = model.features(rows_of({0.0, 1.0}, 2));
  EXPECT_EQ(features.width, 2);
  const auto s = [](double y) { return 0.1 + 0.8 * y; };
  for (std::size_t i = 0; i < 2; ++i) {
    const double p = s(i == 0 ? 0.25 : 0.75);
    EXPECT_NEAR(features.values[i], std::log(p / (1.0 - p)), 1e-14);
  }
  const double slope = 0.8 / (s(0.25) * (1.0 - s(0.25)));  // the same at 0.75
  EXPECT_NEAR(features.log_determinant.front(), 2.0 * std::log(slope / 2.0), 1e-14);
}

}  // namespace
}  // namespace odeum::model_tests
