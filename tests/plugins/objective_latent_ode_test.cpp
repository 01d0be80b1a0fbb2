// SPDX-License-Identifier: Apache-2.0
// The objective latent_ode against its formulas; kRounding is a few units of float64's rounding.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <stdexcept>

#include "loaded.hpp"
#include "odeum/objective.hpp"
#include "tape.hpp"

namespace odeum::plugin_tests {
namespace {

using testing::HasSubstr;

constexpr double kRounding = 1e-13;
using Values = std::vector<double>;

/// A model whose series are given, and what they cost.
class Given final : public Model {
 public:
  Given(Tensor series, Tensor cost) : series_(series), cost_(cost) {}
  Result forward(Tensor /*x*/) override { return {series_, {}, cost_}; }

 private:
  Tensor series_;
  Tensor cost_;
};

/// Two rows of three times of one feature; the errors are 1, -2, 3 and 0, 1, 0.
const Values kSeries = {1, 2, 3, 4, 5, 6};
const Values kKnown = {0, 4, 0, 4, 4, 6};
const Values kTruth = {1, 1, 1, 4, 6, 8};
const Values kAll = {1, 1, 1, 1, 1, 1};
const Values kCost = {0.5, 0.25};

struct Found {
  Values loss;
  std::map<std::string, Values> metrics;
  Values weighted;
};

Found losses(const std::string& yaml, const Values& observed = kAll, std::int64_t times = 3,
             bool costs = true) {
  const auto objective = make<Objective>("latent_ode", yaml);
  Tape tape(2);
  Values series = kSeries;
  if (times == 2) series = {1, 2, 4, 5};
  const Shape shape{kRows, 3, 1};
  Given model(tape.input("series", {kRows, times, 1}, series),
              costs ? tape.input("cost", {kRows}, kCost) : Tensor());
  const std::map<std::string, Tensor> roles{{"x", tape.input("x", {kRows, 1}, {0, 0})},
                                            {"known", tape.input("known", shape, kKnown)},
                                            {"observed", tape.input("observed", shape, observed)},
                                            {"truth", tape.input("truth", shape, kTruth)}};
  const Objective::Losses all = objective->losses(tape.scope(), model, roles);
  Found found{tape.evaluate(all.loss), {}, tape.evaluate(all.weighted.at(0).value)};
  for (const auto& [name, value] : all.metrics) found.metrics[name] = tape.evaluate(value);
  EXPECT_EQ(all.metrics.front().first, "negative_bound");
  return found;
}

std::string refusal(const std::string& yaml, std::int64_t times, bool costs) {
  try {
    losses(yaml, kAll, times, costs);
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "";
}

void expect_near(const Values& found, const Values& expected) {
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) EXPECT_NEAR(found[i], expected[i], kRounding);
}

/// -ln of n normal densities whose errors' squares are together `squares`.
double nll(double squares, int n, double deviation) {
  return 0.5 * squares / (deviation * deviation) +
         n * (std::log(deviation) + 0.5 * std::log(2.0 * std::numbers::pi));
}

TEST(LatentOde, IsTheGaussiansLogDensityAndTheDivergence) {
  const Found found = losses("deviation: 0.5\n");
  const Values expected = {nll(14, 3, 0.5), nll(1, 3, 0.5)};
  expect_near(found.loss, expected);
  expect_near(found.weighted, kCost);
  expect_near(found.metrics.at("nll"), expected);
  expect_near(found.metrics.at("kl"), kCost);
  expect_near(found.metrics.at("negative_bound"), {expected[0] + 0.5, expected[1] + 0.25});
}

TEST(LatentOde, CountsWhatWasObserved) {
  const Found found = losses("deviation: 0.5\n", {1, 0, 1, 0, 0, 0});
  expect_near(found.loss, {nll(10, 2, 0.5), 0.0});
  expect_near(found.metrics.at("squared_error"), {5.0, 0.0});
  expect_near(found.metrics.at("observed"), {2.0 / 3.0, 0.0});
}

TEST(LatentOde, LeavesTimesAheadOutOfTheLoss) {
  const Found found = losses("deviation: 2\nahead: 1\n");
  expect_near(found.loss, {nll(5, 2, 2.0), nll(1, 2, 2.0)});
  expect_near(found.metrics.at("squared_error"), {2.5, 0.5});
  expect_near(found.metrics.at("squared_error_ahead"), {9.0, 0.0});
}

TEST(LatentOde, TakesModelsThatStopBeforeTheTimesAhead) {
  const Found found = losses("deviation: 2\nahead: 1\n", kAll, 2);
  expect_near(found.loss, {nll(5, 2, 2.0), nll(1, 2, 2.0)});
  EXPECT_EQ(found.metrics.count("squared_error_ahead"), 0U);
}

TEST(LatentOde, MeasuresErrorsAgainstTheTruthWhereThatIsHad) {
  const Found found = losses("errors: truth\nahead: 1\n", {1, 0, 1, 0, 0, 0});
  expect_near(found.metrics.at("squared_error"), {0.5, 0.5});
  expect_near(found.metrics.at("squared_error_ahead"), {4.0, 4.0});
  EXPECT_EQ(found.metrics.count("observed"), 0U);
  EXPECT_EQ(make<Objective>("latent_ode", "errors: truth\n")->roles().back(), "truth");
}

TEST(LatentOde, HasRootsOfMeansOverWhatWasObserved) {
  const auto objective = make<Objective>("latent_ode");
  const auto figures = objective->figures({{"squared_error", {4, 1}},
                                           {"observed", {0.75, 0.25}},
                                           {"squared_error_ahead", {1, 7}},
                                           {"kl", {1, 1}}});
  EXPECT_EQ(figures.size(), 2U);
  EXPECT_NEAR(figures.at("root_mean_squared_error"), std::sqrt(3.25), kRounding);
  EXPECT_NEAR(figures.at("root_mean_squared_error_ahead"), 2.0, kRounding);
}

TEST(LatentOde, RefusesModelsWithoutALatentStateOrOfOtherTimes) {
  EXPECT_THAT(refusal("", 3, false), HasSubstr("diagonal_gaussian"));
  EXPECT_THAT(refusal("", 2, true), HasSubstr("as many `times`"));
  EXPECT_THAT(refusal("ahead: 3\n", 3, true), HasSubstr("none is left"));
}

}  // namespace
}  // namespace odeum::plugin_tests
