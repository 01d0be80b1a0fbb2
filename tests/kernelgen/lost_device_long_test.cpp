// SPDX-License-Identifier: Apache-2.0
// A training run whose OpenCL device stops working.
#include <gtest/gtest.h>

#ifdef ODEUM_WITH_OPENCL
#include <CL/cl.h>
#endif

#include "cli/tool.hpp"
#include "io/json.hpp"
#include "kernelgen/opencl.hpp"

namespace odeum {
namespace {

#ifdef ODEUM_FAILING_OPENCL

using testing_tool::Folder;
using testing_tool::Process;

TEST(LostOpenClDevice, EndsTheRunWithAClearErrorAndTheRunGoesOnFromItsLastCheckpoint) {
  if (const auto opened = opencl_tests::open(); !opened.device) GTEST_SKIP() << opened.missing;
  const Folder folder;
  testing_tool::write(
      folder / "flow.yaml",
      "device: opencl\n"
      "seed: 3\n"
      "data: {use: rings, batch: 16}\n"
      "model:\n"
      "  - use: ode\n"
      "    name: flow\n"
      "    span: [0, 1]\n"
      "    field: {use: mlp, hidden: [4]}\n"
      "    solver: {use: euler, steps: 2}\n"
      "    gradient: backprop\n"
      "    divergence: {estimator: exact}\n"
      "objective: likelihood\n"
      "optimizer: {use: sgd, lr: 1e-3}\n"
      "train: {steps: 6, checkpoint_every: 1, evaluate_every: 0, test_samples: 2}\n");
  const auto train = [&](const std::string& out, const Process::Environment& environment,
                         const std::vector<std::string>& more = {}) {
    std::vector<std::string> arguments = {"train", "flow.yaml", "--out", out};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return Process(arguments, folder.path(), environment).wait();
  };
  const auto summary = [&](const std::string& run) {
    return io::Json::parse(testing_tool::read(folder / run / "summary.json"));
  };

  // One that ends well says how many kernels a run has.
  const auto whole = train("whole", {});
  ASSERT_EQ(whole.status, 0) << whole.err;
  const std::int64_t launches = summary("whole").at("traffic").at("launches");
  EXPECT_GT(launches, 6);

  const std::string fault = "clEnqueueNDRangeKernel " + std::to_string(launches * 3 / 4) + " " +
                            std::to_string(CL_DEVICE_NOT_AVAILABLE);
  const auto lost =
      train("lost", {{"LD_PRELOAD", ODEUM_FAILING_OPENCL}, {"FAILING_OPENCL", fault}});
  EXPECT_EQ(lost.status, 1);
  EXPECT_NE(lost.err.find("device opencl: "), std::string::npos) << lost.err;
  EXPECT_NE(lost.err.find("the device stopped working: go on from the last checkpoint with "
                          "--resume"),
            std::string::npos)
      << lost.err;
  EXPECT_EQ(summary("lost").at("status"), "failed");
  EXPECT_LT(summary("lost").at("steps"), 6);
  EXPECT_GT(summary("lost").at("steps"), 0);

  const auto again = train("lost", {}, {"--resume"});
  EXPECT_EQ(again.status, 0) << again.err;
  const auto checkpoint = [&](const char* run) {
    return testing_tool::read(folder / run / "checkpoints" / "step-00000006.safetensors");
  };
  EXPECT_FALSE(checkpoint("whole").empty());
  EXPECT_EQ(checkpoint("lost"), checkpoint("whole")) << "the loss left something behind";
}

#else

TEST(LostOpenClDevice, IsLeftOutWithoutTheHeadersOfOpenCl) {
  GTEST_SKIP() << "OpenCL was not found: device/opencl is not built";
}

#endif

}  // namespace
}  // namespace odeum
