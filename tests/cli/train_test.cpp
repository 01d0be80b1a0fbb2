// SPDX-License-Identifier: Apache-2.0
// odeum train, eval and sample: the run folder, resuming, repeating.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "cli/tool.hpp"
#include "io/json.hpp"
#include "io/npy.hpp"
#include "io/safetensors.hpp"

namespace odeum::testing_tool {
namespace {

using testing::HasSubstr;

std::vector<io::Json> lines_of(const fs::path& file) {
  std::vector<io::Json> lines;
  std::istringstream text(read(file));
  for (std::string line; std::getline(text, line);) lines.push_back(io::parse_json(line, file));
  return lines;
}

class Train : public testing::Test {
 protected:
  Train() { write(folder_ / "tiny.yaml", tiny_training()); }

  Result train(const std::string& out, std::vector<std::string> more = {}) {
    std::vector<std::string> arguments{"train", "tiny.yaml", "--out", out};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run(arguments, folder_.path());
  }
  std::string last_checkpoint(const std::string& out) {
    return read(folder_ / out / "checkpoints" / "step-00000020.safetensors");
  }

  Folder folder_;
};

TEST_F(Train, WritesTheRunFolderThatTheDesignNames) {
  const Result result = train("run", {"--json"});
  ASSERT_EQ(result.status, 0) << result.err;
  const fs::path run = folder_ / "run";
  const io::Json summary = io::parse_json(read(run / "summary.json"), "summary.json");
  EXPECT_EQ(summary, io::parse_json(last_line(result.out), "stdout"));
  EXPECT_EQ(summary["status"], "done");
  EXPECT_EQ(summary["steps"], 20);
  EXPECT_EQ(summary["seed"], 3);
  EXPECT_EQ(summary["device"], "cpu");
  EXPECT_EQ(summary["precision"], "float32");
  // 2 inputs and t to 8, 8 and t to 2, with biases.
  EXPECT_EQ(summary["parameters"], (3 * 8 + 8) + (9 * 2 + 2));
  EXPECT_TRUE(std::isfinite(summary["test"]["nll"].get<double>()));
  EXPECT_GT(summary["test"]["nll_stderr"].get<double>(), 0.0);
  EXPECT_EQ(summary["test"]["samples"], 200);
  // rk4 with two steps: eight evaluations.
  EXPECT_EQ(summary["evaluations"]["forward_mean"], 8.0);
  EXPECT_GT(summary["evaluations"]["backward_mean"].get<double>(), 0.0);
  EXPECT_EQ(summary["test"]["evaluations"], 8.0);
  EXPECT_NEAR(summary["entropy"].get<double>(), 2.831, 1e-2);
  EXPECT_EQ(summary["versions"]["odeum"], "0.1.0");
  std::set<std::string> plugins;
  for (const io::Json& plugin : summary["plugins"]) plugins.insert(plugin["name"]);
  EXPECT_THAT(plugins, testing::IsSupersetOf({"rk4", "mlp", "adam", "kinetic", "likelihood"}));
  EXPECT_TRUE(fs::exists(run / "config.yaml"));
  EXPECT_TRUE(fs::exists(run / "checkpoints" / "best.safetensors"));
}

TEST_F(Train, KeepsTheNewestCheckpointsAndTheBest) {
  ASSERT_EQ(train("run", {"--set", "train.keep=1"}).status, 0);
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder_ / "run" / "checkpoints")) {
    names.insert(entry.path().filename().string());
  }
  EXPECT_THAT(names, testing::ElementsAre("best.safetensors", "step-00000020.safetensors"));
}

TEST_F(Train, LogsEveryStepOnceInMeansOverTheLines) {
  ASSERT_EQ(train("run").status, 0);
  std::vector<int> steps;
  std::vector<int> validations;
  for (const io::Json& line : lines_of(folder_ / "run" / "metrics.jsonl")) {
    (line.contains("validation") ? validations : steps).push_back(line["step"].get<int>());
  }
  EXPECT_THAT(steps, testing::ElementsAre(3, 6, 9, 12, 15, 18, 20));
  EXPECT_THAT(validations, testing::ElementsAre(8, 16, 20));
}

TEST_F(Train, LogsTwoCostsOfOneRegularizerApart) {
  ASSERT_EQ(train("run", {"--no-report", "--set",
                          "flow.regularizers=[{use: taynode, order: 2, weight: 1}, "
                          "{use: taynode, order: 3, weight: 1}]"})
                .status,
            0);
  const io::Json costs = lines_of(folder_ / "run" / "metrics.jsonl").back()["costs"];
  ASSERT_EQ(costs.size(), 2U) << costs;
  EXPECT_NE(costs["flow.taynode"], costs["flow.taynode2"]);
}

TEST_F(Train, OneAndTwoThreadsGiveTheSameBits) {
  ASSERT_EQ(train("one", {"--set", "device.threads=1"}).status, 0);
  ASSERT_EQ(train("two", {"--set", "device.threads=2"}).status, 0);
  ASSERT_FALSE(last_checkpoint("one").empty());
  EXPECT_EQ(last_checkpoint("one"), last_checkpoint("two"));
  EXPECT_EQ(read(folder_ / "one" / "metrics.jsonl"), read(folder_ / "two" / "metrics.jsonl"));
}

TEST_F(Train, AnotherSeedGivesOtherParameters) {
  ASSERT_EQ(train("a").status, 0);
  ASSERT_EQ(train("b", {"--set", "seed=4"}).status, 0);
  EXPECT_NE(last_checkpoint("a"), last_checkpoint("b"));
}

TEST_F(Train, AnExistingRunFolderIsRefusedAndUntouched) {
  ASSERT_EQ(train("run").status, 0);
  const std::string before = last_checkpoint("run");
  const Result again = train("run");
  EXPECT_EQ(again.status, 2);
  EXPECT_THAT(again.err, HasSubstr("exists already"));
  EXPECT_THAT(again.err, HasSubstr("--resume"));
  EXPECT_EQ(last_checkpoint("run"), before);
}

TEST_F(Train, ResumingFromAnEarlierCheckpointGivesTheUndisturbedRun) {
  ASSERT_EQ(train("whole").status, 0);
  fs::copy(folder_ / "whole", folder_ / "cut", fs::copy_options::recursive);
  ASSERT_TRUE(fs::remove(folder_ / "cut" / "checkpoints" / "step-00000020.safetensors"));
  fs::remove(folder_ / "cut" / "summary.json");
  const Result resumed = train("cut", {"--resume", "--json"});
  ASSERT_EQ(resumed.status, 0) << resumed.err;
  EXPECT_EQ(last_checkpoint("cut"), last_checkpoint("whole"));
  EXPECT_EQ(read(folder_ / "cut" / "metrics.jsonl"), read(folder_ / "whole" / "metrics.jsonl"));
  EXPECT_EQ(read(folder_ / "cut" / "checkpoints" / "best.safetensors"),
            read(folder_ / "whole" / "checkpoints" / "best.safetensors"));
  const io::Json a = io::parse_json(last_line(resumed.out), "stdout");
  const io::Json b = io::parse_json(read(folder_ / "whole" / "summary.json"), "summary.json");
  EXPECT_EQ(a["test"], b["test"]);
  EXPECT_LT(a["resumed_from"].get<int>(), 20);
}

TEST_F(Train, ResumingWithAnotherConfigurationListsTheDifferences) {
  ASSERT_EQ(train("run").status, 0);
  const Result refused = train("run", {"--resume", "--set", "train.steps=24"});
  EXPECT_EQ(refused.status, 2);
  EXPECT_THAT(refused.err, HasSubstr("train.steps: 20 → 24"));
  EXPECT_THAT(refused.err, HasSubstr("--allow-changed-config"));
  const Result allowed =
      train("run", {"--resume", "--allow-changed-config", "--set", "train.steps=24"});
  EXPECT_EQ(allowed.status, 0) << allowed.err;
  EXPECT_TRUE(fs::exists(folder_ / "run" / "checkpoints" / "step-00000024.safetensors"));
}

TEST_F(Train, AnInterruptFinishesTheStepAndWritesACheckpoint) {
  write(folder_ / "tiny.yaml", tiny_training(1000000));
  Process process({"train", "tiny.yaml", "--out", "run", "--json"}, folder_.path());
  while (read(folder_ / "run" / "metrics.jsonl").empty()) {
    ASSERT_FALSE(process.ended()) << process.wait().err;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  process.signal(SIGINT);
  const Result result = process.wait();
  EXPECT_EQ(result.status, 130);
  const io::Json summary = io::parse_json(last_line(result.out), "stdout");
  EXPECT_EQ(summary["status"], "interrupted");
  char name[64];
  std::snprintf(name, sizeof name, "step-%08d.safetensors", summary["steps"].get<int>());
  EXPECT_TRUE(fs::exists(folder_ / "run" / "checkpoints" / name));
}

TEST_F(Train, AResultThatTheSummaryCannotHoldIsStillTold) {
  ASSERT_EQ(train("run").status, 0);
  fs::create_directory(folder_ / "run/summary.json.partial");  // in the writer's way
  const Result result = train("run", {"--resume", "--json"});
  EXPECT_EQ(result.status, 1) << result.err;
  const io::Json summary = io::parse_json(last_line(result.out), "stdout");
  EXPECT_EQ(summary["status"], "failed");
  EXPECT_THAT(summary["message"].get<std::string>(), HasSubstr("summary.json"));
  EXPECT_TRUE(std::isfinite(summary["test"]["nll"].get<double>()));
}

TEST_F(Train, EarlyStoppingEndsAfterValidationsThatAreNotBetter) {
  // A difference of 1000 nats is never reached: the first validation stays the best.
  const Result result = train(
      "run", {"--json", "--set", "train.evaluate_every=2", "--set",
              "train.early_stopping.patience=3", "--set", "train.early_stopping.min_delta=1000"});
  ASSERT_EQ(result.status, 0) << result.err;
  const io::Json summary = io::parse_json(last_line(result.out), "stdout");
  EXPECT_EQ(summary["steps"], 8);
  EXPECT_EQ(summary["stopped_early"], true);
  EXPECT_EQ(summary["validation"]["step"], 2);
}

TEST_F(Train, ALongGradientIsShortenedToTheClip) {
  // Plain descent with rate 1 moves the parameters by the clipped gradient.
  const Result result = train("run", {"--set", "optimizer={use: sgd, lr: 1, gradient_clip: 1e-2}",
                                      "--set", "train.steps=1", "--set", "train.evaluate_every=0"});
  ASSERT_EQ(result.status, 0) << result.err;
  const fs::path checkpoints = folder_ / "run" / "checkpoints";
  const auto before = io::read_safetensors(checkpoints / "step-00000000.safetensors");
  const auto after = io::read_safetensors(checkpoints / "step-00000001.safetensors");
  double squares = 0.0;
  for (const auto& [name, array] : before.arrays) {
    if (name.rfind("parameters.", 0) != 0) continue;
    const auto a = io::values(array);
    const auto b = io::values(after.arrays.at(name));
    for (std::size_t i = 0; i < a.size(); ++i) squares += (a[i] - b[i]) * (a[i] - b[i]);
  }
  // Parameters of size one in float32 are rounded to 6e-8 each, 52 of them.
  EXPECT_NEAR(std::sqrt(squares), 1e-2, 1e-6);
  const io::Json line = lines_of(folder_ / "run" / "metrics.jsonl").front();
  EXPECT_GT(line["gradient_norm"].get<double>(), 1e-2) << "nothing to clip";
}

TEST_F(Train, PrintsPlainLinesWhenItIsNoTerminal) {
  const Result result = train("run");
  EXPECT_THAT(result.err, HasSubstr("step 20/20"));
  EXPECT_THAT(result.err, HasSubstr("samples/s"));
  EXPECT_THAT(result.err, testing::Not(HasSubstr("\r")));
}

class Trained : public Train {
 protected:
  Trained() { EXPECT_EQ(train("run").status, 0); }
};

TEST_F(Trained, EvalRepeatsTheTestOfTheSummary) {
  const Result result = run({"eval", "run", "--json"}, folder_.path());
  ASSERT_EQ(result.status, 0) << result.err;
  const io::Json summary = io::parse_json(read(folder_ / "run" / "summary.json"), "summary.json");
  const io::Json evaluated = io::parse_json(last_line(result.out), "stdout");
  EXPECT_EQ(evaluated["nll"], summary["test"]["nll"]);
  EXPECT_EQ(evaluated["nll_stderr"], summary["test"]["nll_stderr"]);
}

TEST_F(Trained, SamplesOfASeedDoNotDependOnTheirNumber) {
  ASSERT_EQ(run({"sample", "run", "-n", "50", "-o", "a.npy"}, folder_.path()).status, 0);
  ASSERT_EQ(run({"sample", "run", "-n", "20", "-o", "b.npy"}, folder_.path()).status, 0);
  ASSERT_EQ(run({"sample", "run", "-n", "20", "-o", "c.npy", "--seed", "1"}, folder_.path()).status,
            0);
  const io::Array a = io::read_npy(folder_ / "a.npy");
  const io::Array b = io::read_npy(folder_ / "b.npy");
  EXPECT_THAT(a.shape, testing::ElementsAre(50, 2));
  std::vector<double> first = io::values(a);
  first.resize(40);
  EXPECT_EQ(first, io::values(b));
  EXPECT_NE(io::values(b), io::values(io::read_npy(folder_ / "c.npy")));
}

TEST_F(Trained, EvalWritesLogPOfTheUsersRows) {
  write(folder_ / "rows.csv", "x,y\n0,0\n1,2\n100,100\n");
  const Result result =
      run({"eval", "run", "--data", "rows.csv", "-o", "log-p.npy", "--json"}, folder_.path());
  ASSERT_EQ(result.status, 0) << result.err;
  const io::Array log_p = io::read_npy(folder_ / "log-p.npy");
  EXPECT_THAT(log_p.shape, testing::ElementsAre(3));
  const std::vector<double> values = io::values(log_p);
  // A row far outside the data is less likely by thousands of nats under a normal base.
  EXPECT_LT(values[2], values[0] - 1000.0);
  const double mean = -(values[0] + values[1] + values[2]) / 3.0;
  EXPECT_NEAR(io::parse_json(last_line(result.out), "stdout")["nll"].get<double>(), mean,
              1e-12 * std::abs(mean));
}

TEST_F(Trained, EvalRefusesRowsOfAnotherWidth) {
  write(folder_ / "rows.csv", "x,y,z\n0,0,0\n");
  const Result result = run({"eval", "run", "--data", "rows.csv"}, folder_.path());
  EXPECT_EQ(result.status, 2);
  EXPECT_THAT(result.err, HasSubstr("rows.csv"));
  EXPECT_THAT(result.err, HasSubstr("rows of shape [3], the model takes [2]"));
}

TEST_F(Train, ColumnsOfTheUsersFileAreFoundByTheirNames) {
  std::string text = "a,b\n";
  for (int i = 0; i < 60; ++i) {
    text += std::to_string(i % 7) + "." + std::to_string(i % 10) + "," +
            std::to_string(i * 3 % 11) + "\n";
  }
  write(folder_ / "table.csv", text);
  std::string config = tiny_training();
  config.replace(config.find("{use: eight_gaussians, batch: 32}"), 33,
                 "{use: csv, file: table.csv, batch: 16}");
  config.replace(config.find("  - use: ode"), 2, "  - use: standardize\n  ");
  write(folder_ / "tiny.yaml", config);
  const Result trained = train("run");
  ASSERT_EQ(trained.status, 0) << trained.err;
  write(folder_ / "rows.csv", "a,b\n1,2\n3,4\n");
  write(folder_ / "turned.csv", "other,b,a\n9,2,1\n9,4,3\n");
  ASSERT_EQ(run({"eval", "run", "--data", "rows.csv", "-o", "1.npy"}, folder_.path()).status, 0);
  const Result turned = run({"eval", "run", "--data", "turned.csv", "-o", "2.npy"}, folder_.path());
  ASSERT_EQ(turned.status, 0) << turned.err;
  EXPECT_EQ(read(folder_ / "1.npy"), read(folder_ / "2.npy"));
  // The training file is not needed any more.
  fs::remove(folder_ / "table.csv");
  EXPECT_EQ(run({"eval", "run", "--data", "rows.csv", "-o", "3.npy"}, folder_.path()).status, 0);
  write(folder_ / "less.csv", "a,c\n1,2\n");
  const Result missing = run({"eval", "run", "--data", "less.csv"}, folder_.path());
  EXPECT_EQ(missing.status, 2);
  EXPECT_THAT(missing.err, HasSubstr("no column 'b'"));
}

TEST_F(Train, SamplesOfColumnsWithCommasInTheirNamesReadBack) {
  std::string text = "\"a, in \"\"x\"\"\",b\n";
  for (int i = 0; i < 40; ++i) text += std::to_string(i % 7) + "," + std::to_string(i % 5) + "\n";
  write(folder_ / "table.csv", text);
  const std::vector<std::string> data{"--set", "data={use: csv, file: table.csv, batch: 16}",
                                      "--no-report"};
  ASSERT_EQ(train("run", data).status, 0);
  ASSERT_EQ(run({"sample", "run", "-n", "3", "-o", "s.csv"}, folder_.path()).status, 0);
  EXPECT_THAT(read(folder_ / "s.csv"), testing::StartsWith("\"a, in \"\"x\"\"\",b\n"));
  const Result result = run({"eval", "run", "--data", "s.csv", "-o", "p.csv"}, folder_.path());
  EXPECT_EQ(result.status, 0) << result.err;
}

}  // namespace
}  // namespace odeum::testing_tool
