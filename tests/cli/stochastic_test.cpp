// SPDX-License-Identifier: Apache-2.0
// A stochastic equation learned through the tool, from the configuration that shows it, made small.
#include <gtest/gtest.h>

#include "cli/tool.hpp"
#include "io/json.hpp"
#include "io/safetensors.hpp"

namespace odeum::testing_tool {
namespace {

class LearnedStochasticEquation : public testing::Test {
 protected:
  /// Eight times instead of a hundred, 16 epochs instead of 100.
  Result train() {
    const std::string file =
        std::string(std::getenv("ODEUM_SOURCE")) + "/configs/dynamics/ornstein-uhlenbeck.yaml";
    std::vector<std::string> arguments{"train", file, "--out", "run", "--no-report", "--json"};
    for (const char* set : {"data.count=8", "sde.times.count=8", "optimizer.lr=5e-2",
                            "train.epochs=16", "train.evaluate_every=0"}) {
      arguments.insert(arguments.end(), {"--set", set});
    }
    return run(arguments, folder_.path());
  }
  double learned(const std::string& parameter) const {
    const fs::path file = folder_ / "run" / "checkpoints" / "step-00000080.safetensors";
    const std::string name = "parameters.sde.field." + parameter + "_change";
    return io::values(io::read_safetensors(file).array(name, file))[0];
  }
  Folder folder_;
};

TEST_F(LearnedStochasticEquation, HasTheDriftAndTheDiffusionThatMadeThePaths) {
  const Result trained = train();
  ASSERT_EQ(trained.status, 0) << trained.err;
  // 9,000 paths give the drift to about 0.01. The diffusion is too small by some per cent, as the
  // divergence from a Gaussian of 45 measured paths is smallest for a narrower one.
  EXPECT_NEAR(learned("drift.slope"), 0.2, 0.02);
  EXPECT_NEAR(learned("drift.matrix"), -0.1, 0.02);
  EXPECT_NEAR(learned("drift.bias"), 0.0, 0.05);
  EXPECT_NEAR(1.0 + learned("diffusion.bias"), 0.6, 0.1);
  EXPECT_NEAR(learned("diffusion.slope"), 0.15, 0.03);
  EXPECT_NEAR(learned("diffusion.matrix"), 0.0, 0.02);
  // What two exact Gaussians of 45 paths each are apart: about 1/45 for means, 1/44 for deviations.
  const io::Json summary = io::parse_json(last_line(trained.out), "stdout");
  EXPECT_NEAR(summary["test"]["kl"].get<double>(), 0.045, 0.015);
}

}  // namespace
}  // namespace odeum::testing_tool
