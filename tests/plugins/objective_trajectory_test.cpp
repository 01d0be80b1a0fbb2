// SPDX-License-Identifier: Apache-2.0
// Trajectory against its formulas; kRounding is a few units of float64's rounding.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "loaded.hpp"
#include "odeum/objective.hpp"
#include "odeum/transforms.hpp"
#include "tape.hpp"

namespace odeum::plugin_tests {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr double kRounding = 1e-14;
using Values = std::vector<double>;

/// A model whose states are given.
class Given final : public Model {
 public:
  explicit Given(Tensor states) : states_(states) {}
  Result forward(Tensor /*x*/) override { return {states_, {}}; }

 private:
  Tensor states_;
};

/// Two rows of three times of two features.
const Shape kSeries{kRows, 3, 2};
const Values kStates = {1, 2, 3, 4, 5, 6, 0, 0, 1, 1, 2, 2};
const Values kSeen = {0, 2, 3, 1, 5, 2, 1, 0, 1, 3, 2, 2};  // errors 1 0 0 3 0 4 | -1 0 0 -2 0 0

std::map<std::string, Values> metrics_of(const std::string& yaml, const Values& states,
                                         const Values& y, const Values& observed = {}) {
  const auto objective = make<Objective>("trajectory", yaml);
  Tape tape(2);
  Given model(tape.input("states", kSeries, states));
  std::map<std::string, Tensor> roles{
      {"x", tape.input("x", {kRows, 2}, Values(4, 0.0))},
      {observed.empty() ? "y" : "known", tape.input("y", kSeries, y)}};
  if (!observed.empty()) roles["observed"] = tape.input("observed", kSeries, observed);
  const Objective::Losses losses = objective->losses(tape.scope(), model, roles);
  std::map<std::string, Values> result{{"loss", tape.evaluate(losses.loss)}};
  for (const auto& [name, metric] : losses.metrics) result[name] = tape.evaluate(metric);
  return result;
}

void expect_near(const Values& found, const Values& expected) {
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) EXPECT_NEAR(found[i], expected[i], kRounding);
}

TEST(Trajectory, IsTheMeanSquareOverTimesAndFeatures) {
  const auto found = metrics_of("", kStates, kSeen);
  expect_near(found.at("loss"), {26.0 / 6.0, 5.0 / 6.0});
  expect_near(found.at("squared_error"), {26.0 / 6.0, 5.0 / 6.0});
  expect_near(found.at("absolute_error"), {8.0 / 6.0, 3.0 / 6.0});
  expect_near(found.at("squared_error_1"), {0.5, 0.5});
  expect_near(found.at("squared_error_2"), {4.5, 2.0});
  expect_near(found.at("squared_error_3"), {8.0, 0.0});
}

TEST(Trajectory, MayBeOfAbsoluteErrors) {
  const auto objective = make<Objective>("trajectory", "error: absolute");
  EXPECT_EQ(objective->units(), "absolute error");
  const auto found = metrics_of("error: absolute", kStates, kSeen);
  expect_near(found.at("loss"), {8.0 / 6.0, 3.0 / 6.0});
}

TEST(Trajectory, WeighsTimesInTheLossAlone) {
  const auto found = metrics_of("weights: [1, 0, 3]", kStates, kSeen);
  // The weighted mean of 0.5 and 8, of 0.5 and 0.
  expect_near(found.at("loss"), {(0.5 + 3 * 8.0) / 4.0, 0.5 / 4.0});
  expect_near(found.at("squared_error"), {26.0 / 6.0, 5.0 / 6.0});
}

// Errors - 0 0 3 0 - of the first row, and nothing of the second.
const Values kObserved = {0, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0};

TEST(Trajectory, PassesOverWhatWasNotObserved) {
  const auto found = metrics_of("missing: skipped", kStates, kSeen, kObserved);
  expect_near(found.at("loss"), {9.0 / 4.0, 0.0});
  expect_near(found.at("observed"), {4.0 / 6.0, 0.0});
  expect_near(found.at("squared_error_1"), {0.0, 0.0});
  expect_near(found.at("observed_1"), {0.5, 0.0});
  expect_near(found.at("squared_error_2"), {4.5, 0.0});
}

TEST(Trajectory, HasDerivativesWithoutWhatWasNotObserved) {
  const auto objective = make<Objective>("trajectory", "missing: skipped");
  Tape tape(2);
  const Tensor states = tape.input("states", kSeries, kStates);
  Given model(states);
  const Objective::Losses losses =
      objective->losses(tape.scope(), model,
                        {{"x", tape.input("x", {kRows, 2}, Values(4, 0.0))},
                         {"known", tape.input("known", kSeries, kSeen)},
                         {"observed", tape.input("observed", kSeries, kObserved)}});
  const std::array outputs{losses.loss};
  const std::array inputs{states};
  const std::array seeds{ones_like(losses.loss)};
  const Values slope = tape.evaluate(vjp(outputs, inputs, seeds).front());
  // 2 error / number of those observed.
  expect_near(slope, {0, 0, 0, 6.0 / 4.0, 0, 0, 0, 0, 0, 0, 0, 0});
}

TEST(Trajectory, HasRootsOfMeansOverAllRowsAndAtEachHorizon) {
  const auto objective = make<Objective>("trajectory");
  const auto figures = objective->figures(
      {{"squared_error", {1, 7}}, {"squared_error_3", {8, 10}}, {"absolute_error", {1, 2}}});
  EXPECT_EQ(figures.size(), 2U);
  EXPECT_NEAR(figures.at("root_mean_squared_error"), 2.0, kRounding);
  EXPECT_NEAR(figures.at("root_mean_squared_error_3"), 3.0, kRounding);
  // Rows count as much as was seen of them.
  const auto skipping = make<Objective>("trajectory", "missing: skipped");
  EXPECT_NEAR(skipping->figures({{"squared_error", {1, 7}}, {"observed", {0.25, 0.75}}})
                  .at("root_mean_squared_error"),
              std::sqrt(5.5), kRounding);
}

TEST(Trajectory, NamesTenHorizonsOrThoseAskedFor) {
  const auto names = [](const std::string& yaml, std::int64_t times) {
    const auto objective = make<Objective>("trajectory", yaml);
    Tape tape(1);
    const Shape shape{kRows, times};
    const Values zeros(static_cast<std::size_t>(times), 0.0);
    Given model(tape.input("states", {kRows, times, 1}, zeros));
    const Objective::Losses losses = objective->losses(
        tape.scope(), model,
        {{"x", tape.input("x", {kRows}, {0.0})}, {"y", tape.input("y", shape, zeros)}});
    std::vector<std::string> found;
    for (const auto& [name, metric] : losses.metrics) found.push_back(name);
    return found;
  };
  EXPECT_EQ(names("", 25).size(), 12U);
  EXPECT_EQ(names("", 25)[2], "squared_error_03");
  EXPECT_EQ(names("", 25)[11], "squared_error_25");
  EXPECT_THAT(
      names("horizons: [1, 100]", 100),
      ElementsAre("squared_error", "absolute_error", "squared_error_001", "squared_error_100"));
}

TEST(Trajectory, SaysWhatDoesNotFit) {
  const auto refused = [](const std::string& yaml, const Shape& states) -> std::string {
    try {
      const auto objective = make<Objective>("trajectory", yaml);
      Tape tape(1);
      Given model(
          tape.input("states", states, Values(static_cast<std::size_t>(states.elements(1)), 0.0)));
      objective->losses(tape.scope(), model,
                        {{"x", tape.input("x", {kRows, 2}, {0, 0})},
                         {"y", tape.input("y", kSeries, Values(6, 0.0))}});
    } catch (const std::exception& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_EQ(refused("", {kRows, 3, 2}), "");
  EXPECT_THAT(refused("", {kRows, 2}), HasSubstr("as many `times` as y has"));
  EXPECT_THAT(refused("", {kRows, 2, 3}), HasSubstr("as many `times` as y has"));
  EXPECT_THAT(refused("weights: [1, 2]", kSeries), HasSubstr("2 weights for 3 times"));
  EXPECT_THAT(refused("weights: [0, 0, 0]", kSeries), HasSubstr("all zero"));
  EXPECT_THAT(refused("horizons: [4]", kSeries), HasSubstr("horizon 4 of 3 times"));
  EXPECT_THAT(refused("horizons: [1, 1]", kSeries), HasSubstr("twice"));
}

}  // namespace
}  // namespace odeum::plugin_tests
