// SPDX-License-Identifier: Apache-2.0
// Roots of equations as tensor code: values, the implicit function theorem's derivative, Jacobians.
#include <gtest/gtest.h>

#include <array>
#include <cmath>

#include "odeum/implicit.hpp"
#include "odeum/transforms.hpp"
#include "problem.hpp"

namespace odeum::testing {
namespace {

// A few units of rounding of the values, which are of the order of one.
constexpr double kRounding = 1e-13;

/// The outputs of a recorded function of one input [rows, n].
std::vector<Values> run(const std::function<std::vector<Tensor>(Tensor)>& body, std::int64_t n,
                        const Values& input) {
  Recording recording;
  const std::vector<Tensor> outputs = body(recording.input("x", {kRows, n}, DType::f64));
  const Program program = optimize(recording.program(outputs));
  const auto rows = static_cast<std::int64_t>(input.size()) / n;
  const auto device = test_device();
  const auto executable = device->compile(program, {.name = "test", .outputs = {}});
  const OnDevice x(*device, input);
  std::vector<OnDevice> results;
  results.reserve(outputs.size());
  std::vector<View> views;
  for (const Tensor& output : outputs) {
    results.emplace_back(*device,
                         Values(static_cast<std::size_t>(output.shape().elements(rows)), 0.0));
    views.push_back(results.back().view());
  }
  const std::array inputs{x.view()};
  executable->run(rows, inputs, views);
  std::vector<Values> values;
  for (const OnDevice& result : results) values.push_back(result.values());
  return values;
}

Tensor column(Tensor z, std::int64_t i) { return slice(z, -1, i, i + 1); }

TEST(Jacobian, HasARowForEachOutputAndAColumnForEachInput) {
  const auto result = run(
      [](Tensor x) {
        const Tensor a = column(x, 0), b = column(x, 1);
        return std::vector<Tensor>{jacobian(concat({a * b, sin(a), b * b * b}), x)};
      },
      2, {0.5, 2.0, -1.0, 3.0});
  const Values truth = {2.0, 0.5,  std::cos(0.5),  0.0, 0.0, 12.0,
                        3.0, -1.0, std::cos(-1.0), 0.0, 0.0, 27.0};
  ASSERT_EQ(result[0].size(), truth.size());
  for (std::size_t i = 0; i < truth.size(); ++i) EXPECT_NEAR(result[0][i], truth[i], kRounding);
}

/// z with z1^2 + z2 = x1 and z1 z2 = x2, near (1, 1).
Root coupled_root(Tensor x, const NewtonOptions& options) {
  return root(
      [&](Tensor z) {
        const Tensor a = column(z, 0), b = column(z, 1);
        return concat({a * a + b, a * b}) - x;
      },
      0.5 + 0.25 * x, options);
}

TEST(Root, SolvesEveryRowAndSaysHowFarTheLastIterateWas) {
  // Roots (1.1, 0.9) and (1.3, 0.4).
  const Values x = {1.1 * 1.1 + 0.9, 1.1 * 0.9, 1.3 * 1.3 + 0.4, 1.3 * 0.4};
  const auto outputs = [](const NewtonOptions& options) {
    return [options](Tensor in) {
      const Root found = coupled_root(in, options);
      return std::vector<Tensor>{found.z, found.update};
    };
  };
  const auto done = run(outputs({.iterations = 12, .reuse = 1}), 2, x);
  const Values truth = {1.1, 0.9, 1.3, 0.4};
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_NEAR(done[0][i], truth[i], kRounding);
    EXPECT_NEAR(done[1][i], 0.0, kRounding);
  }
  const auto early = run(outputs({.iterations = 3, .reuse = 3}), 2, x);
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_GT(std::abs(early[1][i]), 1e-8);
    // The correction says what the iterate was wrong by, up to its own square.
    EXPECT_NEAR(early[0][i], truth[i], 10.0 * early[1][i] * early[1][i]);
  }
}

TEST(Root, HasTheDerivativeOfTheImplicitFunctionTheorem) {
  const Values x = {1.1 * 1.1 + 0.9, 1.1 * 0.9};
  const NewtonOptions options{.iterations = 12, .reuse = 1};
  const auto result = run(
      [&](Tensor in) {
        const Tensor z = coupled_root(in, options).z;
        const std::array outputs{z};
        const std::array inputs{in};
        const std::array cotangents{ones_like(z)};
        return std::vector<Tensor>{jacobian(z, in), vjp(outputs, inputs, cotangents).front()};
      },
      2, x);
  // The inverse of [[2 z1, 1], [z2, z1]].
  const double determinant = 2.0 * 1.1 * 1.1 - 0.9;
  const Values inverse = {1.1 / determinant, -1.0 / determinant, -0.9 / determinant,
                          2.2 / determinant};
  for (std::size_t i = 0; i < 4; ++i) EXPECT_NEAR(result[0][i], inverse[i], kRounding);
  EXPECT_NEAR(result[1][0], inverse[0] + inverse[2], kRounding);
  EXPECT_NEAR(result[1][1], inverse[1] + inverse[3], kRounding);
}

TEST(Root, HoldsItsWorkToTheIterationsItWasGiven) {
  int evaluations = 0, jacobians = 0;
  run(
      [&](Tensor x) {
        const auto residual = [&](Tensor z) { return ++evaluations, z * z - x; };
        const auto matrix = [&](Tensor z, Tensor value) { return ++jacobians, jacobian(value, z); };
        return std::vector<Tensor>{
            root(residual, 0.5 + 0.5 * x, {.iterations = 5, .reuse = 2}, matrix).z};
      },
      1, {2.0});
  EXPECT_EQ(evaluations, 6);
  EXPECT_EQ(jacobians, 4);  // before iterations 0, 2, 4 and for the correction
}

}  // namespace
}  // namespace odeum::testing
