// SPDX-License-Identifier: Apache-2.0
// Regression against its formulas; kRounding is a few units of float64's rounding.
#include <gtest/gtest.h>

#include <cmath>

#include "loaded.hpp"
#include "odeum/objective.hpp"
#include "tape.hpp"

namespace odeum::plugin_tests {
namespace {

constexpr double kRounding = 1e-14;
using Values = std::vector<double>;

/// Twice the data, so that input and value cannot be mistaken for each other.
class Twice final : public Model {
 public:
  Result forward(Tensor x) override { return {2.0 * x, {}}; }
};

std::map<std::string, Values> metrics_of(const Shape& x_shape, const Values& x,
                                         const Shape& y_shape, const Values& y) {
  const auto objective = make<Objective>("regression");
  Tape tape(2);
  Twice model;
  const Objective::Losses losses =
      objective->losses(tape.scope(), model,
                        {{"x", tape.input("x", x_shape, x)}, {"y", tape.input("y", y_shape, y)}});
  std::map<std::string, Values> result{{"loss", tape.evaluate(losses.loss)}};
  for (const auto& [name, metric] : losses.metrics) result[name] = tape.evaluate(metric);
  return result;
}

TEST(Regression, IsTheMeanSquareOfTheElementsErrors) {
  const auto found =
      metrics_of({kRows, 2}, {1.0, 2.0, 0.5, -1.0}, {kRows, 2}, {5.0, 4.0, 1.0, 1.0});
  EXPECT_NEAR(found.at("loss")[0], (9.0 + 0.0) / 2.0, kRounding);
  EXPECT_NEAR(found.at("loss")[1], (0.0 + 9.0) / 2.0, kRounding);
  EXPECT_EQ(found.at("squared_error"), found.at("loss"));
  EXPECT_NEAR(found.at("absolute_error")[0], 1.5, kRounding);
}

TEST(Regression, TakesAColumnOfNumbersAsATargetOfOneElement) {
  const auto found = metrics_of({kRows, 1}, {1.0, 3.0}, {kRows}, {1.5, 6.0});
  EXPECT_NEAR(found.at("loss")[0], 0.25, kRounding);
  EXPECT_NEAR(found.at("loss")[1], 0.0, kRounding);
}

TEST(Regression, SaysWhenModelAndTargetDoNotFit) {
  EXPECT_THROW(metrics_of({kRows, 2}, {1, 2, 3, 4}, {kRows}, {1, 2}), std::invalid_argument);
}

TEST(Regression, HasTheRootOfTheMeanOverAllRows) {
  const auto objective = make<Objective>("regression");
  const auto figures = objective->figures({{"squared_error", {1.0, 4.0, 4.0, 7.0}}});
  EXPECT_NEAR(figures.at("root_mean_squared_error"), 2.0, kRounding);
}

}  // namespace
}  // namespace odeum::plugin_tests
