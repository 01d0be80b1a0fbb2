// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <limits>
#include <numbers>
#include <string>

#include "program/support.hpp"

namespace odeum::program::test {
namespace {

struct UnaryCase {
  const char* name;
  Tensor (*record)(Tensor);
  double (*truth)(double);
  double low, high;
};

class Unary : public testing::TestWithParam<UnaryCase> {};

TEST_P(Unary, MatchesTheStandardLibraryAndItsDerivativesMatchDifferences) {
  const UnaryCase& c = GetParam();
  const auto body = [&c](std::span<const Tensor> in) { return std::vector{c.record(in[0])}; };
  for (const Shape& shape : {Shape{kRows, 5}, Shape{7}, Shape{}}) {
    const Checked checked({{shape, c.low, c.high}}, body);
    const auto value = checked.values().front();
    for (std::size_t i = 0; i < value.values.size(); ++i) {
      const double truth = c.truth(checked.points()[0].values[i]);
      EXPECT_NEAR(value.values[i], truth, 1e-14 * (1 + std::abs(truth)));
    }
    checked.check_all();
  }
}

// Intervals keep away from kinks, where there is no derivative, and from poles.
INSTANTIATE_TEST_SUITE_P(
    Elementwise, Unary,
    testing::Values(
        UnaryCase{"neg", [](Tensor x) { return -x; }, [](double x) { return -x; }, -2, 2},
        UnaryCase{"abs", abs, [](double x) { return std::fabs(x); }, -2, -0.1},
        UnaryCase{"sign", sign, [](double x) { return x > 0 ? 1.0 : -1.0; }, 0.1, 2},
        UnaryCase{"floor", floor, [](double x) { return std::floor(x); }, 1.1, 1.9},
        UnaryCase{"exp", exp, [](double x) { return std::exp(x); }, -2, 2},
        UnaryCase{"expm1", expm1, [](double x) { return std::expm1(x); }, -2, 2},
        UnaryCase{"log", log, [](double x) { return std::log(x); }, 0.5, 3},
        UnaryCase{"log1p", log1p, [](double x) { return std::log1p(x); }, -0.4, 3},
        UnaryCase{"sqrt", sqrt, [](double x) { return std::sqrt(x); }, 0.5, 3},
        UnaryCase{"sin", sin, [](double x) { return std::sin(x); }, -3, 3},
        UnaryCase{"cos", cos, [](double x) { return std::cos(x); }, -3, 3},
        UnaryCase{"tanh", tanh, [](double x) { return std::tanh(x); }, -2, 2},
        UnaryCase{"sigmoid", sigmoid, [](double x) { return 0.5 * (1 + std::tanh(0.5 * x)); }, -3,
                  3},
        UnaryCase{"softplus", softplus, [](double x) { return std::log(1 + std::exp(x)); }, -3, 3},
        UnaryCase{"erf", erf, [](double x) { return std::erf(x); }, -2, 2},
        UnaryCase{"square", square, [](double x) { return x * x; }, -2, 2},
        UnaryCase{"relu", relu, [](double x) { return std::fmax(x, 0); }, 0.1, 2},
        UnaryCase{"elu", elu, [](double x) { return x > 0 ? x : std::exp(x) - 1; }, -2, -0.1},
        UnaryCase{"swish", swish, [](double x) { return x / (1 + std::exp(-x)); }, -3, 3},
        UnaryCase{"gelu", gelu,
                  [](double x) { return 0.5 * x * std::erfc(-x / std::numbers::sqrt2); }, -3, 3},
        UnaryCase{"cast", [](Tensor x) { return cast(cast(x, DType::f32), DType::f64); },
                  [](double x) { return x; }, -2, 2},
        UnaryCase{"pow3", [](Tensor x) { return pow(x, 3); }, [](double x) { return x * x * x; },
                  -2, 2},
        UnaryCase{"pow_minus_2", [](Tensor x) { return pow(x, -2); },
                  [](double x) { return 1 / (x * x); }, 0.5, 2},
        UnaryCase{"pow_real", [](Tensor x) { return pow(x, 1.7); },
                  [](double x) { return std::pow(x, 1.7); }, 0.5, 2}),
    [](const auto& test) { return std::string(test.param.name); });

struct BinaryCase {
  const char* name;
  Tensor (*record)(Tensor, Tensor);
  double (*truth)(double, double);
};

class Binary : public testing::TestWithParam<BinaryCase> {};

TEST_P(Binary, MatchesItsFormulaAndItsDerivativesMatchDifferences) {
  const BinaryCase& c = GetParam();
  const auto body = [&c](std::span<const Tensor> in) {
    return std::vector{c.record(in[0], in[1])};
  };
  const Checked checked({{{kRows, 3}, -2, -0.5}, {{kRows, 3}, 0.5, 2}}, body);
  const auto value = checked.values().front();
  for (std::size_t i = 0; i < value.values.size(); ++i) {
    EXPECT_DOUBLE_EQ(value.values[i],
                     c.truth(checked.points()[0].values[i], checked.points()[1].values[i]));
  }
  checked.check_all();
  // Broadcast along features, along rows, and of a lone number.
  Checked({{{kRows, 4}, -2, -0.5}, {{4}, 0.5, 2}}, body).check_all();
  Checked({{{1}, -2, -0.5}, {{kRows, 3}, 0.5, 2}}, body).check_all();
  Checked({{{kRows, 1}, -2, -0.5}, {{2, 1, 3}, 0.5, 2}}, [&c](std::span<const Tensor> in) {
    return std::vector{c.record(reshape(in[0], {kRows, 1, 1}), slice(in[1], 0, 1, 2))};
  }).check_all();
}

INSTANTIATE_TEST_SUITE_P(
    Elementwise, Binary,
    testing::Values(BinaryCase{"add", [](Tensor a, Tensor b) { return a + b; },
                               [](double a, double b) { return a + b; }},
                    BinaryCase{"sub", [](Tensor a, Tensor b) { return a - b; },
                               [](double a, double b) { return a - b; }},
                    BinaryCase{"mul", [](Tensor a, Tensor b) { return a * b; },
                               [](double a, double b) { return a * b; }},
                    BinaryCase{"div", [](Tensor a, Tensor b) { return a / b; },
                               [](double a, double b) { return a / b; }},
                    BinaryCase{"max", [](Tensor a, Tensor b) { return max(a, b); },
                               [](double a, double b) { return a > b ? a : b; }},
                    BinaryCase{"min", [](Tensor a, Tensor b) { return min(a, b); },
                               [](double a, double b) { return a < b ? a : b; }},
                    BinaryCase{"less", [](Tensor a, Tensor b) { return less(a, b); },
                               [](double a, double b) { return a < b ? 1.0 : 0.0; }},
                    BinaryCase{"equal", [](Tensor a, Tensor b) { return equal(a, b); },
                               [](double a, double b) { return a == b ? 1.0 : 0.0; }}),
    [](const auto& test) { return std::string(test.param.name); });

TEST(Select, TakesTheChosenOperandAndItsDerivative) {
  const auto body = [](std::span<const Tensor> in) {
    return std::vector{select(less(in[0], in[1]), square(in[1]), sin(in[2]))};
  };
  Checked({{{kRows, 5}}, {{kRows, 5}}, {{kRows, 5}}}, body, 4).check_all();
  const Array y =
      apply({3}, {-1, 0, 2}, [](Tensor x) { return select(x, full(x, {3}, 7), full(x, {3}, 8)); });
  EXPECT_EQ(y.values, (Values{7, 8, 7}));
}

TEST(Ties, GiveTheDerivativeToTheFirstOperandAndReluHasNoneAtZero) {
  const auto slope = [](const std::function<Tensor(Tensor)>& f) {
    return apply({1}, {0.0},
                 [&f](Tensor x) {
                   const Tensor y = f(x);
                   const Tensor one = ones_like(x);
                   return vjp({&y, 1}, {&x, 1}, {&one, 1}).front();
                 })
        .values.front();
  };
  EXPECT_EQ(slope([](Tensor x) { return max(3.0 * x, 5.0 * x); }), 3.0);
  EXPECT_EQ(slope([](Tensor x) { return min(3.0 * x, 5.0 * x); }), 3.0);
  EXPECT_EQ(slope(relu), 0.0);
}

TEST(NotANumber, IsHandedOnByArithmeticAndByMaxima) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const std::vector<std::function<Tensor(Tensor)>> functions{
      [](Tensor x) { return x * 0.0; },           [](Tensor x) { return x - x; },
      [](Tensor x) { return relu(x); },           [](Tensor x) { return min(x, 0.0); },
      [](Tensor x) { return sign(x); },           [](Tensor x) { return softplus(x); },
      [](Tensor x) { return reduce_max(x, {0}); }};
  for (const auto& f : functions) EXPECT_TRUE(std::isnan(apply({1}, {nan}, f).values[0]));
  EXPECT_EQ(apply({1}, {nan}, [](Tensor x) { return less(x, zeros_like(x)); }).values[0], 0.0);
}

TEST(Saturation, LeavesSigmoidSoftplusAndEluFinite) {
  const Values far{-1e4, 1e4};
  EXPECT_EQ(apply({2}, far, sigmoid).values, (Values{0, 1}));
  EXPECT_EQ(apply({2}, far, softplus).values, (Values{0, 1e4}));
  const auto slope = [&far](Tensor (*f)(Tensor)) {
    return apply({2}, far,
                 [f](Tensor x) {
                   const Tensor y = f(x);
                   const Tensor one = ones_like(x);
                   return vjp({&y, 1}, {&x, 1}, {&one, 1}).front();
                 })
        .values;
  };
  EXPECT_EQ(slope(elu), (Values{0, 1}));
  EXPECT_EQ(slope(softplus), (Values{0, 1}));
}

TEST(Activation, IsFoundByNameAndAnUnknownOneListsWhatThereIs) {
  EXPECT_EQ(apply({1}, {0.3}, [](Tensor x) { return activation("tanh", x); }).values[0],
            std::tanh(0.3));
  EXPECT_EQ(apply({1}, {0.3}, [](Tensor x) { return activation("identity", x); }).values[0], 0.3);
  try {
    apply({1}, {0.3}, [](Tensor x) { return activation("tangh", x); });
    FAIL() << "accepted";
  } catch (const std::invalid_argument& error) {
    EXPECT_NE(std::string(error.what()).find("softplus"), std::string::npos);
  }
}

TEST(Integers, AreExactBeyondTheReachOfDoubles) {
  const std::vector<InputSpec> specs{{"a", {2}, DType::i64}, {"b", {2}, DType::i64}};
  const Program program = record(specs, [](std::span<const Tensor> in) {
    return std::vector{in[0] + in[1],
                       in[0] * in[1],
                       max(in[0], in[1]),
                       -in[0],
                       sign(in[0]),
                       cast(in[1], DType::f64),
                       cast(cast(in[1], DType::f64) * 0.7, DType::i64)};
  });
  Array a = Array::zeros(DType::i64, {2});
  a.integers = {(std::int64_t{1} << 60) + 1, -5};
  Array b = Array::zeros(DType::i64, {2});
  b.integers = {2, -3};
  const auto y = interpret(program, 0, std::vector<Array>{a, b});
  using Whole = std::vector<std::int64_t>;
  EXPECT_EQ(y[0].integers, (Whole{(std::int64_t{1} << 60) + 3, -8}));
  EXPECT_EQ(y[1].integers, (Whole{(std::int64_t{1} << 61) + 2, 15}));
  EXPECT_EQ(y[2].integers, (Whole{(std::int64_t{1} << 60) + 1, -3}));
  EXPECT_EQ(y[3].integers, (Whole{-(std::int64_t{1} << 60) - 1, 5}));
  EXPECT_EQ(y[4].integers, (Whole{1, -1}));
  EXPECT_EQ(y[5].values, (Values{2, -3}));
  EXPECT_EQ(y[6].integers, (Whole{1, -2}));  // truncated, not floored
}

TEST(LinearCombination, LeavesOutTermsOfWeightZero) {
  const Array y = apply({2}, {1, 2}, [](Tensor x) {
    const std::vector<Tensor> terms{x, log(-x), square(x)};
    const Values weights{2.0, 0.0, -1.0};
    return linear_combination(terms, weights);
  });
  EXPECT_EQ(y.values, (Values{1, 0}));
}

}  // namespace
}  // namespace odeum::program::test
