// SPDX-License-Identifier: Apache-2.0
// The same pipeline on cpu and opencl, by one --set.
#include <gtest/gtest.h>

#include <cmath>

#include "cli/tool.hpp"
#include "io/json.hpp"
#include "io/safetensors.hpp"
#include "kernelgen/opencl.hpp"

namespace odeum {
namespace {

using testing_tool::Folder;
using testing_tool::Process;

/// A small flow with this solver and gradient method.
std::string flow(const std::string& solver, const std::string& gradient, int width) {
  return "seed: 3\nprecision: float32\n"
         "data: {use: eight_gaussians, batch: 64}\n"
         "model:\n"
         "  - use: ode\n"
         "    name: flow\n"
         "    span: [0, 1]\n"
         "    field: {use: mlp, hidden: [" +
         std::to_string(width) +
         "], activation: softplus, time: concatsquash}\n"
         "    solver: " +
         solver + "\n    gradient: " + gradient +
         "\n    divergence: {estimator: hutchinson, evaluate: {estimator: exact}}\n"
         "objective: likelihood\n";
}

/// Runs the pipeline into the folder `run`.
void train(const Folder& folder, const std::string& device, const std::string& pipeline,
           const std::string& run) {
  testing_tool::write(folder / "flow.yaml", "device: " + device + "\n" + pipeline);
  const auto result = Process({"train", "flow.yaml", "--out", run}, folder.path()).wait();
  ASSERT_EQ(result.status, 0) << result.err << result.out;
}

double loss(const Folder& folder, const std::string& run) {
  return io::Json::parse(testing_tool::read(folder / run / "summary.json")).at("loss");
}

TEST(OpenClTraining, FollowsTheProcessorFor20StepsOfKutta38) {
  if (const auto opened = opencl_tests::open(); !opened.device) GTEST_SKIP() << opened.missing;
  const Folder folder;
  const std::string steps =
      flow("{use: kutta38, steps: 2}", "backprop", 8) +
      "optimizer: {use: adam, lr: 5e-3}\n"
      "train: {steps: 20, evaluate_every: 20, evaluate_batch: 64, test_samples: 64}\n";
  train(folder, "cpu", steps, "cpu");
  train(folder, "opencl", steps, "opencl");
  train(folder, "opencl", steps, "again");
  // The bound that all devices are held to.
  EXPECT_NEAR(loss(folder, "opencl"), loss(folder, "cpu"), 1e-4);
  const auto checkpoint = [&](const char* run) {
    return testing_tool::read(folder / run / "checkpoints" / "step-00000020.safetensors");
  };
  EXPECT_FALSE(checkpoint("again").empty());
  EXPECT_EQ(checkpoint("again"), checkpoint("opencl")) << "a second run gives other bits";
}

struct Method {
  const char* name;
  const char* gradient;
  const char* solver;
};
std::string name_of(const ::testing::TestParamInfo<Method>& one) { return one.param.name; }

class OpenClGradients : public ::testing::TestWithParam<Method> {};

TEST_P(OpenClGradients, AreTheProcessors) {
  if (const auto opened = opencl_tests::open(); !opened.device) GTEST_SKIP() << opened.missing;
  const Folder folder;
  // One step of gradient descent of length 1: the parameters change by the gradient.
  const std::string step =
      flow(GetParam().solver, GetParam().gradient, 4) +
      "optimizer: {use: sgd, lr: 1}\n"
      "train: {steps: 1, evaluate_every: 1, evaluate_batch: 64, test_samples: 64}\n";
  train(folder, "cpu", step, "cpu");
  train(folder, "opencl", step, "opencl");
  if (HasFatalFailure()) return;
  const auto checkpoint = [&](const char* run, const char* which) {
    return io::read_safetensors(folder / run / "checkpoints" / which);
  };
  const auto start = checkpoint("cpu", "step-00000000.safetensors");
  const auto cpu = checkpoint("cpu", "step-00000001.safetensors");
  const auto opencl = checkpoint("opencl", "step-00000001.safetensors");
  double difference = 0, size = 0;
  for (const auto& [name, before] : start.arrays) {
    if (name.rfind("parameters.", 0) != 0) continue;
    const auto from = io::values(before), a = io::values(cpu.arrays.at(name)),
               b = io::values(opencl.arrays.at(name));
    for (std::size_t i = 0; i < a.size(); ++i) {
      difference += std::pow(a[i] - b[i], 2);
      size += std::pow(a[i] - from[i], 2);
    }
  }
  EXPECT_GT(size, 0);
  // Relative, at equal parameters: the bound that all devices are held to.
  EXPECT_LE(std::sqrt(difference / size), 1e-4);
}

INSTANTIATE_TEST_SUITE_P(
    EveryMethod, OpenClGradients,
    ::testing::Values(
        Method{"backprop", "backprop", "{use: kutta38, steps: 2}"},
        Method{"forward", "{use: forward, limit: 1000}", "{use: kutta38, steps: 2}"},
        Method{"adjoint", "adjoint", "{use: dopri5, rtol: 1e-4, atol: 1e-4}"},
        Method{"interpolated", "interpolated", "{use: dopri5, rtol: 1e-4, atol: 1e-4}"},
        Method{"gauss_legendre", "gauss_legendre", "{use: dopri5, rtol: 1e-4, atol: 1e-4}"},
        Method{"reversible", "reversible", "{use: reversible_heun, steps: 4}"},
        Method{"symplectic", "symplectic", "{use: kutta38, steps: 2}"}),
    name_of);

}  // namespace
}  // namespace odeum
