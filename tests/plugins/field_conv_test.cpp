// SPDX-License-Identifier: Apache-2.0
// The convolutional field in float64 against convolutions written out here; kRounding is a few
// units of it for sums of some tens of terms.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "loaded.hpp"
#include "odeum/transforms.hpp"
#include "tape.hpp"

namespace odeum::plugin_tests {
namespace {

using testing::HasSubstr;
using Values = std::vector<double>;

constexpr double kRounding = 1e-13;
constexpr std::int64_t kChannels = 2;
constexpr std::int64_t kHeight = 4;
constexpr std::int64_t kWidth = 5;
constexpr std::int64_t kPixels = kHeight * kWidth;
const Shape kState{kRows, kChannels, kHeight, kWidth};

Values drawn(std::size_t count, std::uint64_t key) {
  RandomStream random(key, 0);
  Values values(count);
  for (double& value : values) value = random.normal();
  return values;
}

/// The convolution with zero padding, tap by tap: x [in, height, width], w [out, in, k, k].
Values convolved(const Values& x, const Values& w, std::int64_t in, std::int64_t out,
                 std::int64_t k) {
  Values y(static_cast<std::size_t>(out * kPixels), 0.0);
  for (std::int64_t o = 0; o < out; ++o) {
    for (std::int64_t p = 0; p < kPixels; ++p) {
      for (std::int64_t tap = 0; tap < in * k * k; ++tap) {
        const std::int64_t row = p / kWidth + tap % (k * k) / k - k / 2;
        const std::int64_t column = p % kWidth + tap % k - k / 2;
        if (row < 0 || row >= kHeight || column < 0 || column >= kWidth) continue;
        const std::int64_t at = tap / (k * k) * kPixels + row * kWidth + column;
        y[static_cast<std::size_t>(o * kPixels + p)] +=
            w[static_cast<std::size_t>(o * in * k * k + tap)] * x[static_cast<std::size_t>(at)];
      }
    }
  }
  return y;
}

struct Evaluated {
  Values rate;
  std::map<std::string, Values> theta;
};

/// One layer, no hidden one, with drawn parameters, for one sample.
Evaluated one_layer(const std::string& time, const Values& x, double t, std::int64_t kernel = 3) {
  Tape tape(1);
  const auto field = make<VectorField>(
      "conv", "hidden: []\nkernel: " + std::to_string(kernel) + "\ntime: " + time + "\n");
  const Tensor rate = (*field)(tape.scope(), tape.input("t", {1}, {t}), tape.input("z", kState, x));
  Evaluated result{tape.evaluate(rate), {}};
  for (const model::Item& item : tape.scope().items())
    result.theta[item.name] = tape.handed_out(item.name);
  return result;
}

void expect_near(const Values& values, const Values& truth) {
  ASSERT_EQ(values.size(), truth.size());
  for (std::size_t i = 0; i < truth.size(); ++i) {
    EXPECT_NEAR(values[i], truth[i], kRounding * (1.0 + std::abs(truth[i]))) << i;
  }
}

TEST(Conv, AddsTimeAsAChannelOfItsOwnWouldAtBordersToo) {
  const Values x = drawn(kChannels * kPixels, 3);
  for (const std::int64_t k : {1, 3, 5, 7}) {
    const double t = 0.37;
    Evaluated layer = one_layer("concat", x, t, k);
    // The same with the channel: t before the data, its kernel before theirs.
    Values with_time(kPixels, t);
    with_time.insert(with_time.end(), x.begin(), x.end());
    Values kernels;
    const auto square = static_cast<std::ptrdiff_t>(k * k);
    for (std::ptrdiff_t o = 0; o < kChannels; ++o) {
      const Values& time = layer.theta["layer0.time"];
      const Values& data = layer.theta["layer0.weight"];
      kernels.insert(kernels.end(), time.begin() + o * square, time.begin() + (o + 1) * square);
      kernels.insert(kernels.end(), data.begin() + o * kChannels * square,
                     data.begin() + (o + 1) * kChannels * square);
    }
    Values truth = convolved(with_time, kernels, kChannels + 1, kChannels, k);
    for (std::size_t i = 0; i < truth.size(); ++i)
      truth[i] += layer.theta["layer0.bias"][i / kPixels];
    expect_near(layer.rate, truth);
  }
}

TEST(Conv, ConditionsItsLayersOnTimeAsTheFormulasSay) {
  const Values x = drawn(kChannels * kPixels, 4);
  const double t = 0.3;
  const auto affine = [&](Evaluated& layer, const std::string& suffix) {
    Values y = convolved(x, layer.theta["layer0.weight" + suffix], kChannels, kChannels, 3);
    for (std::size_t i = 0; i < y.size(); ++i)
      y[i] += layer.theta["layer0.bias" + suffix][i / kPixels];
    return y;
  };
  const auto channel = [](Evaluated& layer, const std::string& name, std::size_t i) {
    return layer.theta["layer0." + name][i / kPixels];
  };
  const auto gate = [&](Evaluated& layer, std::size_t i) {
    return 1.0 / (1.0 + std::exp(-t * channel(layer, "gate", i) - channel(layer, "gate_bias", i)));
  };

  Evaluated ignore = one_layer("ignore", x, t);
  expect_near(ignore.rate, affine(ignore, ""));

  Evaluated squash = one_layer("squash", x, t);
  Values truth = affine(squash, "");
  for (std::size_t i = 0; i < truth.size(); ++i) truth[i] *= gate(squash, i);
  expect_near(squash.rate, truth);

  Evaluated both = one_layer("concatsquash", x, t);
  truth = affine(both, "");
  for (std::size_t i = 0; i < truth.size(); ++i)
    truth[i] = truth[i] * gate(both, i) + t * channel(both, "time", i);
  expect_near(both.rate, truth);

  Evaluated blend = one_layer("blend", x, t);
  truth = affine(blend, "0");
  const Values late = affine(blend, "1");
  for (std::size_t i = 0; i < truth.size(); ++i) truth[i] = 0.7 * truth[i] + 0.3 * late[i];
  expect_near(blend.rate, truth);

  Evaluated hyper = one_layer("hyper", x, t);
  truth = affine(hyper, "");
  const Values rates = convolved(x, hyper.theta["layer0.weight_rate"], kChannels, kChannels, 3);
  for (std::size_t i = 0; i < truth.size(); ++i)
    truth[i] += t * (rates[i] + channel(hyper, "bias_rate", i));
  expect_near(hyper.rate, truth);
}

TEST(Conv, HasAsManyParametersAsRnodesFields) {
  // 1162 c + 75,648 for c channels (reference: the authors' code, counted).
  for (const std::int64_t c : {1, 3, 12}) {
    Tape tape(1);
    const auto field = make<VectorField>("conv");
    const Shape state{kRows, c, 4, 4};
    (*field)(tape.scope(), tape.input("t", {1}, {0.0}),
             tape.input("z", state, Values(static_cast<std::size_t>(16 * c), 0.0)));
    std::int64_t count = 0;
    for (const model::Item& item : tape.scope().items()) count += item.shape.elements(1);
    EXPECT_EQ(count, 1162 * c + 75648);
  }
}

TEST(Conv, StartsAsPyTorchsConv2dDoesWithTimeCounted) {
  Tape tape(1);
  const auto field = make<VectorField>("conv", "hidden: [3]\n");
  (*field)(tape.scope(), tape.input("t", {1}, {0.0}),
           tape.input("z", kState, Values(kChannels * kPixels, 0.0)));
  for (const char* name : {"weight", "bias", "time"}) {
    const Initializer& start = tape.item(std::string("layer0.") + name).initializer;
    EXPECT_EQ(start.rule, Initializer::Rule::uniform);
    EXPECT_DOUBLE_EQ(start.value, 1.0 / std::sqrt(27.0));  // (2 + 1) x 3 x 3
  }
  EXPECT_DOUBLE_EQ(tape.item("layer1.bias").initializer.value, 1.0 / 6.0);  // (3 + 1) x 3 x 3
}

class ConvTimes : public testing::TestWithParam<std::string> {};

TEST_P(ConvTimes, GivesEachSampleItsOwnTime) {
  const auto field = make<VectorField>("conv", "hidden: [3]\ntime: " + GetParam() + "\n");
  const Values x = drawn(2 * kChannels * kPixels, 6);
  const auto at = [&](const Shape& shape, const Values& times) {
    Tape tape(2);
    const Tensor rate =
        (*field)(tape.scope(), tape.input("t", shape, times), tape.input("z", kState, x));
    EXPECT_EQ(rate.row_class(), RowClass::per_row);
    EXPECT_EQ(rate.shape(), kState);
    return tape.evaluate(rate);
  };
  const Values early = at({1}, {0.2});
  const Values late = at({1}, {0.9});
  Values truth(early.begin(), early.begin() + kChannels * kPixels);
  truth.insert(truth.end(), late.begin() + kChannels * kPixels, late.end());
  expect_near(at({kRows, 1}, {0.2, 0.9}), truth);
  EXPECT_EQ(early == late, GetParam() == "ignore");
}

TEST_P(ConvTimes, StartsConstantInTheStateWithAZeroLastLayer) {
  const auto field =
      make<VectorField>("conv", "hidden: [3]\nzero_last: true\ntime: " + GetParam() + "\n");
  const Values x = drawn(kChannels * kPixels, 7);
  const auto record = [&](Tape& tape) {
    const Tensor z = tape.input("z", kState, x);
    return std::pair{z, (*field)(tape.scope(), tape.input("t", {1}, {0.4}), z)};
  };
  Tape asked(1);
  record(asked);
  Tape tape(1);
  for (const model::Item& item : asked.scope().items()) {
    if (item.initializer.rule != Initializer::Rule::constant) continue;
    EXPECT_EQ(item.initializer.value, 0.0);
    tape.given[item.name] = Values(static_cast<std::size_t>(item.shape.elements(1)), 0.0);
  }
  EXPECT_TRUE(tape.given.contains(GetParam() == "blend" ? "layer1.weight0" : "layer1.weight"));
  EXPECT_FALSE(tape.given.contains(GetParam() == "blend" ? "layer1.bias0" : "layer1.bias"));
  const auto [z, rate] = record(tape);
  const std::vector<Tensor> rates{rate};
  const std::vector<Tensor> inputs{z};
  const std::vector<Tensor> direction{tape.input("v", kState, x)};
  EXPECT_EQ(tape.evaluate(jvp(rates, inputs, direction).front()), Values(x.size(), 0.0));
  EXPECT_GT(std::abs(tape.evaluate(rate)[0]), 1e-3);
}

INSTANTIATE_TEST_SUITE_P(All, ConvTimes,
                         testing::Values("ignore", "concat", "squash", "concatsquash", "blend",
                                         "hyper"));

TEST(Conv, RefusesEvenKernelsAndVectors) {
  EXPECT_THAT(config_error([] { make<VectorField>("conv", "kernel: 4\n"); }),
              testing::AllOf(HasSubstr("test.yaml:2:"), HasSubstr("odd kernel")));
  Tape tape(1);
  const auto field = make<VectorField>("conv");
  const Tensor t = tape.input("t", {1}, {0.0});
  const Tensor z = tape.input("z", {kRows, 3}, {1, 2, 3});
  EXPECT_THROW((*field)(tape.scope(), t, z), std::invalid_argument);
}

}  // namespace
}  // namespace odeum::plugin_tests
