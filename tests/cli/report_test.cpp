// SPDX-License-Identifier: Apache-2.0
// report.html: what train and report write for people to look at.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/tool.hpp"
#include "io/json.hpp"

namespace odeum::testing_tool {
namespace {

using testing::HasSubstr;
using testing::Not;

class Report : public testing::Test {
 protected:
  Report() { write(folder_ / "tiny.yaml", tiny_training()); }

  Result train(std::vector<std::string> more = {}) {
    std::vector<std::string> arguments{"train", "tiny.yaml", "--out", "run"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run(arguments, folder_.path());
  }
  std::string page() { return read(folder_ / "run" / "report.html"); }

  Folder folder_;
};

TEST_F(Report, IsWrittenAtTheEndOfATraining) {
  ASSERT_EQ(train().status, 0);
  const std::string html = page();
  for (const char* part :
       {"Training loss", "Evaluations of the field", "Seconds a step", "Learning rate",
        "Density of the model", "Paths of samples", "use: eight_gaussians", "solver/rk4"}) {
    EXPECT_THAT(html, HasSubstr(part));
  }
  for (const char* name : {"data.png", "samples.png", "density.png"}) {
    EXPECT_EQ(read(folder_ / "run" / "pictures" / name).substr(1, 3), "PNG") << name;
  }
}

TEST_F(Report, LoadsNothingFromElsewhere) {
  ASSERT_EQ(train().status, 0);
  const std::string html = page();
  for (const char* part : {"http:", "https:", "<script", "<link", "url("}) {
    EXPECT_THAT(html, Not(HasSubstr(part)));
  }
}

TEST_F(Report, IsWrittenAnewFromTheRunFolderAlone) {
  ASSERT_EQ(train({"--no-report"}).status, 0);
  EXPECT_FALSE(fs::exists(folder_ / "run" / "report.html"));
  fs::remove(folder_ / "tiny.yaml");
  const Result result = run({"report", "run"}, folder_.path());
  ASSERT_EQ(result.status, 0) << result.err;
  const std::string first = page();
  EXPECT_THAT(first, HasSubstr("Density of the model"));
  ASSERT_EQ(run({"report", "run"}, folder_.path()).status, 0);
  EXPECT_EQ(page(), first);
}

TEST_F(Report, IsWrittenOfATrainingThatHasNotEnded) {
  ASSERT_EQ(train({"--no-report"}).status, 0);
  fs::remove(folder_ / "run" / "summary.json");  // which is written last
  const Result result = run({"report", "run"}, folder_.path());
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_THAT(page(), HasSubstr("not at its end"));
  EXPECT_THAT(page(), HasSubstr("Density of the model"));
}

TEST_F(Report, NamesTheBrokenLineOfALog) {
  ASSERT_EQ(train({"--no-report"}).status, 0);
  write(folder_ / "run" / "metrics.jsonl", "{\"step\": 10, \"loss\": 1}\n{\"step\": \n");
  const Result result = run({"report", "run"}, folder_.path());
  EXPECT_EQ(result.status, 2);
  EXPECT_THAT(result.err, HasSubstr("metrics.jsonl"));
}

TEST_F(Report, HasEachStepsTimeOnceAfterAResume) {
  ASSERT_EQ(train({"--set", "train.steps=10", "--set", "train.log_every=5"}).status, 0);
  ASSERT_EQ(train({"--resume", "--allow-changed-config", "--set", "train.log_every=5"}).status, 0);
  std::istringstream lines(read(folder_ / "run" / "timing.jsonl"));
  std::vector<int> steps;
  for (std::string line; std::getline(lines, line);) {
    const io::Json object = io::parse_json(line, "timing.jsonl");
    EXPECT_GT(object["seconds"].get<double>(), 0.0);
    steps.push_back(object["step"]);
  }
  EXPECT_EQ(steps, (std::vector<int>{5, 10, 15, 20}));
}

}  // namespace
}  // namespace odeum::testing_tool
