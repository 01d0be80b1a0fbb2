// SPDX-License-Identifier: Apache-2.0
// The whole image flow, small: dequantization, logit, two scales, both penalties. On one batch
// with one noise and probe the loss is a function of the parameters alone, and descends.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "labelled_images.hpp"
#include "pipeline_of.hpp"

namespace odeum::model_tests {
namespace {

constexpr std::int64_t kPixels = 8 * 8;

std::string flow(const std::string& data) {
  return "seed: 3\n"
         "data: " +
         data +
         "\n"
         "model:\n"
         "  - {use: dequantize, name: dequantize, levels: 256}\n"
         "  - {use: logit, alpha: 0.05}\n"
         "  - use: multiscale\n"
         "    name: flow\n"
         "    scales: 2\n"
         "    blocks:\n"
         "      - use: ode\n"
         "        name: solve\n"
         "        field: {use: conv, hidden: [6, 6], zero_last: true}\n"
         "        solver: {use: kutta38, step: 0.25}\n"
         "        regularizers: [{use: kinetic, weight: 0.01}, {use: jacobian, weight: 0.01}]\n"
         "objective: {use: likelihood, units: bits_per_dim}\n";
}

/// Dark images with a bright square each.
model::Batch squares(std::int64_t rows) {
  Values levels;
  RandomStream random(8, 0);
  for (std::int64_t i = 0; i < rows; ++i) {
    const auto corner = static_cast<std::int64_t>(random.below(5));
    for (std::int64_t p = 0; p < kPixels; ++p) {
      const bool inside =
          p / 8 >= corner && p / 8 < corner + 4 && p % 8 >= corner && p % 8 < corner + 4;
      levels.push_back(inside ? 250.0 : 3.0);
    }
  }
  return rows_of(levels, kPixels);
}

TEST(ImageFlow, DescendsOnOneBatchWithOneNoise) {
  const DataOfWidth data(std::vector<std::int64_t>{1, 8, 8});
  Assembled model(flow(data.yaml()));
  const model::Batch batch = squares(8);
  constexpr int kSteps = 20;
  // Adam, as published.
  Values first(model.parameters.size(), 0.0);
  Values second = first;
  Values losses;
  for (int i = 1; i <= kSteps; ++i) {
    const Assembled::Step step = model.train_step(batch);
    losses.push_back(step.result.loss);
    for (std::size_t j = 0; j < first.size(); ++j) {
      first[j] = 0.9 * first[j] + 0.1 * step.gradient[j];
      second[j] = 0.999 * second[j] + 0.001 * step.gradient[j] * step.gradient[j];
      model.parameters[j] -= 1e-2 * (first[j] / (1.0 - std::pow(0.9, i))) /
                             (std::sqrt(second[j] / (1.0 - std::pow(0.999, i))) + 1e-8);
    }
  }
  for (int i = 1; i < kSteps; ++i)
    EXPECT_LT(losses[static_cast<std::size_t>(i)], losses[static_cast<std::size_t>(i - 1)]) << i;
  EXPECT_LT(losses.back(), losses.front() - 0.5);
}

TEST(ImageFlow, CountsBitsOfTheLevelsThemselves) {
  // Before training the field is a bias b, by scale and channel; with biases at zero too, each
  // element's density is N(logit(s)) times the slope of the logit, over 256 levels.
  const DataOfWidth data(std::vector<std::int64_t>{1, 8, 8});
  Assembled model(flow(data.yaml()), {"precision=float64", "dequantize.noise=midpoint"});
  for (const model::Entry& entry : model.pipeline.parameters().entries) {
    if (!entry.name.ends_with("layer2.bias")) continue;
    for (std::int64_t i = 0; i < entry.size; ++i)
      model.parameters[static_cast<std::size_t>(entry.offset + i)] = 0.0;
  }
  const Values bits =
      model.evaluate(rows_of(Values(kPixels, 40.0), kPixels)).metrics.at("bits_per_dim");
  const double s = 0.05 + 0.9 * 40.5 / 256.0;
  const double z = std::log(s / (1.0 - s));
  const double log_density = -0.5 * z * z - 0.5 * std::log(2.0 * std::acos(-1.0)) +
                             std::log(0.9 / (s * (1.0 - s))) - std::log(256.0);
  EXPECT_NEAR(bits.front(), -log_density / std::log(2.0), 1e-12);
}

TEST(ImageFlow, GivesTheLevelsBackFromTheirCodes) {
  // To the base and back by solves of 1e-5: far less than the half level that noise leaves on
  // average, and far more than is between most noise and the next level.
  const DataOfWidth data(std::vector<std::int64_t>{1, 8, 8});
  Assembled model(flow(data.yaml()),
                  {"precision=float64", "solve.solver={use: dopri5, rtol: 1e-9, atol: 1e-9}"});
  const Values noise = normal(model.parameters.size(), 5);
  for (std::size_t i = 0; i < noise.size(); ++i) model.parameters[i] += 0.1 * noise[i];
  const model::Batch batch = squares(4);
  EXPECT_EQ(model.reconstruct(batch), batch.columns[0]);
  // What is in between is another image: the codes are not the levels.
  EXPECT_NE(model.features(batch).values, batch.columns[0]);
}

TEST(ImageFlow, SaysWhichBlockHasNoWayBack) {
  const LabelledImages images(8);
  Assembled model("data: " + images.yaml() +
                  "\nmodel:\n  - {use: dense, name: head, features: 10}\n"
                  "objective: classification\n");
  try {
    model.reconstruct(images.rows(2));
    FAIL();
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("head"));
  }
}

}  // namespace
}  // namespace odeum::model_tests
