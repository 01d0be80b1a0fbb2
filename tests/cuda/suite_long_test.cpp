// SPDX-License-Identifier: Apache-2.0
// Whole runs of the tool on the stand-in driver: the device suite, and training.
#ifdef ODEUM_WITH_CUDA
#include <cmath>

#include "cli/tool.hpp"
#include "io/json.hpp"

namespace odeum {
namespace {

using testing_tool::Folder;
using testing_tool::Process;

testing_tool::Result run(const Folder& folder, const std::vector<std::string>& arguments) {
  return Process(
             arguments, folder.path(),
             {{"LD_LIBRARY_PATH", FAKE_CUDA_LIBRARIES}, {"XDG_CACHE_HOME", folder.path().string()}})
      .wait();
}

TEST(CudaSuite, PassesOnTheStandIns) {
  const Folder folder;
  const auto result = run(folder, {"verify", "device/cuda", "--limit", "280"});
  EXPECT_EQ(result.status, 0) << result.out << result.err;
  EXPECT_EQ(result.out.find("left out"), std::string::npos) << result.out;
  EXPECT_NE(result.out.find("computes the reverse derivative of"), std::string::npos) << result.out;
}

/// The loss after 20 steps of kutta38, and what the run says of the device's traffic.
double loss(const Folder& folder, const std::string& device, const std::string& name) {
  testing_tool::write(folder / "flow.yaml", testing_tool::kutta38_training());
  const auto result =
      run(folder, {"train", "flow.yaml", "--out", name, "--set", "device=" + device});
  EXPECT_EQ(result.status, 0) << result.err << result.out;
  if (result.status != 0) return std::nan("");
  return io::Json::parse(testing_tool::read(folder / name / "summary.json")).at("loss");
}

TEST(CudaTraining, FollowsTheProcessorFor20StepsOfKutta38) {
  const Folder folder;
  const double cpu = loss(folder, "cpu", "cpu");
  // The bound that all devices are held to.
  EXPECT_NEAR(loss(folder, "cuda", "cuda"), cpu, 1e-4);
  EXPECT_NEAR(loss(folder, "{use: cuda, products: library}", "library"), cpu, 1e-4);
}

}  // namespace
}  // namespace odeum
#endif
