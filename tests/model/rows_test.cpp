// SPDX-License-Identifier: Apache-2.0
// A sample is a sample whatever stands beside it; draws depend on names and indices alone; and
// threads change nothing.
#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "pipeline_of.hpp"

namespace odeum::model_tests {
namespace {

const char* const kFlow = R"(
seed: 11
precision: float64
objective: likelihood
data: moons
model:
  - {use: dequantize, levels: 4}
  - {use: logit, name: stretched}
  - use: ode
    name: flow
    field: {use: mlp, hidden: [24, 24], activation: tanh, time: concatsquash}
    solver: {use: kutta38, step: 0.25}
    gradient: backprop
    divergence: {estimator: hutchinson}
    regularizers: [{use: kinetic, weight: 0.3}, {use: jacobian, weight: 0.2}]
)";

Values levels(std::size_t count) {
  Values values(count);
  RandomStream random(8, 0);
  for (double& value : values) value = static_cast<double>(random.below(4));
  return values;
}

// Kernels may differ between the middle and the edge of a batch, by rounding of sums of 24 terms.
constexpr double kRounding = 1e-12;

TEST(Rows, HaveTheSameMetricsInEveryBatch) {
  Assembled model(kFlow);
  constexpr std::size_t kCount = 37;
  const Values data = levels(2 * kCount);
  const Values together = model.nll(rows_of(data, 2));
  for (std::size_t i = 0; i < kCount; ++i) {
    const Values own(data.begin() + static_cast<std::ptrdiff_t>(2 * i),
                     data.begin() + static_cast<std::ptrdiff_t>(2 * i + 2));
    // The probe and the dequantization of a sample depend on its index alone, too.
    const double alone = model.nll(rows_of(own, 2, static_cast<std::int64_t>(i))).front();
    EXPECT_NEAR(alone, together[i], kRounding * std::abs(together[i])) << "row " << i;
    if (i == 0) continue;
    EXPECT_NE(model.nll(rows_of(own, 2, 0)).front(), together[i]) << "another sample's noise";
  }
}

TEST(Rows, MayComeInAnyOrder) {
  Assembled model(kFlow);
  const Values data = levels(20);
  model::Batch batch = rows_of(data, 2);
  const Values straight = model.nll(batch);
  for (std::size_t i = 0; i < 10; ++i) {
    batch.samples[i] = static_cast<std::int64_t>(9 - i);
    batch.columns[0][2 * i] = data[2 * (9 - i)];
    batch.columns[0][2 * i + 1] = data[2 * (9 - i) + 1];
  }
  const Values turned = model.nll(batch);
  for (std::size_t i = 0; i < 10; ++i)
    EXPECT_NEAR(turned[9 - i], straight[i], kRounding * std::abs(straight[i]));
}

TEST(Rows, GiveABatchTheMeanOfTheirLossesAndGradients) {
  // With given steps rows do not meet but in the mean: that of 12 is the mean of those of 5 and 7.
  Assembled model(kFlow);
  const Values data = levels(24);
  const auto all = model.train_step(rows_of(data, 2));
  const auto first = model.train_step(rows_of(Values(data.begin(), data.begin() + 10), 2));
  const auto second = model.train_step(rows_of(Values(data.begin() + 10, data.end()), 2, 5));
  const auto weighted = [](double a, double b) { return (5.0 * a + 7.0 * b) / 12.0; };
  EXPECT_NEAR(all.result.loss, weighted(first.result.loss, second.result.loss), 1e-12);
  EXPECT_NEAR(
      all.result.costs.at("flow.jacobian"),
      weighted(first.result.costs.at("flow.jacobian"), second.result.costs.at("flow.jacobian")),
      1e-12);
  for (std::size_t i = 0; i < all.gradient.size(); ++i)
    ASSERT_NEAR(all.gradient[i], weighted(first.gradient[i], second.gradient[i]), 1e-11) << i;
}

TEST(Steps, LeaveNothingBehindForTheNext) {
  // Short last batches and evaluations in between use the same memory.
  for (const char* gradient : {"flow.gradient=backprop", "flow.gradient=adjoint"}) {
    Assembled model(kFlow, {gradient});
    const auto large = rows_of(levels(2 * 60), 2);
    const auto small = rows_of(levels(2 * 7), 2, 60);
    const auto first = model.train_step(large);
    const auto short_one = model.train_step(small);
    model.nll(rows_of(levels(2 * 90), 2));
    const auto second = model.train_step(large);
    EXPECT_EQ(second.result.loss, first.result.loss);
    EXPECT_EQ(second.gradient, first.gradient);
    Assembled fresh(kFlow, {gradient});
    EXPECT_EQ(fresh.train_step(small).gradient, short_one.gradient);
  }
}

TEST(Rows, MayBeImages) {
  // A net that flattens its state sees the same numbers.
  const DataOfWidth flat(6);
  const DataOfWidth image(std::vector<std::int64_t>{2, 3});
  const std::string model =
      "seed: 2\nprecision: float64\nobjective: likelihood\nmodel: [{use: ode, name: flow, field: "
      "{use: mlp, hidden: [9]}, solver: {use: rk4, steps: 3}, divergence: {estimator: exact}, "
      "regularizers: [kinetic, jacobian]}]\ndata: ";
  Assembled vectors(model + flat.yaml() + "\n");
  Assembled images(model + image.yaml() + "\n");
  EXPECT_EQ(images.pipeline.sample_shape(), (Shape{2, 3}));
  const auto batch = rows_of(normal(6 * 11), 6);
  const Values expected = vectors.nll(batch);
  const Values found = images.nll(batch);
  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(found[i], expected[i], 1e-12);
  const auto of_vectors = vectors.train_step(batch);
  const auto of_images = images.train_step(batch);
  EXPECT_NEAR(of_images.result.loss, of_vectors.result.loss, 1e-12);
  for (std::size_t i = 0; i < of_vectors.gradient.size(); ++i)
    ASSERT_NEAR(of_images.gradient[i], of_vectors.gradient[i], 1e-12);
}

TEST(Noise, IsDrawnAnewForEachStepAndEachPurpose) {
  Assembled model(kFlow);
  const auto batch = rows_of(levels(16), 2);
  const double loss = model.train_step(batch, 0).result.loss;
  EXPECT_EQ(model.train_step(batch, 0).result.loss, loss);
  EXPECT_NE(model.train_step(batch, 1).result.loss, loss);
  EXPECT_NE(mean(model.nll(batch, 0)), model.train_step(batch, 0).result.metrics.at("nll"));
}

TEST(Noise, FollowsTheSeed) {
  Assembled model(kFlow);
  Assembled other(kFlow, {"seed=12"});
  other.parameters = model.parameters;
  const auto batch = rows_of(levels(16), 2);
  EXPECT_NE(other.nll(batch), model.nll(batch));
}

class Threads : public testing::TestWithParam<std::vector<std::string>> {};

TEST_P(Threads, ChangeNoBit) {
  std::vector<std::string> sets = GetParam();
  sets.push_back("device.threads=1");
  Assembled one(kFlow, sets);
  sets.back() = "device.threads=2";
  Assembled two(kFlow, sets);
  const auto batch = rows_of(levels(2 * 700), 2);  // more rows than one tile of any kind
  const auto first = one.train_step(batch);
  const auto second = two.train_step(batch);
  EXPECT_EQ(first.result.loss, second.result.loss);
  EXPECT_EQ(first.result.costs, second.result.costs);
  EXPECT_EQ(first.gradient, second.gradient);
  EXPECT_EQ(one.nll(batch), two.nll(batch));
  EXPECT_EQ(one.sample(700, 4), two.sample(700, 4));
}

INSTANTIATE_TEST_SUITE_P(
    With, Threads,
    testing::Values(std::vector<std::string>{}, std::vector<std::string>{"precision=float32"},
                    std::vector<std::string>{"precision=float32", "flow.field.hidden=[300, 300]"},
                    std::vector<std::string>{"flow.gradient=adjoint",
                                             "flow.solver={use: dopri5, rtol: 1e-6}"}));

std::map<std::string, Values> named_parameters(const Assembled& model) {
  std::map<std::string, Values> all;
  for (const model::Entry& entry : model.pipeline.parameters().entries) {
    const auto begin = model.parameters.begin() + static_cast<std::ptrdiff_t>(entry.offset);
    all[entry.name].assign(begin, begin + static_cast<std::ptrdiff_t>(entry.size));
  }
  return all;
}

TEST(InitialParameters, DependOnSeedAndNameNotOnOtherBlocks) {
  const std::string flow =
      "{use: ode, name: flow, field: {use: mlp, hidden: [6]}, solver: {use: rk4, steps: 2}}";
  const std::string other =
      "{use: ode, name: other, field: {use: mlp, hidden: [9]}, solver: {use: rk4, steps: 2}}";
  const std::string head = "objective: likelihood\ndata: moons\n";
  const Assembled alone(head + "seed: 4\nmodel: [" + flow + "]\n");
  const Assembled behind(head + "seed: 4\nmodel: [logit, " + other + ", " + flow + "]\n");
  const Assembled reseeded(head + "seed: 5\nmodel: [" + flow + "]\n");
  const auto expected = named_parameters(alone);
  const auto found = named_parameters(behind);
  ASSERT_GE(expected.size(), 4U);
  EXPECT_GT(found.size(), expected.size());
  for (const auto& [name, values] : expected) {
    ASSERT_EQ(found.count(name), 1U) << name;
    EXPECT_EQ(found.at(name), values) << name;
  }
  EXPECT_NE(named_parameters(reseeded), expected);
  // Other names, other draws: the layers are no copies of each other.
  EXPECT_NE(found.at("flow.field.layer1.bias"), found.at("other.field.layer1.bias"));
}

TEST(InitialParameters, AreUniformWithinTheirBound) {
  const Assembled model(
      "objective: likelihood\ndata: moons\nmodel: [{use: ode, name: flow, field: {use: mlp, "
      "hidden: [100, 100], time: ignore}, solver: {use: rk4, steps: 1}}]\n");
  // Within 1 / sqrt(fan in) = 0.1, of deviation 0.1 / sqrt(3); 10,000 draws know it to 1 %.
  const Values weights = named_parameters(model).at("flow.field.layer1.weight");
  ASSERT_EQ(weights.size(), 10000U);
  double squares = 0.0;
  for (const double w : weights) {
    ASSERT_LE(std::abs(w), 0.1);
    squares += w * w / 10000.0;
  }
  EXPECT_NEAR(mean(weights), 0.0, 4.0 * 0.1 / std::sqrt(3.0 * 10000.0));
  EXPECT_NEAR(std::sqrt(3.0 * squares), 0.1, 0.002);
}

}  // namespace
}  // namespace odeum::model_tests
