// SPDX-License-Identifier: Apache-2.0
// The update behind a training step, on the processor and on opencl.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "kernelgen/opencl.hpp"
#include "model/labelled_images.hpp"
#include "odeum/optimizer.hpp"
#include "train/learned.hpp"

namespace odeum {
namespace {

using model_tests::Assembled;
using model_tests::Values;

/// A classifier whose field keeps running statistics.
std::string classifier(const model_tests::LabelledImages& images) {
  return "seed: 5\ndata: " + images.yaml() +
         "\nmodel:\n"
         "  - use: ode\n    name: flow\n"
         "    field: {use: cnn, channels: [3], strides: [1, 1], norm: {intervals: 4}}\n"
         "    divergence: {estimator: none}\n    solver: {use: midpoint, steps: 1}\n"
         "  - {use: dense, name: head, features: 10}\n"
         "objective: classification\n";
}

/// A training, a step at a time.
class Trained {
 public:
  Trained(const std::string& yaml, const std::string& device)
      : model_(yaml, {"device=" + device}),
        learned_(model_.pipeline, plugin_tests::make<Optimizer>("adam"), std::nullopt) {
    learned_.set_parameters(model_.parameters);
    learned_.set_buffers(model_.buffers);
  }
  /// Everything that an update may change.
  struct State {
    Values parameters, buffers, first_moment, second_moment;
    bool operator==(const State&) const = default;
  };
  State state() const {
    return {learned_.parameter_values(), learned_.buffer_values(), learned_.slot_values(0),
            learned_.slot_values(1)};
  }
  /// loss, slope: written over the step's loss, over an entry of its gradient.
  void step(const model::Batch& batch, std::int64_t number, std::optional<double> loss = {},
            std::optional<float> slope = {}) {
    Device& device = model_.pipeline.device();
    const model::QueuedStep queued = model_.pipeline.queue_train_step(
        batch, number, learned_.parameters(), learned_.buffers(), learned_.gradient());
    if (loss) device.upload(queued.loss, &*loss, sizeof(double));
    if (slope) device.upload(learned_.gradient() + 8, &*slope, sizeof(float));
    learned_.update(1e-2, number + 1, queued.loss);
  }
  double norm() const {
    double value = 0.0;
    model_.pipeline.device().download(&value, learned_.norm(), sizeof value);
    return value;
  }

 private:
  Assembled model_;
  train::Learned learned_;
};

constexpr double kInfinity = std::numeric_limits<double>::infinity();

void expect_unchanged_by_what_is_not_finite(const std::string& device) {
  const model_tests::LabelledImages images(4);
  Trained trained(classifier(images), device);
  const Trained::State before = trained.state();
  trained.step(images.rows(6), 0);
  const Trained::State after = trained.state();
  EXPECT_NE(after.parameters, before.parameters);
  EXPECT_NE(after.buffers, before.buffers);
  EXPECT_NE(after.first_moment, before.first_moment);
  EXPECT_NE(after.second_moment, before.second_moment);

  for (const double loss : {kInfinity, -kInfinity, std::nan("")}) {
    trained.step(images.rows(6), 1, loss);
    EXPECT_EQ(trained.state(), after) << "loss " << loss;
    EXPECT_TRUE(std::isfinite(trained.norm()));
  }
  for (const double slope : {kInfinity, std::nan("")}) {
    trained.step(images.rows(6), 1, std::nullopt, static_cast<float>(slope));
    EXPECT_EQ(trained.state(), after) << "an entry of the gradient is " << slope;
    EXPECT_FALSE(std::isfinite(trained.norm()));
  }
  trained.step(images.rows(6), 1, 1e308);
  EXPECT_NE(trained.state().parameters, after.parameters) << "a large loss is finite";
}

TEST(Update, ByWhatIsNotFiniteLeavesAllAsItWas) { expect_unchanged_by_what_is_not_finite("cpu"); }

TEST(Update, ByWhatIsNotFiniteLeavesAllAsItWasOnTheDeviceItself) {
  if (const auto opened = opencl_tests::open(); !opened.device) GTEST_SKIP() << opened.missing;
  ::setenv("POCL_EXTRA_BUILD_FLAGS", "-cl-opt-disable", 0);
  expect_unchanged_by_what_is_not_finite("opencl");
}

}  // namespace
}  // namespace odeum
