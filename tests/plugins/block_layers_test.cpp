// SPDX-License-Identifier: Apache-2.0
// Layers of image networks against their definitions, in float64; kRounding is some units of it.
#include <gtest/gtest.h>

#include <cmath>

#include "loaded.hpp"
#include "odeum/block.hpp"
#include "tape.hpp"

namespace odeum::plugin_tests {
namespace {

constexpr double kRounding = 1e-12;
constexpr double kEpsilon = 1e-5;  // of the normalisations
using Values = std::vector<double>;

Values numbers(std::size_t count, std::uint64_t key) {
  RandomStream random(key, 0);
  Values values(count);
  for (double& value : values) value = random.normal();
  return values;
}

void expect_near(const Values& values, const Values& truth) {
  ASSERT_EQ(values.size(), truth.size());
  for (std::size_t i = 0; i < truth.size(); ++i) {
    EXPECT_NEAR(values[i], truth[i], kRounding * (1.0 + std::abs(truth[i]))) << i;
  }
}

/// x [in, n, n], w [out, in, k, k]: [out, m, m], with zero padding.
Values convolved(const Values& x, std::int64_t in, std::int64_t n, const Values& w,
                 std::int64_t out, std::int64_t k, std::int64_t stride, std::int64_t padding) {
  const std::int64_t m = (n + 2 * padding - k) / stride + 1;
  Values y;
  for (std::int64_t o = 0; o < out; ++o) {
    for (std::int64_t row = 0; row < m; ++row) {
      for (std::int64_t column = 0; column < m; ++column) {
        double sum = 0.0;
        for (std::int64_t c = 0; c < in * k * k; ++c) {
          const std::int64_t i = row * stride - padding + c / k % k;
          const std::int64_t j = column * stride - padding + c % k;
          if (i < 0 || j < 0 || i >= n || j >= n) continue;
          sum +=
              x[std::size_t(c / (k * k) * n * n + i * n + j)] * w[std::size_t(o * in * k * k + c)];
        }
        y.push_back(sum);
      }
    }
  }
  return y;
}

struct Passed {
  Values value;
  Shape shape;  ///< of a sample, as the block says
};

Passed forward(Tape& tape, const Block& block, const Shape& sample, const Values& x) {
  std::vector<std::int64_t> extents = sample.extents();
  extents.insert(extents.begin(), kRows);
  const Tensor y = block.forward(tape.scope(), tape.input("x", Shape(extents), x)).value;
  return {tape.evaluate(y), block.output_shape(sample)};
}

TEST(ConvBlock, IsTheConvolutionWithStrideAndZeroPadding) {
  const auto block = make<Block>("conv", "channels: 3\nkernel: 4\nstride: 2\npadding: 1\n");
  Tape tape(1);
  tape.given["conv.weight"] = numbers(3 * 2 * 16, 2);
  tape.given["conv.bias"] = {0.5, -1.0, 2.0};
  const Values x = numbers(2 * 36, 1);
  const Passed run = forward(tape, *block, {2, 6, 6}, x);
  EXPECT_EQ(run.shape, (Shape{3, 3, 3}));
  Values truth = convolved(x, 2, 6, tape.given["conv.weight"], 3, 4, 2, 1);
  for (std::size_t i = 0; i < truth.size(); ++i) truth[i] += tape.given["conv.bias"][i / 9];
  expect_near(run.value, truth);
}

TEST(ConvBlock, StartsUniformWithinTheRootOfItsFanIn) {
  const auto block = make<Block>("conv", "channels: 3\nkernel: 5\n");
  Tape tape(1);
  forward(tape, *block, {2, 6, 6}, numbers(72, 1));
  for (const char* name : {"conv.weight", "conv.bias"}) {
    const Initializer& start = tape.item(name).initializer;
    EXPECT_EQ(start.rule, Initializer::Rule::uniform);
    EXPECT_NEAR(start.value, 1.0 / std::sqrt(50.0), kRounding);
  }
}

TEST(ConvBlock, SaysWhenItsKernelDoesNotFit) {
  const auto block = make<Block>("conv", "kernel: 5\n");
  EXPECT_NE(config_error([&] {
              block->output_shape({1, 4, 4});
            }).find("does not fit"),
            std::string::npos);
  EXPECT_NE(config_error([&] { block->output_shape({16}); }).find("takes images"),
            std::string::npos);
}

TEST(TimeChannel, IsExactlyAConstantChannelUnderZeroPadding) {
  const auto field =
      make<VectorField>("cnn", "channels: []\nstrides: [1]\nnorm: {statistics: none}\n");
  Tape tape(1);
  const double t = 0.7;
  const Values x = numbers(2 * 25, 1);
  const Tensor rate =
      (*field)(tape.scope(), tape.input("t", {1}, {t}), tape.input("z", {kRows, 2, 5, 5}, x));
  const Values found = tape.evaluate(rate);
  // The concatenated network: the channel of t in front.
  Values with_time(25, t);
  with_time.insert(with_time.end(), x.begin(), x.end());
  Values kernel;
  for (std::size_t out = 0; out < 2; ++out) {
    for (const auto& [name, size] : {std::pair{"layer0.time", 9U}, {"layer0.weight", 18U}}) {
      const Values& part = tape.handed_out(name);
      kernel.insert(kernel.end(), part.begin() + std::ptrdiff_t(out * size),
                    part.begin() + std::ptrdiff_t((out + 1) * size));
    }
  }
  Values truth = convolved(with_time, 3, 5, kernel, 2, 3, 1, 1);
  for (std::size_t i = 0; i < truth.size(); ++i) {
    truth[i] = std::max(truth[i] + tape.handed_out("layer0.bias")[i / 25], 0.0);
  }
  expect_near(found, truth);
}

TEST(TransposedConvolution, StartsAsPyTorchsConvTranspose2dDoes) {
  // From 2 channels down to 5 and up again to 2: its fan is counted on the side of its outputs, of
  // a kernel [in + 1, out, 3, 3].
  const auto field =
      make<VectorField>("cnn", "channels: [5]\nstrides: [2, -2]\nnorm: {statistics: none}\n");
  Tape tape(1);
  (*field)(tape.scope(), tape.input("t", {1}, {0.5}),
           tape.input("z", {kRows, 2, 4, 4}, numbers(32, 1)));
  for (const char* name : {"layer1.weight", "layer1.time", "layer1.bias"}) {
    const Initializer& start = tape.item(name).initializer;
    EXPECT_EQ(start.rule, Initializer::Rule::uniform);
    EXPECT_NEAR(start.value, 1.0 / std::sqrt(2.0 * 9.0), kRounding) << name;
  }
}

TEST(TransposedConvolution, SpreadsEachPixelByTheKernelOverTwiceTheImage) {
  // Down by the first layer, whose kernel hands every second pixel on, and up by the second one.
  const auto field =
      make<VectorField>("cnn", "channels: [1]\nstrides: [2, -2]\nnorm: {statistics: none}\n");
  Tape tape(1);
  tape.given["layer0.weight"] = {0, 0, 0, 0, 1, 0, 0, 0, 0};
  tape.given["layer0.time"] = Values(9, 0.0);
  tape.given["layer0.bias"] = {0.0};
  tape.given["layer1.weight"] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
  tape.given["layer1.bias"] = {0.25};
  const Values pixels{1, 0, 2, 0, 0, 0, 0, 0, 3, 0, 4, 0, 0, 0, 0, 0};
  const double t = 0.5;
  const Tensor rate =
      (*field)(tape.scope(), tape.input("t", {1}, {t}), tape.input("z", {kRows, 1, 4, 4}, pixels));
  // PyTorch's ConvTranspose2d(1, 1, 3, stride 2, padding 1, output_padding 1): pixel (i, j) adds
  // kernel (a, b) to (2 i + a - 1, 2 j + b - 1).
  Values truth(16, 0.25);
  const Values small{1, 2, 3, 4};
  const auto kernel = tape.given["layer1.weight"];
  const auto& time = tape.handed_out("layer1.time");
  for (int p = 0; p < 4; ++p) {
    for (int k = 0; k < 9; ++k) {
      const std::int64_t i = 2 * (p / 2) + k / 3 - 1;
      const std::int64_t j = 2 * (p % 2) + k % 3 - 1;
      if (i < 0 || j < 0 || i >= 4 || j >= 4) continue;
      truth[std::size_t(4 * i + j)] +=
          small[std::size_t(p)] * kernel[std::size_t(k)] + t * time[std::size_t(k)];
    }
  }
  for (double& value : truth) value = std::max(value, 0.0);
  expect_near(tape.evaluate(rate), truth);
}

TEST(GroupNorm, GivesEachGroupOfASampleMeanZeroAndVarianceOne) {
  const auto block = make<Block>("group_norm", "groups: 2\n");
  Tape tape(2);
  tape.given["norm.weight"] = {1, 2, 3, 4};
  tape.given["norm.bias"] = {-1, 0, 1, 2};
  const Values x = numbers(2 * 4 * 4, 3);
  Values truth;
  for (std::size_t group = 0; group < 4; ++group) {  // eight numbers each
    double mean = 0.0;
    double variance = 0.0;
    for (std::size_t i = 0; i < 8; ++i) mean += x[8 * group + i] / 8.0;
    for (std::size_t i = 0; i < 8; ++i) {
      variance += (x[8 * group + i] - mean) * (x[8 * group + i] - mean) / 8.0;
    }
    for (std::size_t i = 0; i < 8; ++i) {
      const std::size_t channel = (8 * group + i) / 4 % 4;
      truth.push_back((x[8 * group + i] - mean) / std::sqrt(variance + kEpsilon) *
                          tape.given["norm.weight"][channel] +
                      tape.given["norm.bias"][channel]);
    }
  }
  expect_near(forward(tape, *block, {4, 2, 2}, x).value, truth);
  EXPECT_NE(config_error([&] {
              block->output_shape({3, 2, 2});
            }).find("do not divide 3"),
            std::string::npos);
}

TEST(Pools, AreMeansAndLargestValuesOfWindows) {
  const Values x{1, 2, 5, 6, 3, 4, 7, 9, 0, -1, -2, -3, 8, 1, -4, -5};
  Tape tape(1);
  const Passed largest = forward(tape, *make<Block>("max_pool"), {1, 4, 4}, x);
  expect_near(largest.value, {4, 9, 8, -2});
  EXPECT_EQ(largest.shape, (Shape{1, 2, 2}));
  Tape again(1);
  const Passed means = forward(again, *make<Block>("average_pool", "kernel: 2\n"), {1, 4, 4}, x);
  expect_near(means.value, {2.5, 6.75, 2, -3.5});
  Tape whole(1);
  const Passed whole_mean = forward(whole, *make<Block>("average_pool"), {2, 2, 4}, x);
  expect_near(whole_mean.value, {37.0 / 8.0, -6.0 / 8.0});
  EXPECT_EQ(whole_mean.shape, (Shape{2}));
}

TEST(BatchNorm, NormalisesByTheBatchInTrainingAndMovesItsStatistics) {
  const auto block = make<Block>("batch_norm");
  Tape tape(2, DType::f64, Mode::training);
  tape.given["weight"] = {2.0};
  tape.given["bias"] = {-1.0};
  const Values x{1, 2, 3, 10};
  const double variance = (9.0 + 4.0 + 1.0 + 36.0) / 4.0;  // around 4
  Values truth;
  for (const double v : x) truth.push_back((v - 4.0) / std::sqrt(variance + kEpsilon) * 2.0 - 1.0);
  expect_near(forward(tape, *block, {1, 2}, x).value, truth);
  ASSERT_EQ(tape.observed.size(), 2U);
  expect_near(tape.evaluate(tape.observed[0].value), {4.0});
  expect_near(tape.evaluate(tape.observed[1].value), {variance * 4.0 / 3.0});
  expect_near(tape.evaluate(tape.observed[1].weight), {0.1});
}

TEST(BatchNorm, NormalisesByItsStatisticsOutsideTraining) {
  Tape tape(2);
  tape.given = {
      {"weight", {2.0}}, {"bias", {-1.0}}, {"mean", {0.5}}, {"variance", {4.0 - kEpsilon}}};
  expect_near(forward(tape, *make<Block>("batch_norm"), {1, 2}, {1, 2, 3, 10}).value,
              {-0.5, 0.5, 1.5, 8.5});
  EXPECT_TRUE(tape.observed.empty());
}

TEST(Dropout, LeavesOutInTrainingAloneAndKeepsTheMean) {
  const auto block = make<Block>("dropout", "rate: 0.25\n");
  const std::size_t count = 20000;
  Tape tape(1, DType::f64, Mode::training);
  const Values kept = forward(tape, *block, {std::int64_t(count)}, Values(count, 3.0)).value;
  double left_out = 0.0;
  for (const double value : kept) {
    EXPECT_TRUE(value == 0.0 || std::abs(value - 4.0) < kRounding) << value;
    left_out += value == 0.0 ? 1.0 : 0.0;
  }
  // Four deviations of a share of so many draws.
  EXPECT_NEAR(left_out / double(count), 0.25, 4.0 * std::sqrt(0.25 * 0.75 / double(count)));
  Tape again(1);
  expect_near(forward(again, *block, {2}, {3.0, -1.0}).value, {3.0, -1.0});
}

TEST(Dense, IsAnAffineMapOfTheFlattenedSample) {
  Tape tape(1);
  tape.given = {{"weight", {1, 2, 3, 4, -1, 0, 1, 0}}, {"bias", {0.5, 0.25}}};
  const Passed run = forward(tape, *make<Block>("dense", "features: 2\n"), {1, 2, 2}, {1, 1, 2, 2});
  expect_near(run.value, {1 + 2 + 6 + 8 + 0.5, -1 + 2 + 0.25});
  EXPECT_EQ(run.shape, (Shape{2}));
}

TEST(Dense, IsTheSameAffineMapOfEachVectorAlongTheLastAxis) {
  Tape tape(1);
  tape.given = {{"weight", {1, 2, -1, 0, 3, 0}}, {"bias", {0.5, 0.25, 0}}};
  const Passed run =
      forward(tape, *make<Block>("dense", "features: 3\nof: last_axis\n"), {2, 2}, {1, 2, 10, 20});
  expect_near(run.value, {5.5, -0.75, 3, 50.5, -9.75, 30});
  EXPECT_EQ(run.shape, (Shape{2, 3}));
}

TEST(Flatten, KeepsNumbersAndDensity) {
  Tape tape(1);
  const auto block = make<Block>("flatten");
  const Passed run = forward(tape, *block, {1, 2, 2}, {1, 2, 3, 4});
  expect_near(run.value, {1, 2, 3, 4});
  EXPECT_EQ(run.shape, (Shape{4}));
  EXPECT_TRUE(block->why_no_log_determinant().empty());
}

TEST(Residual, HasTwoConvolutionsWithoutBiases) {
  Tape tape(1);
  const Values x = numbers(4 * 9, 5);
  const Passed run = forward(tape, *make<Block>("residual", "groups: 2\n"), {4, 3, 3}, x);
  EXPECT_EQ(run.shape, (Shape{4, 3, 3}));
  std::int64_t parameters = 0;
  for (const model::Item& item : tape.scope().items()) parameters += item.shape.elements(1);
  EXPECT_EQ(parameters, 2 * (4 * 4 * 9 + 2 * 4));
  // Without its second convolution nothing is added.
  Tape zero(1);
  zero.given["conv2.weight"] = Values(4 * 4 * 9, 0.0);
  expect_near(forward(zero, *make<Block>("residual", "groups: 2\n"), {4, 3, 3}, x).value, x);
}

TEST(Layers, SayThatTheyAreNoChangeOfVariables) {
  for (const char* name : {"conv", "group_norm", "batch_norm", "activation", "max_pool",
                           "average_pool", "dense", "dropout", "residual"}) {
    EXPECT_FALSE(make<Block>(name)->why_no_log_determinant().empty()) << name;
    EXPECT_FALSE(make<Block>(name)->why_no_inverse().empty()) << name;
  }
}

}  // namespace
}  // namespace odeum::plugin_tests
