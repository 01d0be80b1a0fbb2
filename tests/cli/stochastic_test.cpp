// SPDX-License-Identifier: Apache-2.0
// Stochastic equations learned through the tool, from the configurations that show it, made small.
#include <gtest/gtest.h>

#include "cli/tool.hpp"
#include "io/json.hpp"
#include "io/safetensors.hpp"

namespace odeum::testing_tool {
namespace {

using Arguments = std::vector<std::string>;

/// Eight times instead of a hundred, 200 steps over the span instead of 1,000.
const Arguments kSmall = {"data.count=8", "sde.times.count=8", "optimizer.lr=5e-2",
                          "train.evaluate_every=0"};

class LearnedStochasticEquation : public testing::Test {
 protected:
  /// 16 epochs instead of 100.
  Result train(const std::string& config, const std::string& out, const Arguments& sets,
               const Arguments& more = {}) {
    const std::string file =
        std::string(std::getenv("ODEUM_SOURCE")) + "/configs/dynamics/" + config + ".yaml";
    Arguments arguments{"train", file, "--out", out, "--no-report", "--json"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    for (const Arguments& each : {kSmall, Arguments{"train.epochs=16"}, sets}) {
      for (const std::string& set : each) arguments.insert(arguments.end(), {"--set", set});
    }
    return run(arguments, folder_.path());
  }
  fs::path checkpoint(const std::string& out, const std::string& step) const {
    return folder_ / out / "checkpoints" / ("step-000000" + step + ".safetensors");
  }
  double learned(const std::string& parameter) const {
    const fs::path file = checkpoint("run", "80");
    const std::string name = "parameters.sde.field." + parameter + "_change";
    return io::values(io::read_safetensors(file).array(name, file))[0];
  }
  /// 9,000 paths give the drift to about 0.01. The diffusion is too small by some per cent, as the
  /// divergence from a Gaussian of 45 measured paths is smallest for a narrower one.
  void expect_the_truth() const {
    EXPECT_NEAR(learned("drift.slope"), 0.2, 0.02);
    EXPECT_NEAR(learned("drift.matrix"), -0.1, 0.02);
    EXPECT_NEAR(learned("drift.bias"), 0.0, 0.05);
    EXPECT_NEAR(1.0 + learned("diffusion.bias"), 0.6, 0.1);
    EXPECT_NEAR(learned("diffusion.slope"), 0.15, 0.03);
    EXPECT_NEAR(learned("diffusion.matrix"), 0.0, 0.02);
  }
  /// What two exact Gaussians of 45 paths each are apart: about 1/45 for means, 1/44 for
  /// deviations.
  static void expect_no_more_than_chance(const io::Json& metrics) {
    EXPECT_NEAR(metrics["kl"].get<double>(), 0.045, 0.015);
  }
  Folder folder_;
};

const Arguments kSteps = {"sde.field.increments=200", "sde.solver.step=0.05"};

TEST_F(LearnedStochasticEquation, HasTheDriftAndTheDiffusionThatMadeThePaths) {
  // Learned from waves, tested with an increment of the noise a step.
  const Result trained = train("ornstein-uhlenbeck", "run", {});
  ASSERT_EQ(trained.status, 0) << trained.err;
  expect_the_truth();
  expect_no_more_than_chance(io::parse_json(last_line(trained.out), "stdout")["test"]);
  const Result waves = run({"eval", "run", "--set", "sde.field.evaluate={terms: 200}", "--set",
                            "sde.solver.evaluate={rtol: 1e-3}", "--json"},
                           folder_.path());
  ASSERT_EQ(waves.status, 0) << waves.err;
  expect_no_more_than_chance(io::parse_json(last_line(waves.out), "stdout"));
}

TEST_F(LearnedStochasticEquation, IsLearnedFromIncrementsToo) {
  const Result trained = train("ornstein-uhlenbeck-sde", "run", kSteps);
  ASSERT_EQ(trained.status, 0) << trained.err;
  expect_the_truth();
  expect_no_more_than_chance(io::parse_json(last_line(trained.out), "stdout")["test"]);
}

TEST_F(LearnedStochasticEquation, HasTheSameIncrementsBehindABreakAndForAnyNumberOfThreads) {
  Arguments sets = kSteps;
  sets.insert(sets.end(), {"train.epochs=4", "train.checkpoint_every=10", "device.threads=1"});
  ASSERT_EQ(train("ornstein-uhlenbeck-sde", "whole", sets).status, 0);
  fs::copy(folder_ / "whole", folder_ / "cut", fs::copy_options::recursive);
  ASSERT_TRUE(fs::remove(checkpoint("cut", "20")));
  fs::remove(folder_ / "cut" / "summary.json");
  const Result resumed = train("ornstein-uhlenbeck-sde", "cut", sets, {"--resume"});
  ASSERT_EQ(resumed.status, 0) << resumed.err;
  EXPECT_EQ(read(checkpoint("cut", "20")), read(checkpoint("whole", "20")));
  sets.back() = "device.threads=2";
  ASSERT_EQ(train("ornstein-uhlenbeck-sde", "two", sets).status, 0);
  EXPECT_EQ(read(checkpoint("two", "20")), read(checkpoint("whole", "20")));
}

}  // namespace
}  // namespace odeum::testing_tool
