// SPDX-License-Identifier: Apache-2.0
// The same pipelines trained on cpu and opencl, by one --set; and trainings whose device fails.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "cli/tool.hpp"
#include "io/json.hpp"
#include "kernelgen/opencl.hpp"

namespace odeum {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing_tool::Process;
using testing_tool::Result;

class OpenClTraining : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const auto opened = opencl_tests::open(); !opened.device) GTEST_SKIP() << opened.missing;
    testing_tool::write(folder_ / "flow.yaml", testing_tool::kutta38_training());
  }
  Result train(const std::string& device, const std::string& run,
               const std::vector<std::string>& more = {}, Process::Environment environment = {},
               const std::string& config = "flow.yaml") {
    // PoCL compiles for most of a test; what it compiles is run a few times.
    environment.emplace_back("POCL_EXTRA_BUILD_FLAGS", "-cl-opt-disable");
    std::vector<std::string> words{"train",       config,  "--out",           run,
                                   "--no-report", "--set", "device=" + device};
    words.insert(words.end(), more.begin(), more.end());
    return testing_tool::run(words, folder_.path(), environment);
  }
  /// Trains on both devices, into the folders `cpu` and `opencl`.
  void train_both(const std::vector<std::string>& more, const std::string& config = "flow.yaml") {
    for (const char* device : {"cpu", "opencl"}) {
      const Result result = train(device, device, more, {}, config);
      ASSERT_EQ(result.status, 0) << device << ": " << result.err;
    }
  }
  /// The loss that a run logged at a step; the test's nll at step -1.
  double loss(const std::string& run, int step) const {
    std::istringstream lines(testing_tool::read(folder_ / run / "metrics.jsonl"));
    for (std::string line; std::getline(lines, line);) {
      const io::Json one = io::Json::parse(line);
      if (one.at("step") == step && one.contains("loss")) return one.at("loss");
    }
    ADD_FAILURE() << run << " logged no step " << step;
    return NAN;
  }
  double test_nll(const std::string& run) const {
    return io::Json::parse(testing_tool::read(folder_ / run / "summary.json")).at("test").at("nll");
  }
  /// Of a whole number a step in timing.jsonl.
  double traffic(const std::string& run, int step, const std::string& what) const {
    std::istringstream lines(testing_tool::read(folder_ / run / "timing.jsonl"));
    for (std::string line; std::getline(lines, line);) {
      const io::Json one = io::Json::parse(line);
      if (one.at("step") == step) return one.at(what);
    }
    ADD_FAILURE() << run << " has no times of step " << step;
    return NAN;
  }
  std::string checkpoint(const std::string& run, const std::string& step = "00000020") const {
    return testing_tool::read(folder_ / run / "checkpoints" / ("step-" + step + ".safetensors"));
  }
  /// A checkpoint but for the fingerprint of its configuration, which says how often there is one,
  /// and the checksum of all.
  std::string learned(const std::string& run, const std::string& step = "00000020") const {
    std::string text = checkpoint(run, step);
    const auto without = [&text](const std::string& key, const std::string& quote) {
      const std::size_t at = text.find(key);
      if (at == std::string::npos) return false;
      text.erase(at, text.find(quote, at + key.size()) - at);
      return true;
    };
    const bool whole =
        without(R"(\"config\":\")", R"(\")") && without(R"("odeum.checksum":")", "\"");
    return whole ? text : "";
  }

  testing_tool::Folder folder_;
};

// The bounds that all devices are held to: rounding grows with the steps of a training.
constexpr double kAfter20Steps = 1e-4, kAfter200Steps = 1e-2;

TEST_F(OpenClTraining, FollowsTheProcessorFor200StepsOfKutta38) {
  train_both({"--set", "train.steps=200"});
  if (HasFatalFailure()) return;
  EXPECT_NEAR(loss("opencl", 20), loss("cpu", 20), kAfter20Steps);
  EXPECT_NEAR(loss("opencl", 200), loss("cpu", 200), kAfter200Steps);
  EXPECT_LT(loss("cpu", 200), loss("cpu", 1)) << "nothing was learned";
}

TEST_F(OpenClTraining, FollowsTheProcessorThroughTheQuickstart) {
  const char* source = std::getenv("ODEUM_SOURCE");
  ASSERT_NE(source, nullptr);
  train_both({"--set", "train.steps=20", "--set", "train.log_every=1", "--set", "data.batch=64",
              "--set", "train.evaluate_samples=64", "--set", "train.test_samples=64"},
             std::string(source) + "/configs/quickstart.yaml");
  if (HasFatalFailure()) return;
  EXPECT_NEAR(loss("opencl", 20), loss("cpu", 20), kAfter20Steps);
  EXPECT_NEAR(test_nll("opencl"), test_nll("cpu"), kAfter20Steps);
}

TEST_F(OpenClTraining, GivesTheSameBitsAgainAndFromACheckpoint) {
  ASSERT_EQ(train("opencl", "whole").status, 0);
  ASSERT_EQ(train("opencl", "again").status, 0);
  EXPECT_FALSE(checkpoint("whole").empty());
  EXPECT_EQ(checkpoint("again"), checkpoint("whole"));

  std::filesystem::remove(folder_ / "again" / "checkpoints" / "step-00000020.safetensors");
  const Result resumed = train("opencl", "again", {"--resume", "--json"});
  ASSERT_EQ(resumed.status, 0) << resumed.err;
  EXPECT_THAT(resumed.out, HasSubstr("\"resumed_from\":10"));
  EXPECT_EQ(checkpoint("again"), checkpoint("whole"));
  EXPECT_EQ(testing_tool::read(folder_ / "again" / "metrics.jsonl"),
            testing_tool::read(folder_ / "whole" / "metrics.jsonl"));
}

TEST_F(OpenClTraining, GivesTheSameBitsWhetherItsNumbersAreAwaitedOrReadAStepLate) {
  ASSERT_EQ(train("opencl", "late").status, 0);
  // A checkpoint after each step waits for it.
  ASSERT_EQ(train("opencl", "awaited", {"--set", "train.checkpoint_every=1"}).status, 0);
  EXPECT_NE(learned("late"), "");
  EXPECT_TRUE(learned("late") == learned("awaited"));
  EXPECT_EQ(testing_tool::read(folder_ / "late" / "metrics.jsonl"),
            testing_tool::read(folder_ / "awaited" / "metrics.jsonl"));
  EXPECT_EQ(traffic("late", 5, "downloads"), 3) << "the solve's statuses, the numbers, the norm";
  EXPECT_EQ(traffic("late", 5, "synchronizations"), 1) << "the solve's alone";
}

/// Trainings on rows of which some bring a number that is not finite.
class OpenClBadRows : public OpenClTraining {
 protected:
  struct Bad {
    int row;
    std::string value;
  };
  void write_rows(const std::vector<Bad>& bad) const {
    std::string text = "a,b\n";
    for (int i = 0; i < 80; ++i) {
      std::string pair = std::to_string(std::sin(i)) + "," + std::to_string(std::cos(3 * i));
      for (const Bad& one : bad)
        if (one.row == i) pair = one.value + "," + one.value;
      text += pair + "\n";
    }
    testing_tool::write(folder_ / "rows.csv", text);
    testing_tool::write(folder_ / "rows.yaml",
                        "seed: 3\n"
                        "data: {use: csv, file: rows.csv, batch: 4, split: {rule: contiguous}}\n"
                        "model:\n"
                        "  - use: ode\n"
                        "    name: flow\n"
                        "    field: {use: mlp, hidden: [8], activation: tanh, time: concat}\n"
                        "    solver: {use: kutta38, steps: 2}\n"
                        "objective: likelihood\n"
                        "train: {steps: 20, log_every: 1, checkpoint_every: 3, test_samples: 2}\n");
  }
  /// What a failed run leaves but for the values of its losses.
  std::string remains(const std::string& run) const {
    std::string text;
    std::istringstream lines(testing_tool::read(folder_ / run / "metrics.jsonl"));
    for (std::string line; std::getline(lines, line);)
      text += "line of step " + io::Json::parse(line).at("step").dump() + "\n";
    std::vector<std::string> files;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_ / run))
      files.push_back(entry.path().lexically_relative(folder_ / run).string());
    std::sort(files.begin(), files.end());
    for (const std::string& file : files) text += file + "\n";
    const io::Json summary = io::Json::parse(testing_tool::read(folder_ / run / "summary.json"));
    for (const char* key : {"status", "message", "steps"}) text += summary.at(key).dump() + "\n";
    return text;
  }
  /// Both devices fail with these words, and leave the same; the last checkpoint is what a run
  /// that waits for every step has there.
  void expect_same_end(const std::string& words, const std::string& checkpoint_step,
                       const std::vector<std::string>& more = {}) {
    for (const char* device : {"cpu", "opencl"}) {
      const Result failed = train(device, device, more, {}, "rows.yaml");
      EXPECT_EQ(failed.status, 1) << device << failed.out;
      EXPECT_THAT(failed.err, HasSubstr(words)) << device;
    }
    EXPECT_EQ(remains("opencl"), remains("cpu"));
    std::vector<std::string> awaited = more;
    awaited.insert(awaited.end(), {"--set", "train.checkpoint_every=1"});
    EXPECT_EQ(train("opencl", "awaited", awaited, {}, "rows.yaml").status, 1);
    EXPECT_NE(learned("opencl", checkpoint_step), "");
    EXPECT_TRUE(learned("opencl", checkpoint_step) == learned("awaited", checkpoint_step));
    EXPECT_EQ(testing_tool::read(folder_ / "opencl" / "metrics.jsonl"),
              testing_tool::read(folder_ / "awaited" / "metrics.jsonl"));
  }
};

TEST_F(OpenClBadRows, EndATrainingAtALossThatIsNotFiniteAsOnTheProcessor) {
  write_rows({{5, "1e200"}});  // its square is beyond float64
  expect_same_end(
      "the loss of step 5 is inf (learning rate 0.001). The last checkpoint is of step 3",
      "00000003", {"--set", "precision=float64"});
}

TEST_F(OpenClBadRows, EndATrainingAtTheFirstOfTwoFailuresThatAreUnderWay) {
  write_rows({{1, "1e300"}});  // beyond float32
  const Result later = train("cpu", "later", {}, {}, "rows.yaml");
  EXPECT_THAT(later.err, HasSubstr("the solve of 'flow' failed"));
  EXPECT_EQ(io::Json::parse(testing_tool::read(folder_ / "later" / "summary.json")).at("steps"), 7)
      << "the solve of step 8 is the one that fails";
  write_rows({{10, "3e30"}, {1, "1e300"}});
  expect_same_end("the gradient's norm of step 7 is inf", "00000006");
}

#ifdef ODEUM_FAILING_OPENCL

class OpenClFault : public OpenClTraining {
 protected:
  Result train_failing(const std::string& run, const std::string& fault) {
    return train("opencl", run, {},
                 {{"LD_PRELOAD", ODEUM_FAILING_OPENCL}, {"FAILING_OPENCL", fault}});
  }
};

TEST_F(OpenClFault, LosingTheDeviceEndsTheRunWhichGoesOnWhereItStood) {
  ASSERT_EQ(train("opencl", "whole").status, 0);
  // Some 60 launches a step: the device goes behind the checkpoint of step 10.
  const Result lost = train_failing("run", "clEnqueueReadBuffer 60 -2");
  EXPECT_EQ(lost.status, 1) << lost.out;
  EXPECT_THAT(lost.err,
              AllOf(HasSubstr("device opencl: reading from the device: "), HasSubstr("--resume")));
  EXPECT_FALSE(checkpoint("run", "00000010").empty());
  EXPECT_TRUE(checkpoint("run").empty());
  ASSERT_EQ(train("opencl", "run", {"--resume"}).status, 0);
  EXPECT_EQ(checkpoint("run"), checkpoint("whole"));
}

TEST_F(OpenClFault, ARunWithoutMemorySaysHowMuchItWanted) {
  const Result full = train_failing("run", "clCreateBuffer 40 -4");
  EXPECT_EQ(full.status, 1);
  EXPECT_THAT(full.err, AllOf(HasSubstr("device opencl: no memory for "), HasSubstr(" bytes on "),
                              HasSubstr("CL_MEM_OBJECT_ALLOCATION_FAILURE"),
                              HasSubstr("take smaller batches")));
}

TEST_F(OpenClFault, ADeviceWithoutMemoryForTheParametersIsAMistakeFoundBeforeTheFirstStep) {
  const Result full = train_failing("run", "clCreateBuffer 2 -4");
  EXPECT_EQ(full.status, 2);
  EXPECT_THAT(full.err, HasSubstr("device opencl: no memory for "));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "run"));
}

TEST_F(OpenClFault, KernelsThatDoNotBuildNameTheirProgram) {
  const Result broken = train_failing("run", "clBuildProgram 1 -11");
  EXPECT_EQ(broken.status, 1);
  EXPECT_THAT(broken.err,
              AllOf(HasSubstr("device opencl: the kernels of program '"),
                    HasSubstr("do not build on "), HasSubstr("CL_BUILD_PROGRAM_FAILURE")));
}

#endif

}  // namespace
}  // namespace odeum
