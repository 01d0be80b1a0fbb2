// SPDX-License-Identifier: Apache-2.0
#include "train/learning_rate.hpp"

#include <gtest/gtest.h>

#include "config/load.hpp"
#include "config/yaml.hpp"
#include "plugin/registry.hpp"
#include "train/schemas.hpp"

namespace odeum::train {
namespace {

// A few operations in double precision.
constexpr double kRounding = 1e-15;

Config optimizer(const std::string& yaml) {
  static config::KindSchemas schemas = [] {
    config::KindSchemas made(plugin::registry().lookup(), common_keys);
    for (const BuiltIn& component : built_in_components())
      made.add(component.kind, component.name, component.schema);
    return made;
  }();
  const Schema root = Schema().component("optimizer", "optimizer", "");
  return config::resolve(config::parse_yaml("optimizer: " + yaml, "test"), {}, root,
                         schemas.lookup(), ".")
      .component("optimizer");
}

TEST(LearningRate, IsConstantUnlessThereIsASchedule) {
  const LearningRate rate(optimizer("{use: adam, lr: 0.5}"), 100);
  EXPECT_EQ(rate.at(0), 0.5);
  EXPECT_EQ(rate.at(99), 0.5);
  EXPECT_EQ(rate.at(1000), 0.5);
}

TEST(LearningRate, ChangesAtTheStepsGiven) {
  const LearningRate rate(
      optimizer("{use: sgd, lr: 0.5, schedule: {use: step, at: [3, 5], factor: 0.1}}"), 100);
  EXPECT_EQ(rate.at(2), 0.5);
  EXPECT_NEAR(rate.at(3), 0.05, kRounding);
  EXPECT_NEAR(rate.at(4), 0.05, kRounding);
  EXPECT_NEAR(rate.at(5), 0.005, kRounding);
}

TEST(LearningRate, RefusesTwoWordsOnWhenItChangesAndNone) {
  for (const std::string when : {"", ", every: 2, at: [3]"}) {
    EXPECT_THROW(
        LearningRate(optimizer("{use: sgd, lr: 0.5, schedule: {use: step" + when + "}}"), 100),
        ConfigError);
  }
}

TEST(LearningRate, GrowsLinearlyDuringTheWarmUp) {
  const LearningRate rate(optimizer("{use: adam, lr: 0.5, schedule: {use: warmup, steps: 4}}"),
                          100);
  EXPECT_EQ(rate.at(0), 0.125);
  EXPECT_EQ(rate.at(1), 0.25);
  EXPECT_EQ(rate.at(3), 0.5);
  EXPECT_EQ(rate.at(50), 0.5);
}

TEST(LearningRate, FallsInStepsCountedFromTheEndOfTheWarmUp) {
  const LearningRate rate(
      optimizer("{use: adam, lr: 1, schedule: {use: step, every: 10, factor: 0.5, warmup: 2}}"),
      100);
  EXPECT_EQ(rate.at(0), 0.5);
  EXPECT_EQ(rate.at(2), 1.0);
  EXPECT_EQ(rate.at(11), 1.0);
  EXPECT_EQ(rate.at(12), 0.5);
  EXPECT_EQ(rate.at(22), 0.25);
}

TEST(LearningRate, FollowsHalfACosineToItsFinalFraction) {
  const LearningRate rate(optimizer("{use: adam, lr: 2, schedule: {use: cosine, final: 0.1}}"),
                          100);
  EXPECT_EQ(rate.at(0), 2.0);
  // Half way the cosine is zero: the mean of both ends.
  EXPECT_NEAR(rate.at(50), 2.0 * (1.0 + 0.1) / 2.0, kRounding);
  // A third of the way it is one half: final + (1 - final) 3/4.
  EXPECT_NEAR(
      LearningRate(optimizer("{use: adam, lr: 2, schedule: {use: cosine, final: 0.1}}"), 3).at(1),
      2.0 * (0.1 + 0.9 * 0.75), kRounding);
  EXPECT_GT(rate.at(99), 0.2);
  EXPECT_LT(rate.at(99), 0.201);
}

TEST(LearningRate, TheCosineBeginsAfterTheWarmUp) {
  const LearningRate rate(optimizer("{use: adam, lr: 1, schedule: {use: cosine, warmup: 10}}"),
                          110);
  EXPECT_EQ(rate.at(4), 0.5);
  EXPECT_EQ(rate.at(10), 1.0);
  EXPECT_NEAR(rate.at(60), 0.5, kRounding);
}

TEST(LearningRate, TakesTheShortFormOfASchedule) {
  EXPECT_NEAR(LearningRate(optimizer("{use: adam, lr: 1, schedule: cosine}"), 2).at(1), 0.5,
              kRounding);
}

}  // namespace
}  // namespace odeum::train
