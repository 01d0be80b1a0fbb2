// SPDX-License-Identifier: Apache-2.0
// Trainings whose optimizer searches along lines: resuming, batches, what ends them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/tool.hpp"
#include "io/json.hpp"
#include "io/safetensors.hpp"

namespace odeum::testing_tool {
namespace {

using testing::HasSubstr;

/// Ten steps on all 60 pairs, three moves each at most.
constexpr const char* kPairs =
    "seed: 2\n"
    "precision: float64\n"
    "data: {use: lorenz63, discard: 1000, train: 60, test: 20, batch: 60}\n"
    "model:\n"
    "  - use: ode\n"
    "    name: flow\n"
    "    field: {use: mlp, hidden: [8], activation: tanh, time: ignore}\n"
    "    solver: {use: rk4, steps: 1}\n"
    "    divergence: {estimator: none}\n"
    "objective: regression\n"
    "optimizer: {use: lbfgs, history: 4, iterations: 3, max_evaluations: 6}\n"
    "train: {steps: 10, log_every: 3, checkpoint_every: 4}\n";

class LineSearch : public testing::Test {
 protected:
  LineSearch() { write(folder_ / "pairs.yaml", kPairs); }
  Result train(const std::string& out, std::vector<std::string> more = {}) {
    std::vector<std::string> arguments{"train", "pairs.yaml",  "--out",
                                       out,     "--no-report", "--json"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run(arguments, folder_.path());
  }
  io::Json summary(const std::string& out) const {
    return io::parse_json(read(folder_ / out / "summary.json"), "summary.json");
  }
  Folder folder_;
};

TEST_F(LineSearch, TrainingLowersTheLossAndTellsWhatItAskedFor) {
  const Result result = train("run");
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_THAT(result.err, testing::Not(HasSubstr("warning")));
  const io::Json told = summary("run");
  const int iterations = told["search"]["iterations"].get<int>();
  const int evaluations = told["search"]["loss_evaluations"].get<int>();
  EXPECT_GT(iterations, 10);
  EXPECT_LE(iterations, 30);
  EXPECT_GT(evaluations, iterations);
  EXPECT_LE(evaluations, 60);
  // rk4 takes four evaluations of the field for each of the loss.
  EXPECT_NEAR(told["evaluations"]["forward_mean"].get<double>(), 4.0 * evaluations / 10, 1e-12);
  std::istringstream lines(read(folder_ / "run" / "metrics.jsonl"));
  std::string line;
  std::getline(lines, line);
  const io::Json first = io::parse_json(line, "metrics.jsonl");
  EXPECT_LT(told["loss"].get<double>(), 0.5 * first["loss"].get<double>());
  EXPECT_GT(first["iterations"].get<double>(), 0.0);
  EXPECT_EQ(first["lr"], 1.0) << "a search's own first trial";
}

TEST_F(LineSearch, ResumingGivesTheUndisturbedRun) {
  for (const char* precision : {"float64", "float32"}) {
    const std::string whole = std::string("whole-") + precision;
    const std::string cut = std::string("cut-") + precision;
    const std::vector<std::string> set{"--set", std::string("precision=") + precision};
    ASSERT_EQ(train(whole, set).status, 0);
    fs::copy(folder_ / whole, folder_ / cut, fs::copy_options::recursive);
    const std::string last = "step-00000010.safetensors";
    ASSERT_TRUE(fs::remove(folder_ / cut / "checkpoints" / last));
    const Result resumed = train(cut, {set[0], set[1], "--resume"});
    ASSERT_EQ(resumed.status, 0) << resumed.err;
    EXPECT_EQ(summary(cut)["resumed_from"], 8);
    EXPECT_EQ(read(folder_ / cut / "checkpoints" / last),
              read(folder_ / whole / "checkpoints" / last));
    EXPECT_EQ(read(folder_ / cut / "metrics.jsonl"), read(folder_ / whole / "metrics.jsonl"));
    EXPECT_EQ(summary(cut)["search"], summary(whole)["search"]);
  }
}

TEST_F(LineSearch, ABatchThatIsNotTheWholeTrainingSetIsAllowedWithAWarning) {
  const std::vector<std::string> set{"--set", "data.batch=20"};
  const Result result = train("run", set);
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("warning: a batch is 20 of 60 training rows"));
  EXPECT_EQ(summary("run")["steps"], 10);
  const Result validated = run({"validate", "pairs.yaml", set[0], set[1]}, folder_.path());
  EXPECT_EQ(validated.status, 0);
  EXPECT_THAT(validated.err, HasSubstr("data.batch: 60 takes them all"));
}

TEST_F(LineSearch, ATrainingEndsWhereTheSearchDoes) {
  const Result result = train("run", {"--set", "optimizer.gradient_tolerance=1e3"});
  ASSERT_EQ(result.status, 0) << result.err;
  const io::Json told = summary("run");
  EXPECT_EQ(told["steps"], 1);
  EXPECT_EQ(told["stopped_early"], true);
  EXPECT_THAT(told["search"]["finished"].get<std::string>(), HasSubstr("gradient_tolerance"));
  EXPECT_TRUE(fs::exists(folder_ / "run" / "checkpoints" / "step-00000001.safetensors"));
}

TEST_F(LineSearch, SolvesThatFailAtATrialAreAnInfiniteLoss) {
  // The first trials go so far that the field's values leave float32: max_steps ends their solves.
  const Result result =
      train("run", {"--set", "flow.solver={use: dopri5, rtol: 1e-5, atol: 1e-5, max_steps: 40}",
                    "--set", "optimizer.lr=1e6", "--set", "optimizer.max_evaluations=30", "--set",
                    "flow.field.activation=identity"});
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_GT(summary("run")["search"]["iterations"].get<int>(), 0);
}

TEST_F(LineSearch, RunningStatisticsMoveByThePointWhereItBegins) {
  // As in a step of any other optimizer: whatever it looks at afterwards leaves no trace.
  std::string text = kPairs;
  text.replace(text.find("model:\n"), 7, "model:\n  - {use: batch_norm}\n");
  write(folder_ / "pairs.yaml", text);
  const std::vector<std::string> set{"--set", "train.steps=1", "--set"};
  ASSERT_EQ(train("searched", {set[0], set[1]}).status, 0);
  ASSERT_EQ(train("moved", {set[0], set[1], set[2], "optimizer={use: sgd}"}).status, 0);
  const std::string file = "checkpoints/step-00000001.safetensors";
  const auto searched = io::read_safetensors(folder_ / "searched" / file);
  const auto moved = io::read_safetensors(folder_ / "moved" / file);
  int buffers = 0;
  for (const auto& [name, array] : searched.arrays) {
    if (name.rfind("buffers.", 0) != 0) continue;
    ++buffers;
    EXPECT_EQ(io::values(array), io::values(moved.arrays.at(name))) << name;
  }
  EXPECT_EQ(buffers, 2) << "mean and variance";
  EXPECT_GT(summary("searched")["search"]["iterations"].get<int>(), 0);
}

TEST_F(LineSearch, RefusesToClipItsGradients) {
  const Result result = train("run", {"--set", "optimizer.gradient_clip=1"});
  EXPECT_EQ(result.status, 2);
  EXPECT_THAT(result.err, HasSubstr("optimizer.gradient_clip"));
  EXPECT_FALSE(fs::exists(folder_ / "run"));
}

}  // namespace
}  // namespace odeum::testing_tool
