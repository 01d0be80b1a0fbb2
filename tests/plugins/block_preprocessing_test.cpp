// SPDX-License-Identifier: Apache-2.0
// The preprocessing blocks: values by their formulas, log-determinants by central differences of
// the values (at step 1e-6 truncation and rounding are below 1e-9 each), inverses by the round
// trip.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "loaded.hpp"
#include "odeum/block.hpp"
#include "tape.hpp"

namespace odeum::plugin_tests {
namespace {

using testing::HasSubstr;
constexpr double kRounding = 1e-13;
constexpr double kDifferences = 1e-8;

using Values = std::vector<double>;
using Given = std::map<std::string, Values>;

struct Mapped {
  Values value;
  Values log_determinant;  ///< empty: none
};

Mapped forward(const Block& block, const Shape& shape, const Values& x, const Given& given = {}) {
  const auto rows = static_cast<std::int64_t>(x.size()) / shape.elements(1);
  Tape tape(rows);
  tape.given = given;
  const Block::Output out = block.forward(tape.scope(), tape.input("x", shape, x));
  Mapped result{tape.evaluate(out.value), {}};
  if (out.log_determinant) {
    EXPECT_EQ(out.log_determinant.shape(), Shape{kRows});
    EXPECT_EQ(out.log_determinant.dtype(), DType::f64);
    result.log_determinant = tape.evaluate(out.log_determinant);
  }
  return result;
}

Values inverse(const Block& block, const Shape& shape, const Values& y, const Given& given = {}) {
  Tape tape(static_cast<std::int64_t>(y.size()) / shape.elements(1));
  tape.given = given;
  return tape.evaluate(block.inverse(tape.scope(), tape.input("y", shape, y)));
}

/// ln |det| of one sample's elementwise map, from differences.
double log_slope(const Block& block, const Values& x, const Given& given) {
  constexpr double kStep = 1e-6;
  const Shape shape{kRows, static_cast<std::int64_t>(x.size())};
  double sum = 0.0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    Values up = x;
    Values down = x;
    up[i] += kStep;
    down[i] -= kStep;
    const Values high = forward(block, shape, up, given).value;
    const Values low = forward(block, shape, down, given).value;
    for (std::size_t j = 0; j < x.size(); ++j) {
      if (j != i) {
        EXPECT_EQ(high[j], low[j]);
      }
    }
    sum += std::log(std::abs(high[i] - low[i]) / (2.0 * kStep));
  }
  return sum;
}

void expect_near(const Values& values, const Values& truth, double tolerance) {
  ASSERT_EQ(values.size(), truth.size());
  for (std::size_t i = 0; i < truth.size(); ++i) EXPECT_NEAR(values[i], truth[i], tolerance) << i;
}

TEST(Standardize, TakesMeanAndDeviationFromTheTrainingRows) {
  const auto block = make<Block>("standardize");
  EXPECT_TRUE(block->needs_moments());
  const Given moments = block->fit({{1, -2, 0.5}, {2, 0.5, 10}});
  const Values x{3, -2, 0.5, 1, -1.5, 20.5};
  const Mapped y = forward(*block, {kRows, 3}, x, moments);
  expect_near(y.value, {1, 0, 0, 0, 1, 2}, kRounding);
  expect_near(y.log_determinant, Values(2, -std::log(10.0)), kRounding);
  EXPECT_NEAR(y.log_determinant[0], log_slope(*block, {3, -2, 0.5}, moments), kDifferences);
  expect_near(inverse(*block, {kRows, 3}, y.value, moments), x, kRounding);
}

TEST(Standardize, CountsNoDeterminantWhereToldToIgnoreIt) {
  const auto block = make<Block>("standardize", "log_determinant: ignore\n");
  EXPECT_TRUE(forward(*block, {kRows, 1}, {3}, block->fit({{1}, {2}})).log_determinant.empty());
}

TEST(Standardize, KeepsTheShapeOfASample) {
  const auto block = make<Block>("standardize");
  const Given moments = block->fit({{1, 2, 3, 4}, {1, 1, 1, 2}});
  const Mapped y = forward(*block, {kRows, 2, 2}, {1, 2, 3, 6}, moments);
  expect_near(y.value, {0, 0, 0, 1}, kRounding);
  EXPECT_NEAR(y.log_determinant[0], -std::log(2.0), kRounding);
}

TEST(Standardize, TellsAConstantFeature) {
  EXPECT_THAT(config_error([] {
                make<Block>("standardize")->fit({{1, 2}, {1, 0}});
              }),
              testing::AllOf(HasSubstr("test.yaml:1:1"), HasSubstr("feature 1 is constant")));
}

TEST(Logit, MapsTheUnitIntervalWithItsSlopeCounted) {
  const auto block = make<Block>("logit", "alpha: 0.05\n");
  const Values x{0.0, 0.3, 1.0};
  const Mapped y = forward(*block, {kRows, 3}, x);
  const double bound = std::log(0.95 / 0.05);
  EXPECT_NEAR(y.value[0], -bound, kRounding);
  EXPECT_NEAR(y.value[1], std::log(0.32 / 0.68), kRounding);
  EXPECT_NEAR(y.value[2], bound, kRounding);
  EXPECT_NEAR(y.log_determinant[0], log_slope(*block, x, {}), kDifferences);
  expect_near(inverse(*block, {kRows, 3}, y.value), x, kRounding);
  // Samples of a flow lie anywhere; their images stay within alpha / (1 - 2 alpha) of the interval.
  expect_near(inverse(*block, {kRows, 2}, {-50, 50}), {-0.05 / 0.9, 1.0 + 0.05 / 0.9}, kRounding);
}

TEST(Logit, OnlyCentresForAnAlphaOfZero) {
  const auto block = make<Block>("logit", "alpha: 0\n");
  const Mapped y = forward(*block, {kRows, 2}, {0.25, 1});
  expect_near(y.value, {-0.25, 0.5}, kRounding);
  EXPECT_TRUE(y.log_determinant.empty());
  expect_near(inverse(*block, {kRows, 2}, y.value), {0.25, 1}, kRounding);
}

TEST(Logit, RefusesAnAlphaOfOneHalf) {
  EXPECT_THAT(config_error([] { make<Block>("logit", "alpha: 0.5\n"); }),
              HasSubstr("test.yaml:2:"));
}

TEST(Dequantize, FillsTheStepBetweenLevels) {
  const auto block = make<Block>("dequantize", "levels: 16\n");
  const Values x{0, 3, 15, 7};
  const Given noise{{"dequantization", {0.25, 0.5, 0.999, 1e-9}}};
  const Mapped y = forward(*block, {kRows, 2}, x, noise);
  expect_near(y.value, {0.25 / 16, 3.5 / 16, 15.999 / 16, 7.000000001 / 16}, kRounding);
  expect_near(y.log_determinant, Values(2, -2.0 * std::log(16.0)), kRounding);
  EXPECT_NEAR(y.log_determinant[0], log_slope(*block, {0.3, 3}, {{"dequantization", {0.25, 0.5}}}),
              kDifferences);
  EXPECT_EQ(inverse(*block, {kRows, 2}, y.value), x);
  EXPECT_EQ(inverse(*block, {kRows, 2}, {-0.1, 1.2}), (Values{0, 15}));
}

TEST(Dequantize, DrawsItsNoiseForEachElement) {
  Tape tape(3);
  const auto block = make<Block>("dequantize");
  block->forward(tape.scope(), tape.input("x", {kRows, 2, 2}, Values(12, 0.0)));
  const model::Item& noise = tape.item("dequantization");
  EXPECT_EQ(noise.kind, model::Item::Kind::noise);
  EXPECT_EQ(noise.distribution, Distribution::uniform);
  EXPECT_EQ(noise.shape, (Shape{kRows, 2, 2}));
}

TEST(Dequantize, TakesTheMidpointAndIgnoresTheDeterminantOnRequest) {
  const auto block = make<Block>("dequantize", "noise: midpoint\nlog_determinant: ignore\n");
  const Mapped y = forward(*block, {kRows, 1}, {0, 255});
  expect_near(y.value, {0.5 / 256, 255.5 / 256}, kRounding);
  EXPECT_TRUE(y.log_determinant.empty());
}

TEST(PatchMean, SubtractsEachPatchsMeanAndDropsItsLastPixel) {
  const auto block = make<Block>("patch_mean");
  const Mapped y = forward(*block, {kRows, 2, 2}, {1, 2, 3, 6, 0, 0, 0, 8});
  expect_near(y.value, {-2, -1, 0, -2, -2, -2}, kRounding);
  EXPECT_TRUE(y.log_determinant.empty());
  EXPECT_EQ(block->output_shape({2, 2}), Shape{3});
  EXPECT_EQ(block->output_shape({64}), Shape{63});
  EXPECT_THAT(block->why_no_inverse(), HasSubstr("drops each patch's mean"));
  EXPECT_THAT(config_error([&] { block->output_shape({1}); }), HasSubstr("at least two elements"));
}

}  // namespace
}  // namespace odeum::plugin_tests
