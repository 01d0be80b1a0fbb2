// SPDX-License-Identifier: Apache-2.0
// sde_moments against the divergence and the log-density of Gaussians, written out for scalars.
// kRounding is what float64 and the 1e-9 that deviations are kept from zero by leave.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "loaded.hpp"
#include "odeum/objective.hpp"
#include "tape.hpp"

namespace odeum::plugin_tests {
namespace {

constexpr double kRounding = 1e-8;
using Values = std::vector<double>;

/// Whatever starts the paths, these are the model's.
class Paths final : public Model {
 public:
  explicit Paths(Tensor paths) : paths_(paths) {}
  Result forward(Tensor /*x*/) override { return {paths_, {}}; }

 private:
  Tensor paths_;
};

std::map<std::string, Values> metrics_of(const Shape& shape, const Values& model,
                                         const Shape& measured_shape, const Values& measured,
                                         const std::string& yaml = "") {
  const auto objective = make<Objective>("sde_moments", yaml);
  Tape tape(1);
  Paths paths(tape.input("paths", shape, model));
  const Tensor x = tape.input("x", {kRows, 1}, {0.0});
  const Objective::Losses losses = objective->losses(
      tape.scope(), paths, {{"x", x}, {"y", tape.input("y", measured_shape, measured)}});
  std::map<std::string, Values> result{{"loss", tape.evaluate(losses.loss)}};
  for (const auto& [name, metric] : losses.metrics) result[name] = tape.evaluate(metric);
  result[losses.metrics.front().first + " is first"] = {};
  return result;
}

double divergence(double m, double s, double n, double r) {
  return std::log(r / s) + (s * s + (m - n) * (m - n)) / (2.0 * r * r) - 0.5;
}
double surprise(double y, double m, double s) {
  return 0.5 * std::pow((y - m) / s, 2) + std::log(s) + 0.5 * std::log(2.0 * std::numbers::pi);
}

TEST(SdeMoments, ComparesTheGaussiansOfTheModelsAndTheMeasuredPaths) {
  // Means 2 and 1, unbiased variances 1 and 2.
  const auto found = metrics_of({kRows, 3}, {1, 2, 3}, {kRows, 2}, {0, 2});
  EXPECT_NEAR(found.at("kl")[0], divergence(2.0, 1.0, 1.0, std::sqrt(2.0)), kRounding);
  EXPECT_NEAR(found.at("nll")[0], 0.5 * (surprise(0, 2, 1) + surprise(2, 2, 1)), kRounding);
  EXPECT_EQ(found.at("loss"), found.at("kl"));
  EXPECT_TRUE(found.contains("kl is first"));
  const auto other = metrics_of({kRows, 3}, {1, 2, 3}, {kRows, 2}, {0, 2}, "loss: nll\n");
  EXPECT_EQ(other.at("loss"), found.at("nll"));
  EXPECT_TRUE(other.contains("nll is first"));
}

TEST(SdeMoments, SumsOverFeaturesAndAveragesOverTimes) {
  // [times, paths, features] of 2, 2 and 2; the measured paths are three.
  const Values model = {1, 10, 3, 14, 5, 20, 6, 22};
  const Values measured = {0, 1, 1, 3, 2, 5, 4, 2, 5, 4, 9, 6};
  const double root = std::sqrt(2.0);
  const std::array<std::array<double, 4>, 4> gaussians = {{{2, root, 1, 1},
                                                           {12, 2 * root, 3, 2},
                                                           {5.5, root / 2, 6, std::sqrt(7.0)},
                                                           {21, root, 4, 2}}};
  double kl = 0.0;
  for (const auto& [m, s, n, r] : gaussians) kl += 0.5 * divergence(m, s, n, r);
  double nll = 0.0;
  for (std::size_t i = 0; i < measured.size(); ++i) {
    const auto& [m, s, n, r] = gaussians[2 * (i / 6) + i % 2];
    nll += surprise(measured[i], m, s) / 6.0;
  }
  const auto found = metrics_of({kRows, 2, 2, 2}, model, {kRows, 2, 3, 2}, measured);
  EXPECT_NEAR(found.at("kl")[0], kl, kRounding * std::abs(kl));
  EXPECT_NEAR(found.at("nll")[0], nll, kRounding * std::abs(nll));
}

TEST(SdeMoments, SaysWhichPathsItCannotCompare) {
  const auto refusal = [](const Shape& model, const Shape& measured) {
    const auto zeros = [](const Shape& shape) {
      return Values(static_cast<std::size_t>(shape.elements(1)), 0.0);
    };
    try {
      metrics_of(model, zeros(model), measured, zeros(measured));
    } catch (const std::invalid_argument& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_EQ(refusal({kRows, 2, 5, 1}, {kRows, 2, 3, 1}), "");
  EXPECT_THAT(refusal({kRows, 2, 5, 1}, {kRows, 3, 5, 1}), testing::HasSubstr("alike but for"));
  EXPECT_THAT(refusal({kRows, 2, 5, 1}, {kRows, 2, 5, 2}), testing::HasSubstr("alike but for"));
  EXPECT_THAT(refusal({kRows, 5}, {kRows, 5, 1}), testing::HasSubstr("alike but for"));
  EXPECT_THAT(refusal({kRows, 1, 2}, {kRows, 5, 2}), testing::HasSubstr("has no deviation"));
  EXPECT_THAT(refusal({kRows, 5, 2}, {kRows, 1, 2}), testing::HasSubstr("has no deviation"));
}

}  // namespace
}  // namespace odeum::plugin_tests
