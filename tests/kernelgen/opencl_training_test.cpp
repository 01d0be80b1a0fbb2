// SPDX-License-Identifier: Apache-2.0
// The same pipelines trained on cpu and opencl, by one --set; and trainings whose device fails.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

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
  std::string checkpoint(const std::string& run, const std::string& step = "00000020") const {
    return testing_tool::read(folder_ / run / "checkpoints" / ("step-" + step + ".safetensors"));
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
