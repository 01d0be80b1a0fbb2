// SPDX-License-Identifier: Apache-2.0
// The fields with closed formulas, against them, in float64; kRounding is a few units of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "loaded.hpp"
#include "odeum/transforms.hpp"
#include "tape.hpp"

namespace odeum::plugin_tests {
namespace {

using testing::HasSubstr;
constexpr double kRounding = 1e-14;

/// The rate at one state.
std::vector<double> rate(const std::string& name, const std::string& yaml,
                         const std::vector<double>& state,
                         std::map<std::string, std::vector<double>> parameters = {}) {
  Tape tape(1);
  tape.given = std::move(parameters);
  const auto field = make<VectorField>(name, yaml);
  const Tensor t = tape.input("t", {1}, {0.0});
  const Tensor z = tape.input("z", {kRows, static_cast<std::int64_t>(state.size())}, state);
  return tape.evaluate((*field)(tape.scope(), t, z));
}

void expect_near(const std::vector<double>& values, const std::vector<double>& truth) {
  ASSERT_EQ(values.size(), truth.size());
  for (std::size_t i = 0; i < truth.size(); ++i) {
    EXPECT_NEAR(values[i], truth[i], kRounding * (1.0 + std::abs(truth[i]))) << i;
  }
}

TEST(LinearField, IsTheMatrixTimesTheState) {
  expect_near(rate("linear", "matrix: [1, 2, 3, 4]\n", {0.5, -1}), {-1.5, -2.5});
  expect_near(rate("linear", "matrix: [1, 2, 3, 4]\nbias: [10, 20]\n", {0.5, -1}), {8.5, 17.5});
  expect_near(rate("linear", "matrix: 3\n", {2}), {6});
  EXPECT_EQ(make<VectorField>("linear", "matrix: [1, 2, 3, 4]\n")->features(), 2);
}

TEST(LinearField, LearnsAChangeOfItsMatrixAndBias) {
  const std::string yaml = "matrix: [1, 2, 3, 4]\nlearn: true\n";
  Tape tape(1);
  const auto field = make<VectorField>("linear", yaml);
  (*field)(tape.scope(), tape.input("t", {1}, {0.0}), tape.input("z", {kRows, 2}, {1, 1}));
  for (const char* name : {"matrix_change", "bias_change"}) {
    EXPECT_EQ(tape.item(name).kind, model::Item::Kind::parameter);
    EXPECT_EQ(tape.item(name).initializer.rule, Initializer::Rule::constant);
    EXPECT_EQ(tape.item(name).initializer.value, 0.0);
  }
  expect_near(
      rate("linear", yaml, {0.5, -1}, {{"matrix_change", {0, 0, 1, 0}}, {"bias_change", {7, 0}}}),
      {5.5, -2.0});
}

TEST(LinearField, MayHaveATermThatGrowsWithTime) {
  const auto at = [](const std::string& yaml, std::map<std::string, std::vector<double>> given) {
    Tape tape(1);
    tape.given = std::move(given);
    const auto field = make<VectorField>("linear", yaml);
    return tape.evaluate((*field)(tape.scope(), tape.input("t", {1}, {3.0}),
                                  tape.input("z", {kRows, 2}, {0.5, -1})));
  };
  const std::string yaml = "matrix: [1, 2, 3, 4]\nslope: [10, 20]\n";
  expect_near(at(yaml, {}), {28.5, 57.5});
  expect_near(
      at(yaml + "learn: true\n",
         {{"matrix_change", {0, 0, 0, 0}}, {"bias_change", {7, 0}}, {"slope_change", {0, 1}}}),
      {35.5, 60.5});
  EXPECT_THAT(config_error([] { make<VectorField>("linear", "matrix: [1]\nslope: [1, 2]\n"); }),
              testing::AllOf(HasSubstr("test.yaml:3:1"), HasSubstr("the matrix has 1 rows")));
}

TEST(LinearField, TellsAMatrixThatIsNoSquareAndABiasOfAnotherSize) {
  EXPECT_THAT(
      config_error([] { make<VectorField>("linear", "matrix: [1, 2, 3]\n"); }),
      testing::AllOf(HasSubstr("test.yaml:2:1"), HasSubstr("3 entries, which is no square")));
  EXPECT_THAT(config_error([] { make<VectorField>("linear", "matrix: [1]\nbias: [1, 2]\n"); }),
              testing::AllOf(HasSubstr("test.yaml:3:1"), HasSubstr("the matrix has 1 rows")));
  EXPECT_THAT(config_error([] { make<VectorField>("linear"); }), HasSubstr("matrix"));
}

TEST(Lorenz63, RestsAtItsThreeFixedPointsAndContractsVolumes) {
  const double c = std::sqrt(8.0 / 3.0 * 27.0);
  expect_near(rate("lorenz63", "", {0, 0, 0}), {0, 0, 0});
  for (const double sign : {1.0, -1.0}) {
    for (const double r : rate("lorenz63", "", {sign * c, sign * c, 27}))
      EXPECT_NEAR(r, 0.0, 1e-13);
  }
  expect_near(rate("lorenz63", "", {1, 2, 3}), {10, 28 - 3 - 2, 2 - 8});
  expect_near(rate("lorenz63", "sigma: 1\nrho: 2\nbeta: 3\n", {1, 2, 3}), {1, 2 - 3 - 2, 2 - 9});

  // The divergence is -(sigma + 1 + beta) everywhere.
  double divergence = 0.0;
  for (std::size_t axis = 0; axis < 3; ++axis) {
    Tape tape(1);
    std::vector<double> unit(3, 0.0);
    unit[axis] = 1.0;
    const auto field = make<VectorField>("lorenz63");
    const std::vector<Tensor> z{tape.input("z", {kRows, 3}, {1, 2, 3})};
    const std::vector<Tensor> f{(*field)(tape.scope(), tape.input("t", {1}, {0.0}), z.front())};
    const std::vector<Tensor> v{tape.input("v", {kRows, 3}, unit)};
    divergence += tape.evaluate(jvp(f, z, v).front())[axis];
  }
  EXPECT_NEAR(divergence, -(10.0 + 1.0 + 8.0 / 3.0), 1e-13);
}

TEST(LotkaVolterra, RestsWherePreyAndPredatorBalance) {
  expect_near(rate("lotka_volterra", "alpha: 2\nbeta: 4\ngamma: 3\ndelta: 1\n", {3, 0.5}), {0, 0});
  expect_near(rate("lotka_volterra", "alpha: 2\nbeta: 4\ngamma: 3\ndelta: 1\n", {1, 2}),
              {2 - 8, 2 - 6});
}

TEST(VanDerPol, IsAnOscillatorWithNonlinearDamping) {
  expect_near(rate("van_der_pol", "", {2, 0.5}), {0.5, -3 * 0.5 - 2});
  expect_near(rate("van_der_pol", "mu: 0\n", {2, 0.5}), {0.5, -2});
  expect_near(rate("van_der_pol", "mu: 1000\n", {1, 7}), {7, -1});
}

TEST(Pendulum, SwingsAgainstGravityAndFriction) {
  expect_near(rate("pendulum", "", {0.5, 2}), {2, -std::sin(0.5) - 0.2});
  expect_near(rate("pendulum", "stiffness: 64.22\ndamping: 0\n", {0.5, 2}),
              {2, -64.22 * std::sin(0.5)});
  EXPECT_THAT(config_error([] { make<VectorField>("pendulum", "damping: -1\n"); }),
              testing::AllOf(HasSubstr("test.yaml:2:"), HasSubstr("damping")));
}

TEST(FallingBody, IsPulledDownAndSlowedByDrag) {
  expect_near(rate("falling_body", "", {5, 2}), {2, -9.81});
  expect_near(rate("falling_body", "gravity: 8\ndrag: 0.5\n", {5, 2}), {2, -10});
  expect_near(rate("falling_body", "gravity: 8\ndrag: 0.5\n", {5, -2}), {-2, -6});
  const auto field = make<VectorField>("falling_body", "");
  EXPECT_EQ(field->events(), std::vector<std::string>{"ground"});
  Tape tape(2);
  const Tensor z = tape.input("z", {kRows, 2}, {5, 2, -3, 1});
  expect_near(tape.evaluate(field->event_functions(tape.scope(), tape.input("t", {1}, {0.0}), z)),
              {5, -3});
}

struct Textbook {
  std::string name;
  std::vector<std::string> components;
  std::map<std::string, double> coefficients;
};
void PrintTo(const Textbook& book, std::ostream* out) { *out << book.name; }

class EveryTextbookField : public testing::TestWithParam<Textbook> {};

TEST_P(EveryTextbookField, NamesItsComponentsAndLearnsItsCoefficientsOnRequest) {
  const Textbook& book = GetParam();
  const auto features = static_cast<std::int64_t>(book.components.size());
  for (const bool learn : {false, true}) {
    const auto field = make<VectorField>(book.name, learn ? "learn: true\n" : "");
    EXPECT_EQ(field->components(), book.components);
    EXPECT_EQ(field->features(), features);
    Tape tape(2);
    const std::vector<double> values(static_cast<std::size_t>(2 * features), 0.3);
    const Tensor f = (*field)(tape.scope(), tape.input("t", {1}, {0.0}),
                              tape.input("z", {kRows, features}, values));
    EXPECT_EQ(f.shape(), (Shape{kRows, features}));
    EXPECT_EQ(f.row_class(), RowClass::per_row);
    std::map<std::string, double> parameters;
    for (const model::Item& item : tape.scope().items()) {
      EXPECT_EQ(item.shape, Shape{1});
      parameters[item.name] = item.initializer.value;
    }
    EXPECT_EQ(parameters, learn ? book.coefficients : (std::map<std::string, double>{}));
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, EveryTextbookField,
    testing::Values(
        Textbook{"lorenz63", {"x", "y", "z"}, {{"sigma", 10}, {"rho", 28}, {"beta", 8.0 / 3.0}}},
        Textbook{"lotka_volterra",
                 {"prey", "predator"},
                 {{"alpha", 1.5}, {"beta", 1}, {"gamma", 3}, {"delta", 1}}},
        Textbook{"van_der_pol", {"x", "v"}, {{"mu", 1}}},
        Textbook{"falling_body", {"height", "velocity"}, {{"gravity", 9.81}, {"drag", 0}}},
        Textbook{"pendulum", {"angle", "rate"}, {{"stiffness", 1}, {"damping", 0.1}}}),
    [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace odeum::plugin_tests
