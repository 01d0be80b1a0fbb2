// SPDX-License-Identifier: Apache-2.0
#include <set>

#include "odeum/error.hpp"
#include "program/primitive.hpp"
#include "program/support.hpp"

namespace odeum::program::test {
namespace {

TEST(Shape, CountsItsElementsOnceRowsAreBound) {
  const Shape shape{kRows, 3, 2};
  EXPECT_EQ(shape.elements(5), 30);
  EXPECT_EQ(shape.elements_per_row(), 6);
  EXPECT_EQ(Shape{}.elements(7), 1);
  EXPECT_EQ((Shape{4, 0}).elements(7), 0);
  EXPECT_EQ(shape.text(), "[rows, 3, 2]");
  EXPECT_EQ(Shape{}.text(), "[]");
}

TEST(Shape, HasRowsInFrontOnly) {
  EXPECT_THROW((Shape{3, kRows}), std::invalid_argument);
  EXPECT_THROW((Shape{-2}), std::invalid_argument);
}

TEST(Names, OfOperationsAreAllDifferent) {
  std::set<std::string> names;
  const int count = static_cast<int>(Op::output) + 1;
  for (int op = 0; op < count; ++op) names.insert(name(static_cast<Op>(op)));
  EXPECT_EQ(names.size(), static_cast<std::size_t>(count));
  EXPECT_STREQ(name(DType::f32), "float32");
  EXPECT_STREQ(name(RowClass::row_sum), "row_sum");
}

TEST(Primitives, ThatAreLinearHaveATransposeAndADerivative) {
  for (int i = 0; i <= static_cast<int>(Op::output); ++i) {
    const Primitive& p = primitive(static_cast<Op>(i));
    if (p.linearity == Linearity::nonlinear || p.op == Op::stop_gradient) continue;
    EXPECT_NE(p.transpose, nullptr) << p.name;
    EXPECT_NE(p.jvp, nullptr) << p.name;
    EXPECT_NE(p.vmap, nullptr) << p.name;
  }
}

TEST(ConfigError, SaysThePlaceFirst) {
  EXPECT_STREQ(ConfigError({"a.yaml", 3, 7}, "model: unknown key").what(),
               "a.yaml:3:7 model: unknown key");
  EXPECT_STREQ(ConfigError({"a.yaml", 0, 0}, "is empty").what(), "a.yaml is empty");
  EXPECT_STREQ(ConfigError({}, "is empty").what(), "is empty");
  EXPECT_THROW(bug("impossible"), std::logic_error);
}

TEST(Interpreter, RefusesInputsOfAnotherShapeNamingThem) {
  const InputSpec spec{"state", {kRows, 2}, DType::f64};
  const Program program =
      record({&spec, 1}, [](std::span<const Tensor> in) { return std::vector{in[0] + 1.0}; });
  const Array wrong = Array::zeros(DType::f64, {3, 2});
  try {
    interpret(program, 2, {&wrong, 1});
    FAIL() << "accepted";
  } catch (const std::invalid_argument& error) {
    EXPECT_NE(std::string(error.what()).find("state"), std::string::npos);
  }
}

TEST(RowCount, IsBoundWhenTheProgramRuns) {
  const InputSpec spec{"x", {kRows}, DType::f64};
  const Program program = record({&spec, 1}, [](std::span<const Tensor> in) {
    return std::vector{row_count(in[0], DType::i64), iota(in[0], {kRows, 2}, 0, DType::f64)};
  });
  const Array x = Array::zeros(DType::f64, {3});
  const auto y = interpret(program, 3, {&x, 1});
  EXPECT_EQ(y[0].integers, (std::vector<std::int64_t>{3}));
  EXPECT_EQ(y[1].values, (Values{0, 0, 1, 1, 2, 2}));
}

}  // namespace
}  // namespace odeum::program::test
