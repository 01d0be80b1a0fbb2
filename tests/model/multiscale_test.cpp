// SPDX-License-Identifier: Apache-2.0
// Splits and scales: what goes where, what leads back, and densities against differences.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>

#include "chain_of.hpp"

namespace odeum::model_tests {
namespace {

using testing::HasSubstr;

constexpr double kLog2Pi = 1.8378770664093454835606594728;
const std::string kTop = "seed: 4\nprecision: float64\nobjective: likelihood\ndata: moons\n";

/// Value and inverse of the value for one sample or more.
std::vector<Values> there_and_back(const std::string& model, const Shape& shape, const Values& x) {
  RecordedChain chain_of(kTop + model);
  const auto chain = chain_of.chain(shape);
  return chain_of.run(
      [&](model::Recorder& recorder, Tensor column) -> std::vector<Tensor> {
        const auto output = chain->forward(recorder, column, model::Use::evaluation);
        EXPECT_EQ(output.value.shape(), chain->output_shape());
        return {output.value, chain->inverse(recorder, output.value), output.log_determinant};
      },
      shape, x);
}

TEST(Split, SendsSecondHalvesToTheBaseInOrder) {
  const Values x{1, 2, 3, 4, 5, 6, 7, 8};
  const auto results = there_and_back("model: [split, split]\n", {kRows, 4}, x);
  EXPECT_EQ(results[0], (Values{3, 4, 2, 1, 7, 8, 6, 5}));
  EXPECT_EQ(results[1], x);
  EXPECT_EQ(results[2], (Values{0, 0}));
}

TEST(Split, CutsImagesByChannels) {
  const Values x{1, 2, 3, 4, 5, 6, 7, 8};
  const auto results = there_and_back("model: [split]\n", {kRows, 4, 1, 2}, x);
  EXPECT_EQ(results[0], (Values{5, 6, 7, 8, 1, 2, 3, 4}));
  EXPECT_EQ(results[1], x);
}

TEST(Split, RefusesAnOddNumberOfChannels) {
  EXPECT_THAT(refusal("objective: likelihood\ndata: moons\nmodel: [split, split]\n"),
              testing::AllOf(HasSubstr("'split2'"), HasSubstr("no even number")));
}

TEST(Squeeze, PutsEachSquaresPixelsIntoChannelsRowByRow) {
  // Two channels of 2 x 4: channel 0 counts from 0, channel 1 from 8.
  Values x(16);
  for (std::size_t i = 0; i < 16; ++i) x[i] = static_cast<double>(i);
  const auto results = there_and_back("model: [squeeze]\n", {kRows, 2, 2, 4}, x);
  EXPECT_EQ(results[0], (Values{0, 2, 1, 3, 4, 6, 5, 7, 8, 10, 9, 11, 12, 14, 13, 15}));
  EXPECT_EQ(results[1], x);
}

/// A flow at two scales of an image of 4 x 4.
std::string two_scales(const std::string& field = "{use: conv, hidden: [3]}") {
  return "model:\n"
         "  - use: multiscale\n"
         "    name: flow\n"
         "    scales: 2\n"
         "    blocks:\n"
         "      - use: ode\n"
         "        name: solve\n"
         "        field: " +
         field +
         "\n"
         "        solver: {use: dopri5, rtol: 1e-10, atol: 1e-10}\n"
         "        divergence: {estimator: exact}\n"
         "        regularizers: [kinetic]\n";
}

TEST(Multiscale, NamesItsBlocksByWhereTheyStand) {
  const DataOfWidth data(std::vector<std::int64_t>{1, 4, 4});
  Assembled model("seed: 1\nprecision: float64\nobjective: likelihood\ndata: " + data.yaml() +
                  "\n" + two_scales());
  std::vector<std::string> biases;
  for (const model::Entry& entry : model.pipeline.parameters().entries) {
    if (entry.name.ends_with("layer1.bias"))
      biases.push_back(entry.name + " " + entry.shape.text());
  }
  EXPECT_EQ(biases, (std::vector<std::string>{"flow.scale1.solve.field.layer1.bias [1]",
                                              "flow.scale1.squeezed.solve.field.layer1.bias [4]",
                                              "flow.scale2.solve.field.layer1.bias [2]"}));
  const auto step = model.train_step(rows_of(normal(32), 16));
  EXPECT_EQ(step.result.costs.size(), 3U);
  EXPECT_TRUE(step.result.costs.contains("flow.scale1.squeezed.solve.kinetic"));
}

TEST(Multiscale, LeadsBackAndHasTheDeterminantOfItsMap) {
  const Shape image{kRows, 1, 4, 4};
  const Values x = normal(16, 3);
  const auto results = there_and_back(two_scales(), image, x);
  for (std::size_t i = 0; i < 16; ++i) EXPECT_NEAR(results[1][i], x[i], 1e-8);

  // The Jacobian by central differences; all 32 points are one batch.
  constexpr double kStep = 1e-4;
  Values moved;
  for (std::size_t i = 0; i < 32; ++i) {
    Values point = x;
    point[i / 2] += i % 2 == 0 ? kStep : -kStep;
    moved.insert(moved.end(), point.begin(), point.end());
  }
  const Values values = there_and_back(two_scales(), image, moved)[0];
  std::vector<Values> jacobian(16, Values(16));
  for (std::size_t j = 0; j < 16; ++j) {
    for (std::size_t i = 0; i < 16; ++i)
      jacobian[i][j] = (values[32 * j + i] - values[32 * j + 16 + i]) / (2.0 * kStep);
  }
  double truth = 0.0;
  for (std::size_t k = 0; k < 16; ++k) {
    std::size_t pivot = k;
    for (std::size_t i = k; i < 16; ++i) {
      if (std::abs(jacobian[i][k]) > std::abs(jacobian[pivot][k])) pivot = i;
    }
    std::swap(jacobian[k], jacobian[pivot]);
    truth += std::log(std::abs(jacobian[k][k]));
    for (std::size_t i = k + 1; i < 16; ++i) {
      const double factor = jacobian[i][k] / jacobian[k][k];
      for (std::size_t j = k; j < 16; ++j) jacobian[i][j] -= factor * jacobian[k][j];
    }
  }
  EXPECT_GT(std::abs(truth), 1e-2) << "the map should do something";
  // Differences of step 1e-4: 1e-8 by truncation, 1e-6 by the tolerance 1e-10 over the step.
  EXPECT_NEAR(results[2][0], truth, 1e-5);
}

TEST(Multiscale, StartsAsATranslationInAllItsScales) {
  // A last layer of zeros: at x the density is N(z) with z a permutation of x plus biases, and the
  // log-determinant zero.
  const DataOfWidth data(std::vector<std::int64_t>{1, 4, 4});
  Assembled model("seed: 1\nprecision: float64\nobjective: likelihood\ndata: " + data.yaml() +
                  "\n" + two_scales("{use: conv, hidden: [3], zero_last: true}"));
  const auto bias = [&](const std::string& name, std::size_t i) {
    for (const model::Entry& entry : model.pipeline.parameters().entries) {
      if (entry.name == name + ".field.layer1.bias")
        return model.parameters[static_cast<std::size_t>(entry.offset) + i];
    }
    throw std::out_of_range(name);
  };
  // Of x = 0: the pixel of channel c behind the squeeze is b1 + b2[c], in scale 2 + b3[c] too.
  double squares = 0.0;
  for (std::size_t c = 0; c < 4; ++c) {
    double z = bias("flow.scale1.solve", 0) + bias("flow.scale1.squeezed.solve", c);
    if (c < 2) z += bias("flow.scale2.solve", c);
    squares += 4.0 * z * z;
  }
  const double nll = model.nll(rows_of(Values(16, 0.0), 16)).front();
  EXPECT_NEAR(nll, 0.5 * squares + 8.0 * kLog2Pi, 1e-12);
}

TEST(Multiscale, DrawsSamplesShapedAsTheData) {
  const DataOfWidth data(std::vector<std::int64_t>{1, 4, 4});
  Assembled model("seed: 1\nprecision: float64\nobjective: likelihood\ndata: " + data.yaml() +
                  "\n" + two_scales());
  EXPECT_EQ(model.pipeline.sample_shape(), (Shape{1, 4, 4}));
  EXPECT_EQ(model.sample(3, 1).size(), 48U);
}

TEST(Multiscale, RefusesImagesSmallerThanItsScales) {
  const DataOfWidth data(std::vector<std::int64_t>{1, 6, 6});
  const std::string text =
      "precision: float64\nobjective: likelihood\ndata: " + data.yaml() + "\n" + two_scales();
  EXPECT_EQ(refusal(text), "");
  EXPECT_THAT(refusal(text, {"flow.scales=3"}),
              testing::AllOf(HasSubstr("[2, 3, 3]"), HasSubstr("fewer scales")));
  EXPECT_THAT(
      refusal("precision: float64\nobjective: likelihood\ndata: moons\n" + two_scales("mlp")),
      HasSubstr("not samples of shape [2]"));
}

TEST(Multiscale, SendsSettingsForEvaluationToItsBlocks) {
  const DataOfWidth data(std::vector<std::int64_t>{1, 4, 4});
  EXPECT_THAT(refusal("objective: likelihood\ndata: " + data.yaml() + "\n" + two_scales() +
                      "    evaluate: {scales: 1}\n"),
              HasSubstr("in the blocks inside"));
}

TEST(Augment, HasNoDensity) {
  EXPECT_THAT(refusal("objective: likelihood\ndata: moons\nmodel: [{use: augment, channels: 3}]\n"),
              testing::AllOf(HasSubstr("2 dimensions into 5"), HasSubstr("no density")));
}

TEST(Augment, AddsZerosBehindAndDropsThemAgain) {
  const auto vector = there_and_back("model: [{use: augment, channels: 2}]\n", {kRows, 1}, {3, 4});
  EXPECT_EQ(vector[0], (Values{3, 0, 0, 4, 0, 0}));
  EXPECT_EQ(vector[1], (Values{3, 4}));
  const auto image = there_and_back("model: [augment]\n", {kRows, 1, 1, 2}, {3, 4});
  EXPECT_EQ(image[0], (Values{3, 4, 0, 0}));
}

}  // namespace
}  // namespace odeum::model_tests
