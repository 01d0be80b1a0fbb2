// SPDX-License-Identifier: Apache-2.0
// The multilayer perceptron against its formulas, in float64; kRounding is a few units of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "loaded.hpp"
#include "odeum/transforms.hpp"
#include "tape.hpp"

namespace odeum::plugin_tests {
namespace {

constexpr double kRounding = 1e-14;

double sigma(double x) { return 1.0 / (1.0 + std::exp(-x)); }

/// One layer (no hidden one) from two features to two, at x = (0.7, -1.1) and t = 0.3.
std::vector<double> one_layer(const std::string& time) {
  Tape tape(1);
  tape.given = {{"layer0.weight", {1, 2, 3, 4}},   {"layer0.bias", {0.5, -0.5}},
                {"layer0.weight0", {1, 2, 3, 4}},  {"layer0.bias0", {0.5, -0.5}},
                {"layer0.weight1", {-1, 1, 0, 2}}, {"layer0.bias1", {0.25, 1}},
                {"layer0.time", {2, -3}},          {"layer0.gate", {0.5, 1.5}},
                {"layer0.gate_bias", {-1, 2}}};
  const auto field = make<VectorField>("mlp", "hidden: []\ntime: " + time + "\n");
  const Tensor t = tape.input("t", {1}, {0.3});
  const Tensor z = tape.input("z", {kRows, 2}, {0.7, -1.1});
  return tape.evaluate((*field)(tape.scope(), t, z));
}

void expect_near(const std::vector<double>& values, const std::vector<double>& truth) {
  ASSERT_EQ(values.size(), truth.size());
  for (std::size_t i = 0; i < truth.size(); ++i) {
    EXPECT_NEAR(values[i], truth[i], kRounding * (1.0 + std::abs(truth[i]))) << i;
  }
}

TEST(Mlp, ConditionsItsLayersOnTimeAsTheFormulasSay) {
  // W x + b = (0.7 - 2.2 + 0.5, 2.1 - 4.4 - 0.5); the second affine map: (-1.8 + 0.25, -2.2 + 1).
  const double a = -1.0;
  const double b = -2.8;
  expect_near(one_layer("ignore"), {a, b});
  expect_near(one_layer("concat"), {a + 0.3 * 2.0, b - 0.3 * 3.0});
  expect_near(one_layer("concatsquash"),
              {a * sigma(0.15 - 1.0) + 0.6, b * sigma(0.45 + 2.0) - 0.9});
  expect_near(one_layer("blend"), {0.7 * a + 0.3 * -1.55, 0.7 * b + 0.3 * -1.2});
}

TEST(Mlp, PutsTheActivationBetweenLayersAndNoneBehind) {
  Tape tape(1);
  tape.given = {{"layer0.weight", {1, -1}},
                {"layer0.bias", {0.1, 0.2}},
                {"layer1.weight", {2, 3}},
                {"layer1.bias", {-0.5}}};
  const auto field = make<VectorField>("mlp", "hidden: [2]\ntime: ignore\nactivation: softplus\n");
  const Tensor t = tape.input("t", {1}, {0.0});
  const Tensor z = tape.input("z", {kRows, 1}, {0.4});
  const double truth = 2.0 * std::log1p(std::exp(0.5)) + 3.0 * std::log1p(std::exp(-0.2)) - 0.5;
  expect_near(tape.evaluate((*field)(tape.scope(), t, z)), {truth});
}

TEST(Mlp, StartsAsPyTorchsLinearDoes) {
  const auto bounds = [](const std::string& time) {
    Tape tape(1);
    const auto field = make<VectorField>("mlp", "hidden: [9]\ntime: " + time + "\n");
    (*field)(tape.scope(), tape.input("t", {1}, {0.0}), tape.input("z", {kRows, 4}, {1, 2, 3, 4}));
    std::map<std::string, double> result;
    for (const model::Item& item : tape.scope().items()) {
      EXPECT_EQ(item.initializer.rule, Initializer::Rule::uniform) << item.name;
      result[item.name] = item.initializer.value;
    }
    return result;
  };
  using Bounds = std::map<std::string, double>;
  const double third = 1.0 / 3.0;
  EXPECT_EQ(bounds("ignore"), (Bounds{{"layer0.weight", 0.5},
                                      {"layer0.bias", 0.5},
                                      {"layer1.weight", third},
                                      {"layer1.bias", third}}));
  EXPECT_DOUBLE_EQ(bounds("concat")["layer0.weight"], 1.0 / std::sqrt(5.0));
  EXPECT_DOUBLE_EQ(bounds("concat")["layer0.time"], 1.0 / std::sqrt(5.0));
  EXPECT_DOUBLE_EQ(bounds("concatsquash")["layer1.weight"], third);
  EXPECT_DOUBLE_EQ(bounds("concatsquash")["layer1.gate"], 1.0);
  EXPECT_DOUBLE_EQ(bounds("blend")["layer1.weight1"], third);
}

TEST(Mlp, HasAsManyParametersAsFfjordsToyModel) {
  Tape tape(1);
  const auto field = make<VectorField>("mlp", "hidden: [64, 64, 64]\ntime: concatsquash\n");
  (*field)(tape.scope(), tape.input("t", {1}, {0.0}), tape.input("z", {kRows, 2}, {1, 2}));
  std::int64_t count = 0;
  for (const model::Item& item : tape.scope().items()) count += item.shape.elements(1);
  // Per layer in * out weights and four vectors of `out`: bias, gate, gate bias, time.
  EXPECT_EQ(count, (2 * 64 + 4 * 64) + 2 * (64 * 64 + 4 * 64) + (64 * 2 + 4 * 2));
}

class MlpTime : public testing::TestWithParam<std::string> {};

TEST_P(MlpTime, GivesEachSampleItsOwnTime) {
  const auto field = make<VectorField>("mlp", "hidden: [5]\ntime: " + GetParam() + "\n");
  const auto at = [&](const Shape& shape, const std::vector<double>& times) {
    Tape tape(2);
    const Tensor t = tape.input("t", shape, times);
    const Tensor z = tape.input("z", {kRows, 2}, {0.7, -1.1, 0.2, 0.4});
    const Tensor rate = (*field)(tape.scope(), t, z);
    EXPECT_EQ(rate.row_class(), RowClass::per_row);
    EXPECT_EQ(rate.shape(), (Shape{kRows, 2}));
    return tape.evaluate(rate);
  };
  const std::vector<double> early = at({1}, {0.2});
  const std::vector<double> late = at({1}, {0.9});
  expect_near(at({kRows, 1}, {0.2, 0.9}), {early[0], early[1], late[2], late[3]});
  if (GetParam() == "ignore") {
    EXPECT_EQ(early, late);
  } else {
    EXPECT_GT(std::abs(early[0] - late[0]), 1e-3);
  }
}

TEST_P(MlpTime, StartsConstantInTheStateWithAZeroLastLayer) {
  const auto field =
      make<VectorField>("mlp", "hidden: [5]\nzero_last: true\ntime: " + GetParam() + "\n");
  Tape zeros(1);
  const auto record = [&](Tape& tape) {
    const Tensor z = tape.input("z", {kRows, 2}, {0.7, -1.1});
    return (*field)(tape.scope(), tape.input("t", {1}, {0.4}), z);
  };
  record(zeros);
  Tape tape(1);
  int zero_parameters = 0;
  for (const model::Item& item : zeros.scope().items()) {
    if (item.initializer.rule != Initializer::Rule::constant) continue;
    EXPECT_EQ(item.initializer.value, 0.0);
    EXPECT_THAT(item.name, testing::StartsWith("layer1."));
    tape.given[item.name] =
        std::vector<double>(static_cast<std::size_t>(item.shape.elements(1)), 0.0);
    ++zero_parameters;
  }
  EXPECT_GT(zero_parameters, 0);
  const Tensor z = tape.input("z", {kRows, 2}, {0.7, -1.1});
  const std::vector<Tensor> rate{(*field)(tape.scope(), tape.input("t", {1}, {0.4}), z)};
  const std::vector<Tensor> inputs{z};
  const std::vector<Tensor> direction{tape.input("v", {kRows, 2}, {1.0, 2.0})};
  EXPECT_EQ(tape.evaluate(jvp(rate, inputs, direction).front()), (std::vector<double>{0, 0}));
  EXPECT_GT(std::abs(tape.evaluate(rate.front())[0]), 1e-3);
}

TEST_P(MlpTime, FlattensAStateOfMoreAxes) {
  const auto field = make<VectorField>("mlp", "hidden: [5]\ntime: " + GetParam() + "\n");
  const std::vector<double> values{1, 2, 3, 4, 5, 6, -1, -2, -3, -4, -5, -6};
  Tape flat(2);
  Tape cube(2);
  const Tensor f =
      (*field)(flat.scope(), flat.input("t", {1}, {0.4}), flat.input("z", {kRows, 6}, values));
  const Tensor c =
      (*field)(cube.scope(), cube.input("t", {1}, {0.4}), cube.input("z", {kRows, 2, 3}, values));
  EXPECT_EQ(c.shape(), (Shape{kRows, 2, 3}));
  EXPECT_EQ(cube.evaluate(c), flat.evaluate(f));
}

INSTANTIATE_TEST_SUITE_P(All, MlpTime,
                         testing::Values("ignore", "concat", "concatsquash", "blend"));

TEST(Mlp, RefusesWhatItsSchemaDoesNotKnow) {
  using testing::HasSubstr;
  EXPECT_THAT(config_error([] { make<VectorField>("mlp", "activation: tan\n"); }),
              HasSubstr("test.yaml:2:"));
  EXPECT_THAT(config_error([] { make<VectorField>("mlp", "hidden: [8, 0]\n"); }),
              HasSubstr("test.yaml:2:"));
  EXPECT_THAT(config_error([] { make<VectorField>("mlp", "time: cat\n"); }), HasSubstr("concat"));
}

}  // namespace
}  // namespace odeum::plugin_tests
