// SPDX-License-Identifier: Apache-2.0
#include "program/support.hpp"

namespace odeum::program::test {
namespace {

using In = std::span<const Tensor>;

TEST(Reshape, KeepsTheOrderOfElementsAndTheRows) {
  const auto body = [](In in) {
    return std::vector{sin(reshape(in[0], {kRows, 2, 3})), square(reshape(in[1], {3, 2, 2}))};
  };
  const Checked checked({{{kRows, 6}}, {{4, 3}}}, body);
  checked.check_all();
  EXPECT_EQ(apply({2, 3}, {1, 2, 3, 4, 5, 6},
                  [](Tensor x) {
                    return reshape(x, {3, 2});
                  })
                .values,
            (Values{1, 2, 3, 4, 5, 6}));
}

TEST(Permute, PutsAxisIWhereItSays) {
  // A 2 x 3 x 2 array whose element at (i, j, k) is 100 i + 10 j + k.
  const Values x{0, 1, 10, 11, 20, 21, 100, 101, 110, 111, 120, 121};
  const Array y = apply({2, 3, 2}, x, [](Tensor t) { return permute(t, {2, 0, 1}); });
  EXPECT_EQ(y.extents, (Extents{2, 2, 3}));
  EXPECT_EQ(y.values, (Values{0, 10, 20, 100, 110, 120, 1, 11, 21, 101, 111, 121}));
  Checked({{{kRows, 2, 3}}, {{2, 3, 4}}}, [](In in) {
    return std::vector{sin(permute(in[0], {0, 2, 1})), square(permute(in[1], {-1, 0, 1}))};
  }).check_all();
}

TEST(Broadcast, RepeatsExtentsOfOneAndAddsAxesInFront) {
  EXPECT_EQ(apply({2, 1}, {1, 2},
                  [](Tensor x) {
                    return broadcast(x, {2, 3});
                  })
                .values,
            (Values{1, 1, 1, 2, 2, 2}));
  EXPECT_EQ(apply({2}, {1, 2},
                  [](Tensor x) {
                    return broadcast(x, {2, 2});
                  })
                .values,
            (Values{1, 2, 1, 2}));
  Checked({{{1, 3}}, {{kRows, 1, 2}}, {{2}}}, [](In in) {
    return std::vector{sin(broadcast(in[0], {kRows, 3})), square(broadcast(in[1], {kRows, 4, 2})),
                       exp(broadcast(in[2], {kRows, 5, 2}))};
  }).check_all();
}

TEST(Slice, TakesAnIntervalAndPadSurroundsWithZeros) {
  EXPECT_EQ(
      apply({2, 4}, {1, 2, 3, 4, 5, 6, 7, 8}, [](Tensor x) { return slice(x, 1, 1, 3); }).values,
      (Values{2, 3, 6, 7}));
  EXPECT_EQ(apply({2, 1}, {1, 2}, [](Tensor x) { return pad(x, -1, 2, 1); }).values,
            (Values{0, 0, 1, 0, 0, 0, 2, 0}));
  Checked({{{kRows, 5, 2}}, {{4, 3}}}, [](In in) {
    return std::vector{sin(slice(in[0], 1, 1, 4)), square(slice(in[1], 0, 2, 4)),
                       exp(pad(in[0], 2, 1, 2)), sin(pad(in[1], 0, 0, 3))};
  }).check_all();
}

TEST(Concat, JoinsInOrderAndSplitCutsAgain) {
  EXPECT_EQ(apply({2, 2}, {1, 2, 3, 4},
                  [](Tensor x) {
                    return concat({x, -x, x}, 1);
                  })
                .values,
            (Values{1, 2, -1, -2, 1, 2, 3, 4, -3, -4, 3, 4}));
  Checked({{{kRows, 2}}, {{kRows, 3}}, {{1, 2}}}, [](In in) {
    const auto [a, b] = odeum::split<2, 1>(in[1]);
    const auto parts = split(in[0] * a, {1, 1});
    return std::vector{concat({sin(in[0]), in[1], parts[1] * parts[0]}),
                       concat({in[2], in[2] * in[2]}, 0), b};
  }).check_all();
}

TEST(ShapeRules, RefuseNamingOperationAndShapes) {
  const auto message = [](const std::function<Tensor(Tensor)>& f) -> std::string {
    const InputSpec spec{"x", {kRows, 4}, DType::f64};
    try {
      record({&spec, 1}, [&f](In in) { return std::vector{f(in[0])}; });
    } catch (const std::invalid_argument& error) {
      return error.what();
    }
    return "accepted";
  };
  const auto expect = [&](const char* start, const std::function<Tensor(Tensor)>& f) {
    EXPECT_EQ(message(f).rfind(start, 0), 0U) << message(f);
  };
  expect("reshape: [rows, 4] to [rows, 5]", [](Tensor x) { return reshape(x, {kRows, 5}); });
  expect("reshape: [rows, 4] to [4]", [](Tensor x) { return reshape(x, {4}); });
  expect("permute: the rows of shape [rows, 4]", [](Tensor x) { return permute(x, {1, 0}); });
  expect("permute: the axes", [](Tensor x) { return permute(x, {0, 0}); });
  expect("broadcast: [rows, 4] to [rows, 8]", [](Tensor x) { return broadcast(x, {kRows, 8}); });
  expect("slice: [2, 5) along axis 1", [](Tensor x) { return slice(x, 1, 2, 5); });
  expect("slice: shape [rows, 4] cannot be cut", [](Tensor x) { return slice(x, 0, 0, 1); });
  expect("slice: no axis 2", [](Tensor x) { return slice(x, 2, 0, 1); });
  expect("pad: a negative", [](Tensor x) { return pad(x, 1, -1, 0); });
  expect("concat: float64 [rows, 4] and float64 [4]", [](Tensor x) {
    return concat({x, full(x, {4}, 1.0)});
  });
  expect("split: sizes add up to 3", [](Tensor x) { return split(x, {1, 2})[0]; });
  expect("add: shapes [rows, 4] and [3]", [](Tensor x) { return x + full(x, {3}, 1.0); });
  expect("mul: shapes [rows, 4] and [rows]", [](Tensor x) { return x * sum_features(x); });
  expect("add: types float64 and float32", [](Tensor x) { return x + cast(x, DType::f32); });
  expect("tanh: the operand is int64", [](Tensor x) { return tanh(cast(x, DType::i64)); });
  expect("exp: an operand is empty", [](Tensor) { return exp(Tensor()); });
  expect("constant: 3 values", [](Tensor x) { return constant(x, {2}, {1, 2, 3}); });
  expect("constant: 0.5", [](Tensor x) { return cast(x, DType::i64) * 0.5; });
  expect("sum: an axis", [](Tensor x) { return sum(x, {1, -1}); });
  expect("sum_rows: the operand has no rows", [](Tensor x) { return sum_rows(full(x, {2}, 1)); });
}

TEST(Operands, OfDifferentRecordingsAreRefused) {
  Recording one;
  Recording two;
  const Tensor a = one.input("a", {2}, DType::f32);
  const Tensor b = two.input("b", {2}, DType::f32);
  EXPECT_THROW(a + b, std::invalid_argument);
  EXPECT_THROW(one.program({&b, 1}), std::invalid_argument);
}

}  // namespace
}  // namespace odeum::program::test
