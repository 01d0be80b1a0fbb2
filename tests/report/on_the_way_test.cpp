// SPDX-License-Identifier: Apache-2.0
#include "report/on_the_way.hpp"

#include <gtest/gtest.h>

#include <functional>

#include "model/pipeline_of.hpp"

namespace odeum::report {
namespace {

using model_tests::Assembled;
using model_tests::configuration;
using model_tests::DataOfWidth;
using model_tests::Values;

constexpr std::uint64_t kKey = 4;
constexpr std::int64_t kCount = 3;

/// Two scales of images 1 x 4 x 4: solves flow.scale1.solve, flow.scale1.squeezed.solve and
/// flow.scale2.solve, which samples pass first.
Config flow(const std::string& solver = "{use: rk4, steps: 8}", const std::string& more = "") {
  static const DataOfWidth data(std::vector<std::int64_t>{1, 4, 4});
  return configuration("precision: float64\ndata: " + data.yaml() +
                       "\nmodel:\n  - use: multiscale\n    name: flow\n    scales: 2\n    blocks:\n"
                       "      - {use: ode, name: solve, field: {use: conv, hidden: [3]}, solver: " +
                       solver + more + "}\nobjective: likelihood\n");
}

/// Samples of a model with its initial parameters, or with none where `is_zero` says so.
Values samples(const Config& root, const std::function<bool(const std::string&)>& is_zero) {
  Assembled model(root);
  for (const model::Entry& entry : model.pipeline.parameters().entries) {
    if (!is_zero(entry.name)) continue;
    for (std::int64_t i = 0; i < entry.size; ++i)
      model.parameters[static_cast<std::size_t>(entry.offset + i)] = 0.0;
  }
  return model.sample(kCount, kKey);
}
Values samples(const Config& root) {
  return samples(root, [](const std::string&) { return false; });
}

/// Solves that are not begun have a millionth of their span.
void expect_near(const Values& found, const Values& wanted) {
  ASSERT_EQ(found.size(), wanted.size());
  for (std::size_t i = 0; i < found.size(); ++i) EXPECT_NEAR(found[i], wanted[i], 1e-5) << i;
}

TEST(OnTheWay, EndsWithTheSamplesOfTheModel) {
  const Config root = flow();
  EXPECT_EQ(samples(on_the_way(root, 1.0).value()), samples(root));
}

TEST(OnTheWay, BeginsWithTheBaseDistribution) {
  // A field whose parameters are all zero does not move: only squeezing and splitting are left.
  const Config root = flow();
  expect_near(samples(on_the_way(root, 0.0).value()),
              samples(root, [](const std::string&) { return true; }));
}

TEST(OnTheWay, PassesTheLastScaleFirst) {
  const Config root = flow();
  const auto first_scale = [](const std::string& name) { return name.starts_with("flow.scale1"); };
  expect_near(samples(on_the_way(root, 1.0 / 3.0).value()), samples(root, first_scale));
  const auto before_squeezing = [](const std::string& name) {
    return name.starts_with("flow.scale1.solve");
  };
  expect_near(samples(on_the_way(root, 2.0 / 3.0).value()), samples(root, before_squeezing));
}

TEST(OnTheWay, StopsSolvesWhoseEndIsDrawnInTraining) {
  const Config steered = flow("{use: rk4, steps: 8}", ", regularizers: [{use: steer, b: 0.25}]");
  EXPECT_EQ(samples(on_the_way(steered, 0.5).value()), samples(on_the_way(flow(), 0.5).value()));
}

TEST(OnTheWay, IsNotForSolvesThatCannotStop) {
  EXPECT_FALSE(on_the_way(flow("{use: dopri5, step_times: [0.5]}"), 0.5));
  EXPECT_FALSE(on_the_way(flow("{use: dopri5}", ", learn_span: true"), 0.5));
  EXPECT_FALSE(on_the_way(flow("{use: dopri5}", ", evaluate: {span: [0, 2]}"), 0.5));
  EXPECT_TRUE(on_the_way(flow("{use: dopri5}"), 0.5));
}

}  // namespace
}  // namespace odeum::report
