// SPDX-License-Identifier: Apache-2.0
// The likelihood against normal densities in closed form; kRounding is a few units of float64.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "loaded.hpp"
#include "odeum/block.hpp"
#include "odeum/objective.hpp"
#include "tape.hpp"

namespace odeum::plugin_tests {
namespace {

constexpr double kRounding = 1e-13;

/// z = factor x, so that x is N(0, 1 / factor^2) in each element.
class Scaling final : public Model {
 public:
  explicit Scaling(double factor) : factor_(factor) {}
  Result forward(Tensor x) override {
    const auto elements = static_cast<double>(x.shape().elements_per_row());
    return {factor_ * x, full(x, {kRows}, elements * std::log(factor_), DType::f64)};
  }

 private:
  double factor_;
};

double normal_nll(double x, double deviation) {
  return 0.5 * x * x / (deviation * deviation) + std::log(deviation) +
         0.5 * std::log(2.0 * std::numbers::pi);
}

std::map<std::string, std::vector<double>> losses(const std::string& yaml, DType type) {
  Tape tape(2, type);
  Scaling model(4.0);
  const Tensor x = tape.input("x", {kRows, 1, 3}, {0.5, -0.25, 0, 1, 0.75, -0.125});
  const auto objective = make<Objective>("likelihood", yaml);
  EXPECT_EQ(objective->roles(), std::vector<std::string>{"x"});
  const Objective::Losses result = objective->losses(tape.scope(), model, {{"x", x}});
  EXPECT_EQ(result.loss.dtype(), DType::f64);
  EXPECT_EQ(result.loss.shape(), Shape{kRows});
  EXPECT_EQ(result.metrics.front().first, "nll");
  std::map<std::string, std::vector<double>> values{{"loss", tape.evaluate(result.loss)}};
  for (const auto& [name, metric] : result.metrics) values[name] = tape.evaluate(metric);
  return values;
}

TEST(Likelihood, IsTheNegativeLogDensityOfAScaledNormal) {
  for (const DType type : {DType::f32, DType::f64}) {
    const auto values = losses("", type);
    EXPECT_EQ(values.size(), 2U);
    const double first = normal_nll(0.5, 0.25) + normal_nll(-0.25, 0.25) + normal_nll(0, 0.25);
    const double second = normal_nll(1, 0.25) + normal_nll(0.75, 0.25) + normal_nll(-0.125, 0.25);
    EXPECT_NEAR(values.at("nll")[0], first, kRounding);
    EXPECT_NEAR(values.at("nll")[1], second, kRounding);
    EXPECT_EQ(values.at("loss"), values.at("nll"));
  }
}

TEST(Likelihood, CountsBitsPerDimensionOnRequest) {
  const auto nats = losses("units: nats\n", DType::f64);
  const auto bits = losses("units: bits_per_dim\n", DType::f64);
  const auto objective = make<Objective>("likelihood", "units: bits_per_dim\n");
  EXPECT_EQ(objective->units(), "bits_per_dim");
  EXPECT_DOUBLE_EQ(objective->unit_scale(3), 3.0 * std::numbers::ln2);
  EXPECT_EQ(make<Objective>("likelihood")->unit_scale(3), 1.0);
  EXPECT_EQ(bits.at("nll"), nats.at("nll"));
  for (std::size_t row = 0; row < 2; ++row) {
    EXPECT_NEAR(bits.at("loss")[row], nats.at("nll")[row] / (3.0 * std::numbers::ln2), kRounding);
    EXPECT_EQ(bits.at("loss")[row], bits.at("bits_per_dim")[row]);
  }
}

/// What `dequantize` and the map from uniform to normal numbers make of levels 0 .. 255: ln N(z)
/// cancels with the slope of that map, and what is left is the levels' own -D ln 256.
class UniformLevels final : public Model {
 public:
  explicit UniformLevels(Scope& scope) : scope_(scope) {}
  Result forward(Tensor x) override {
    const Block::Output y = make<Block>("dequantize", "levels: 256\n")->forward(scope_, x);
    // Newton's iteration for the normal quantile: Phi(z) = y.
    const Tensor wide = cast(y.value, DType::f64);
    Tensor z = zeros_like(wide);
    const auto density = [](Tensor at) {
      return exp(-0.5 * square(at)) / std::sqrt(2.0 * std::numbers::pi);
    };
    for (int i = 0; i < 30; ++i)
      z = z - (0.5 * (1.0 + erf(z / std::numbers::sqrt2)) - wide) / density(z);
    const Tensor slope = 0.5 * square(z) + 0.5 * std::log(2.0 * std::numbers::pi);
    return {z, y.log_determinant + sum_features(slope)};
  }

 private:
  Scope& scope_;
};

TEST(Likelihood, OfAUniformModelOf256LevelsIsEightBits) {
  Tape tape(4, DType::f64);
  // Newton's iteration from 0 leads to quantiles of the middle half of (0, 1).
  std::vector<double> levels(std::size_t{4} * 9);
  for (std::size_t i = 0; i < levels.size(); ++i)
    levels[i] = 80.0 + static_cast<double>(7 * i % 96);
  UniformLevels model(tape.scope());
  const Tensor x = tape.input("x", {kRows, 1, 3, 3}, levels);
  const auto objective = make<Objective>("likelihood", "units: bits_per_dim\n");
  const auto bits = tape.evaluate(objective->losses(tape.scope(), model, {{"x", x}}).loss);
  for (const double value : bits) EXPECT_NEAR(value, 8.0, kRounding);
}

TEST(Likelihood, DrawsItsBaseFromTheNormalDistribution) {
  Tape tape(4);
  const auto objective = make<Objective>("likelihood");
  const Tensor z = objective->base_sample(tape.scope(), {kRows, 3});
  EXPECT_EQ(z.shape(), (Shape{kRows, 3}));
  const model::Item& item = tape.scope().items().front();
  EXPECT_EQ(item.kind, model::Item::Kind::noise);
  EXPECT_EQ(item.distribution, Distribution::normal);
  EXPECT_EQ(objective->why_no_sampling(), "");
}

}  // namespace
}  // namespace odeum::plugin_tests
