// SPDX-License-Identifier: Apache-2.0
// Updates against trajectories worked out by hand; kRounding is a few units of float64.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "loaded.hpp"
#include "odeum/optimizer.hpp"
#include "tape.hpp"

namespace odeum::plugin_tests {
namespace {

constexpr double kRounding = 1e-14;

/// The parameters after updates with these gradients, from `start`.
std::vector<double> descend(const std::string& name, const std::string& yaml,
                            std::vector<double> start,
                            const std::vector<std::vector<double>>& gradients,
                            double learning_rate) {
  const auto optimizer = make<Optimizer>(name, yaml);
  const Shape flat{static_cast<std::int64_t>(start.size())};
  std::vector<std::vector<double>> slots(optimizer->slots().size(),
                                         std::vector<double>(start.size(), 0.0));
  for (std::size_t step = 0; step < gradients.size(); ++step) {
    Tape tape(1);
    UpdateInputs in;
    in.parameters = tape.input("parameters", flat, start);
    in.gradient = tape.input("gradient", flat, gradients[step]);
    for (const auto& slot : slots) in.slots.push_back(tape.input("slot", flat, slot));
    in.learning_rate = tape.input("learning_rate", {1}, {learning_rate});
    in.step = tape.input("step", {1}, {static_cast<double>(step + 1)});
    const UpdateOutputs out = optimizer->update(in);
    EXPECT_EQ(out.slots.size(), slots.size());
    start = tape.evaluate(out.parameters);
    for (std::size_t i = 0; i < slots.size(); ++i) slots[i] = tape.evaluate(out.slots[i]);
  }
  return start;
}

TEST(Adam, MovesByTheLearningRateWhileTheGradientIsConstant) {
  // Bias correction makes both running means exact: every step is lr g / (|g| + epsilon).
  const std::vector<std::vector<double>> constant(50, {3.0, -0.02});
  const std::vector<double> end = descend("adam", "", {1, 1}, constant, 0.01);
  EXPECT_NEAR(end[0], 1.0 - 50 * 0.01 * 3.0 / (3.0 + 1e-8), 50 * kRounding);
  EXPECT_NEAR(end[1], 1.0 + 50 * 0.01 * 0.02 / (0.02 + 1e-8), 50 * kRounding);
}

TEST(Adam, FollowsATrajectoryWorkedOutByHand) {
  // beta1 = beta2 = 1/2, gradients 1, -1, 2. First moments 1/2, -1/4, 7/8 over 1/2, 3/4, 7/8;
  // second moments 1/2, 3/4, 19/8 over the same: steps 1, -1/3, 1 / sqrt(19/7).
  const std::string halves = "beta1: 0.5\nbeta2: 0.5\nepsilon: 1e-300\n";
  const std::vector<double> end = descend("adam", halves, {0}, {{1}, {-1}, {2}}, 0.1);
  EXPECT_NEAR(end[0], -0.1 * (1.0 - 1.0 / 3.0 + std::sqrt(7.0 / 19.0)), kRounding);
}

TEST(Adam, WithoutMemoryTakesTheGradientsSign) {
  const std::vector<double> end =
      descend("adam", "beta1: 0\nbeta2: 0\n", {0, 0}, {{5, -2}, {5, 2}}, 0.1);
  EXPECT_NEAR(end[0], -0.2, 1e-8);
  EXPECT_NEAR(end[1], 0.0, 1e-8);
}

TEST(Adam, CouplesWeightDecayToTheGradient) {
  // The effective gradient is -1 + 0.5 * 4 = 1, whose size Adam forgets.
  EXPECT_NEAR(descend("adam", "weight_decay: 0.5\n", {4}, {{-1}}, 0.1)[0], 3.9, 1e-8);
}

TEST(AdamW, DecaysTheParametersApartFromTheGradient) {
  EXPECT_NEAR(descend("adamw", "weight_decay: 0.5\n", {4}, {{-1}}, 0.1)[0],
              4.0 * (1.0 - 0.05) + 0.1, 1e-8);
  EXPECT_NEAR(descend("adamw", "", {4}, {{0}}, 0.1)[0], 4.0 * (1.0 - 0.001), kRounding);
  EXPECT_EQ(descend("adamw", "weight_decay: 0\n", {4, 1}, {{-1, 3}, {2, 2}}, 0.1),
            descend("adam", "", {4, 1}, {{-1, 3}, {2, 2}}, 0.1));
}

TEST(Sgd, StepsAgainstTheGradient) {
  EXPECT_TRUE(make<Optimizer>("sgd")->slots().empty());
  EXPECT_NEAR(descend("sgd", "", {1}, {{2}, {-3}}, 0.1)[0], 1.0 - 0.2 + 0.3, kRounding);
  EXPECT_NEAR(descend("sgd", "weight_decay: 0.5\n", {1}, {{2}}, 0.1)[0], 1.0 - 0.25, kRounding);
}

TEST(Sgd, AddsUpItsVelocity) {
  // Velocities 1, 1.5, 1.75 of a constant gradient 1; Nesterov steps by 1 + velocity / 2.
  const std::vector<std::vector<double>> ones(3, {1.0});
  EXPECT_NEAR(descend("sgd", "momentum: 0.5\n", {0}, ones, 1.0)[0], -(1.0 + 1.5 + 1.75), kRounding);
  EXPECT_NEAR(descend("sgd", "momentum: 0.5\nnesterov: true\n", {0}, ones, 1.0)[0],
              -(1.5 + 1.75 + 1.875), kRounding);
}

TEST(Sgd, RefusesNesterovWithoutMomentum) {
  EXPECT_THAT(
      config_error([] { make<Optimizer>("sgd", "nesterov: true\n"); }),
      testing::AllOf(testing::HasSubstr("test.yaml:2:1"), testing::HasSubstr("momentum above 0")));
}

// Reference values by NumPy in float64, parameters 1 and -2, gradients (1, 0.5), (-2, 0.25), (3,
// -1):
//   s = alpha s + (1 - alpha) g g;  m = alpha m + (1 - alpha) g
//   v = momentum v + g / (sqrt(s - m m if centered else s) + epsilon);  p = p - lr v
// with g = g + weight_decay p in front, as PyTorch's RMSprop.
void expect_rmsprop(const std::string& yaml, const std::vector<double>& reference) {
  const std::vector<double> end =
      descend("rmsprop", yaml, {1, -2}, {{1, 0.5}, {-2, 0.25}, {3, -1}}, 0.01);
  for (std::size_t i = 0; i < 2; ++i) EXPECT_NEAR(end[i], reference[i], 10 * kRounding) << yaml;
}

TEST(RmsProp, FollowsTheReference) {
  expect_rmsprop("", {0.9091818549509012, -2.057427338392867});
  expect_rmsprop("momentum: 0.9\n", {0.8187609350301374, -2.268838489890835});
  expect_rmsprop("alpha: 0.9\ncentered: true\n", {0.9692918558437943, -2.0211811013999874});
  expect_rmsprop("alpha: 0.9\nepsilon: 1e-3\nmomentum: 0.8\nweight_decay: 0.1\ncentered: true\n",
                 {0.9423813955460374, -2.0585057876349713});
}

TEST(RmsProp, KeepsAsMuchAsItIsAskedFor) {
  EXPECT_EQ(make<Optimizer>("rmsprop")->slots(), std::vector<std::string>{"mean_square"});
  EXPECT_EQ(make<Optimizer>("rmsprop", "centered: true\nmomentum: 0.9\n")->slots(),
            (std::vector<std::string>{"mean_square", "mean", "velocity"}));
}

TEST(RmsProp, StaysFiniteWhereAConstantGradientHasNoDeviation) {
  // Without memory the mean is the gradient, so that steps are g / epsilon.
  const std::vector<double> end =
      descend("rmsprop", "alpha: 0\ncentered: true\nepsilon: 0.5\n", {1}, {{0.1}, {0.1}}, 0.01);
  EXPECT_NEAR(end[0], 1.0 - 2 * 0.01 * 0.1 / 0.5, 1e-8);
}

}  // namespace
}  // namespace odeum::plugin_tests
