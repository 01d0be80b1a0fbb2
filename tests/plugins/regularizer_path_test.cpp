// SPDX-License-Identifier: Apache-2.0
// The regularizers on a linear field f = A z, whose velocity and Jacobian are known; kRounding is a
// few units of float64.
#include <gtest/gtest.h>

#include <cmath>

#include "loaded.hpp"
#include "model/trajectory_point.hpp"
#include "odeum/regularizer.hpp"
#include "samples.hpp"
#include "tape.hpp"

namespace odeum::plugin_tests {
namespace {

constexpr double kRounding = 1e-13;
// A = (1 2; 3 4): |A|_F^2 = 30.
constexpr char kMatrix[] = "matrix: [1, 2, 3, 4]\n";

/// The running cost of each row, for states and probes of two features.
std::vector<double> running_cost(const std::string& name, const std::vector<double>& states,
                                 const std::vector<double>& probes) {
  Tape tape(static_cast<std::int64_t>(states.size()) / 2);
  const auto field = make<VectorField>("linear", kMatrix);
  const auto regularizer = make<Regularizer>(name);
  const Tensor t = tape.input("t", {1}, {0.0});
  const Tensor z = tape.input("z", {kRows, 2}, states);
  const Tensor probe = tape.input("probe", {kRows, 2}, probes);
  model::TrajectoryPoint point(*field, tape.scope(), t, z, {probe}, model::Divergence::none);
  const Tensor cost = regularizer->running_cost(point);
  EXPECT_EQ(cost.shape(), Shape{kRows});
  EXPECT_FALSE(regularizer->terminal_cost(point));
  EXPECT_FALSE(regularizer->parameter_cost(z));
  return tape.evaluate(cost);
}

TEST(Kinetic, IsHalfTheSquaredVelocityOverTheFeatures) {
  // A (1, 1) = (3, 7) and A (2, -1) = (0, 2).
  const std::vector<double> cost = running_cost("kinetic", {1, 1, 2, -1}, {0, 0, 0, 0});
  EXPECT_NEAR(cost[0], 0.5 * (9 + 49) / 2, kRounding);
  EXPECT_NEAR(cost[1], 0.5 * 4 / 2, kRounding);
}

TEST(Jacobian, IsTheSquaredTransposedProductWithTheProbeOverTheFeatures) {
  // A^T (1, 0) = (1, 2) and A^T (0, 1) = (3, 4): together the Frobenius norm, with no half.
  const std::vector<double> cost = running_cost("jacobian", {5, 6, 7, 8}, {1, 0, 0, 1});
  EXPECT_NEAR(cost[0], (1.0 + 4.0) / 2, kRounding);
  EXPECT_NEAR(cost[1], (9.0 + 16.0) / 2, kRounding);
  EXPECT_NEAR(cost[0] + cost[1], 30.0 / 2, kRounding);
}

TEST(Jacobian, EstimatesTheFrobeniusNormOverGaussianProbes) {
  constexpr std::size_t kProbes = 20000;
  RandomStream random(3, 0);
  std::vector<double> probes(2 * kProbes);
  for (double& p : probes) p = random.normal();
  const Estimate mean =
      estimate(running_cost("jacobian", std::vector<double>(2 * kProbes, 1.0), probes));
  EXPECT_NEAR(mean.mean, 30.0 / 2, 4.0 * mean.error);
  // |A^T e|^2 / 2 has variance |A A^T|_F^2 / 2 = 447, so the mean's error is 0.15.
  EXPECT_NEAR(mean.error, std::sqrt(447.0 / kProbes), 0.1 * mean.error);
}

}  // namespace
}  // namespace odeum::plugin_tests
