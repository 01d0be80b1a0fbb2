// SPDX-License-Identifier: Apache-2.0
// A training step of every sort of pipeline on opencl: the loss, costs, buffers and gradients of
// the same step on cpu, and the same bits when it is run again.
#include <gtest/gtest.h>

#include <cmath>

#include "kernelgen/opencl.hpp"
#include "model/labelled_images.hpp"

namespace odeum {
namespace {

using model_tests::Assembled;
using model_tests::Values;

// The bounds that all devices are held to: gradients relative, at equal parameters; losses of size
// one. In float64 the same sums in another order leave a few hundred units of rounding.
constexpr double kSingle = 1e-4;
constexpr double kDouble = 1e-10;

double norm(const Values& x) {
  double squares = 0;
  for (const double v : x) squares += v * v;
  return std::sqrt(squares);
}

double distance(const Values& x, const Values& y) {
  Values difference(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) difference[i] = x[i] - y[i];
  return norm(difference);
}

void expect_near(const std::map<std::string, double>& found,
                 const std::map<std::string, double>& wanted, double tolerance) {
  for (const auto& [name, value] : wanted) {
    EXPECT_NEAR(found.at(name), value, tolerance * (1.0 + std::abs(value))) << name;
  }
}

/// One step on both devices.
void expect_the_processors_step(const std::string& yaml, const model::Batch& batch,
                                double tolerance = kSingle) {
  Assembled cpu(yaml), opencl(yaml, {"device=opencl"});
  cpu.fit(batch);
  opencl.buffers = cpu.buffers;
  const Assembled::Step wanted = cpu.train_step(batch), found = opencl.train_step(batch);
  EXPECT_NEAR(found.result.loss, wanted.result.loss,
              tolerance * (1.0 + std::abs(wanted.result.loss)));
  expect_near(found.result.metrics, wanted.result.metrics, tolerance);
  expect_near(found.result.costs, wanted.result.costs, tolerance);
  EXPECT_EQ(found.result.evaluations.accepted, wanted.result.evaluations.accepted);
  EXPECT_EQ(found.result.evaluations.backward, wanted.result.evaluations.backward);
  EXPECT_GT(norm(wanted.gradient), 0);
  EXPECT_LE(distance(found.gradient, wanted.gradient), tolerance * norm(wanted.gradient));
  EXPECT_LE(distance(found.buffers, wanted.buffers), tolerance * (1.0 + norm(wanted.buffers)));

  const Assembled::Step again = opencl.train_step(batch);
  EXPECT_EQ(again.result.loss, found.result.loss);
  EXPECT_EQ(again.gradient, found.gradient);
  EXPECT_EQ(again.buffers, found.buffers);
}

/// PoCL compiles for most of a test; what it compiles is run a few times.
class OnOpenCl : public ::testing::Test {
 protected:
  void SetUp() override {
    ::setenv("POCL_EXTRA_BUILD_FLAGS", "-cl-opt-disable", 0);
    if (const auto opened = opencl_tests::open(); !opened.device) GTEST_SKIP() << opened.missing;
  }
};

struct Flow {
  const char* name;
  std::string solver, gradient = "backprop", regularizers = "[]", precision = "float32",
                      divergence = "hutchinson";
};
std::string name_of(const ::testing::TestParamInfo<Flow>& one) { return one.param.name; }

std::string yaml_of(const Flow& flow) {
  return "seed: 3\nprecision: " + flow.precision +
         "\ndata: {use: moons, batch: 8}\nobjective: likelihood\n"
         "model:\n"
         "  - use: ode\n"
         "    name: flow\n"
         "    field: {use: mlp, hidden: [4], activation: tanh, time: concat}\n"
         "    solver: " +
         flow.solver + "\n    gradient: " + flow.gradient +
         "\n    divergence: {estimator: " + flow.divergence +
         "}\n    regularizers: " + flow.regularizers + "\n";
}

class FlowOnOpenCl : public OnOpenCl, public ::testing::WithParamInterface<Flow> {};

TEST_P(FlowOnOpenCl, TakesTheProcessorsStep) {
  expect_the_processors_step(yaml_of(GetParam()), model_tests::rows_of(model_tests::normal(14), 2),
                             GetParam().precision == "float64" ? kDouble : kSingle);
}

const char* const kGiven = "{use: midpoint, steps: 2}";
const char* const kAdaptive = "{use: bosh3, rtol: 1e-2, atol: 1e-2}";
const char* const kSamples = "{use: bosh3, rtol: 1e-2, atol: 1e-2, step_size: per_sample}";

INSTANTIATE_TEST_SUITE_P(
    EveryGradientMethod, FlowOnOpenCl,
    ::testing::Values(Flow{"backprop_of_residuals", kGiven, "{use: backprop, keep: residuals}"},
                      Flow{"backprop_of_stages", kGiven, "{use: backprop, keep: stages}"},
                      Flow{"backprop_of_steps", kAdaptive, "{use: backprop, keep: steps}"},
                      Flow{"backprop_of_checkpoints", "{use: midpoint, steps: 5}",
                           "{use: backprop, keep: steps, every: 2}"},
                      Flow{"backprop_of_samples", kSamples, "backprop"},
                      Flow{"adjoint", kAdaptive, "adjoint"},
                      Flow{"gauss_legendre", kAdaptive, "gauss_legendre"},
                      Flow{"interpolated", kAdaptive, "interpolated"},
                      Flow{"reversible", "{use: reversible_heun, steps: 2}", "reversible"},
                      Flow{"symplectic", kGiven, "symplectic"},
                      Flow{"forward", kGiven, "{use: forward, limit: 1000}"}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    Terms, FlowOnOpenCl,
    ::testing::Values(Flow{"penalties", kGiven, "backprop",
                           "[{use: kinetic, weight: 0.1}, {use: jacobian, weight: 0.1}, "
                           "{use: weight_decay, weight: 0.1}]"},
                      Flow{"costs_of_steps", "{use: bosh3, steps: 2}", "backprop",
                           "[{use: local_error, weight: 10}]"},
                      Flow{"costs_of_stages", "{use: rk4, steps: 1}", "backprop",
                           "[{use: stiffness, weight: 0.1}]"},
                      Flow{"higher_derivatives_and_random_spans", kGiven, "backprop",
                           "[{use: taynode, order: 2, weight: 0.1}, {use: steer, b: 0.25}]"},
                      Flow{"implicit_steps", "{use: implicit_euler, steps: 2}"},
                      Flow{"exact_traces_in_float64", kGiven, "backprop",
                           "[{use: jacobian, weight: 0.1}]", "float64", "exact"}),
    name_of);

TEST_F(OnOpenCl, AFlowOfImagesAtTwoScalesTakesTheProcessorsStep) {
  const model_tests::DataOfWidth data(std::vector<std::int64_t>{1, 4, 4});
  Values levels = model_tests::normal(std::size_t{4} * 16, 5);
  for (double& level : levels) level = std::clamp(std::floor(128.0 + 50.0 * level), 0.0, 255.0);
  expect_the_processors_step(
      "seed: 3\n"
      "data: " +
          data.yaml() +
          "\n"
          "model:\n"
          "  - {use: dequantize, name: dequantize, levels: 256}\n"
          "  - {use: logit, alpha: 0.05}\n"
          "  - use: multiscale\n"
          "    name: flow\n"
          "    scales: 2\n"
          "    blocks:\n"
          "      - use: ode\n"
          "        name: solve\n"
          "        field: {use: conv, hidden: [3], activation: softplus, time: concat}\n"
          "        solver: {use: midpoint, steps: 1}\n"
          "        regularizers: [{use: kinetic, weight: 0.01}, {use: jacobian, weight: 0.01}]\n"
          "objective: {use: likelihood, units: bits_per_dim}\n",
      model_tests::rows_of(levels, 16));
}

TEST_F(OnOpenCl, AnOdeNetWithGroupNormsAndResidualsTakesTheProcessorsStep) {
  const model_tests::LabelledImages images(8);
  expect_the_processors_step("seed: 3\ndata: " + images.yaml() +
                                 "\n"
                                 "model:\n"
                                 "  - {use: conv, name: stem, channels: 4, kernel: 4, stride: 2}\n"
                                 "  - {use: group_norm, name: norm, groups: 2}\n"
                                 "  - {use: activation, name: relu}\n"
                                 "  - {use: residual, name: residual, groups: 2}\n"
                                 "  - use: ode\n"
                                 "    name: flow\n"
                                 "    field: {use: odenet, groups: 2}\n"
                                 "    divergence: {estimator: none}\n"
                                 "    solver: {use: midpoint, steps: 1}\n"
                                 "  - {use: average_pool, name: pool}\n"
                                 "  - {use: dense, name: head, features: 10}\n"
                                 "objective: classification\n",
                             images.rows(6));
}

TEST_F(OnOpenCl, TemporalBatchNormTakesTheProcessorsStep) {
  const model_tests::LabelledImages images(4);
  expect_the_processors_step(
      "seed: 3\ndata: " + images.yaml() +
          "\n"
          "model:\n"
          "  - use: ode\n"
          "    name: flow\n"
          "    field:\n"
          "      use: cnn\n"
          "      channels: [3]\n"
          "      strides: [2, -2]\n"
          "      norm: {statistics: temporal, intervals: 4, end: 1, start: first_visit}\n"
          "    divergence: {estimator: none}\n"
          "    solver: {use: midpoint, steps: 2}\n"
          "  - {use: dense, name: head, features: 10}\n"
          "objective: classification\n",
      images.rows(6));
}

}  // namespace
}  // namespace odeum
