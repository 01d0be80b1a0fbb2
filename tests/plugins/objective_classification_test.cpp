// SPDX-License-Identifier: Apache-2.0
// Classification against its formulas; kRounding is a few units of float64's rounding.
#include <gtest/gtest.h>

#include <cmath>

#include "loaded.hpp"
#include "odeum/objective.hpp"
#include "tape.hpp"

namespace odeum::plugin_tests {
namespace {

constexpr double kRounding = 1e-14;
using Values = std::vector<double>;

/// Hands the data through as the logits.
class Identity final : public Model {
 public:
  Result forward(Tensor x) override { return {x, {}}; }
};

std::map<std::string, Values> metrics_of(const Values& logits, std::int64_t classes,
                                         const Shape& label_shape, const Values& labels) {
  const auto objective = make<Objective>("classification");
  const auto rows = static_cast<std::int64_t>(logits.size()) / classes;
  Tape tape(rows);
  Identity model;
  const Objective::Losses losses =
      objective->losses(tape.scope(), model,
                        {{"x", tape.input("x", {kRows, classes}, logits)},
                         {"label", tape.input("label", label_shape, labels)}});
  std::map<std::string, Values> result;
  for (const auto& [name, metric] : losses.metrics) result[name] = tape.evaluate(metric);
  result["loss"] = tape.evaluate(losses.loss);
  return result;
}

TEST(Classification, IsTheCrossEntropyOfTheClass) {
  const auto found = metrics_of({0.5, -1.0, 2.0, 1.0, 3.0, 0.0}, 3, {kRows}, {2, 0});
  const double first = std::exp(0.5) + std::exp(-1.0) + std::exp(2.0);
  const double second = std::exp(1.0) + std::exp(3.0) + 1.0;
  EXPECT_NEAR(found.at("loss")[0], std::log(first) - 2.0, kRounding);
  EXPECT_NEAR(found.at("loss")[1], std::log(second) - 1.0, kRounding);
  EXPECT_EQ(found.at("accuracy"), (Values{1.0, 0.0}));
  EXPECT_NEAR(found.at("confidence")[0], std::exp(2.0) / first, kRounding);
  EXPECT_NEAR(found.at("confidence")[1], std::exp(3.0) / second, kRounding);
}

TEST(Classification, CountsATieOfClassesByItsShare) {
  const auto found = metrics_of({1.0, 1.0, 1.0, 1.0}, 4, {kRows}, {3});
  EXPECT_NEAR(found.at("accuracy")[0], 0.25, kRounding);
  EXPECT_NEAR(found.at("loss")[0], std::log(4.0), kRounding);
}

TEST(Classification, DoesNotOverflowWithLargeLogits) {
  const auto found = metrics_of({1000.0, -1000.0}, 2, {kRows}, {1});
  EXPECT_NEAR(found.at("loss")[0], 2000.0, 2000.0 * kRounding);
}

TEST(Classification, TakesWeightsOfTheClasses) {
  const auto found = metrics_of({0.5, -1.0}, 2, {kRows, 2}, {0.75, 0.25});
  const double normaliser = std::log(std::exp(0.5) + std::exp(-1.0));
  EXPECT_NEAR(found.at("loss")[0], normaliser - 0.75 * 0.5 + 0.25, kRounding);
  EXPECT_EQ(found.at("accuracy"), (Values{1.0}));
}

TEST(Classification, IsNoNumberForALabelThatIsNoneOfTheClasses) {
  for (const double label : {3.0, -1.0, 0.5}) {
    const auto found = metrics_of({0.5, -1.0, 2.0}, 3, {kRows}, {label});
    EXPECT_TRUE(std::isnan(found.at("loss")[0])) << label;
  }
}

TEST(Classification, SaysWhenModelAndLabelsDoNotFit) {
  EXPECT_THROW(metrics_of({1.0, 2.0, 3.0}, 3, {kRows, 2}, {0.0, 1.0}), std::invalid_argument);
}

TEST(Classification, HasTheCalibrationErrorOfGuo) {
  const auto objective = make<Objective>("classification", "bins: 2\n");
  // Up to a half: mean confidence 0.4, half of them right; above: 0.9, three in four right.
  const std::map<std::string, Values> metrics{{"confidence", {0.3, 0.5, 0.8, 0.9, 0.9, 1.0}},
                                              {"accuracy", {0, 1, 1, 1, 0, 1}}};
  const double truth = (2.0 * 0.1 + 4.0 * 0.15) / 6.0;
  EXPECT_NEAR(objective->figures(metrics).at("calibration_error"), truth, kRounding);
}

TEST(Classification, IsPerfectlyCalibratedWhereConfidenceIsTheShareOfHits) {
  const auto objective = make<Objective>("classification");
  const std::map<std::string, Values> metrics{{"confidence", {0.75, 0.75, 0.75, 0.75}},
                                              {"accuracy", {1, 0, 1, 1}}};
  EXPECT_NEAR(objective->figures(metrics).at("calibration_error"), 0.0, kRounding);
}

}  // namespace
}  // namespace odeum::plugin_tests
