// SPDX-License-Identifier: Apache-2.0
#include "program/support.hpp"

namespace odeum::program::test {
namespace {

using In = std::span<const Tensor>;

TEST(Gather, ReadsAlongTheLastAxis) {
  const Array y = apply({2, 3}, {10, 11, 12, 20, 21, 22}, [](Tensor x) {
    return gather(x, cast(constant(x, {2, 4}, {2, 2, 0, 1, 1, 0, 0, 2}), DType::i64));
  });
  EXPECT_EQ(y.values, (Values{12, 12, 10, 11, 21, 20, 20, 22}));
  Checked({{{kRows, 2, 4}}, {{kRows, 2, 5}, 0, 4, DType::i64}}, [](In in) {
    return std::vector{sin(gather(in[0], in[1]))};
  }).check_all();
}

TEST(ScatterAdd, AddsWhatFallsOnTheSamePlace) {
  const Array y = apply({4}, {1, 2, 4, 8}, [](Tensor x) {
    return scatter_add(x, cast(constant(x, {4}, {2, 0, 2, 1}), DType::i64), 4);
  });
  EXPECT_EQ(y.values, (Values{2, 8, 5, 0}));
  Checked({{{kRows, 5}}, {{kRows, 5}, 0, 3, DType::i64}}, [](In in) {
    return std::vector{sin(scatter_add(in[0], in[1], 3))};
  }).check_all();
}

TEST(WindowArgmax, PicksTheFirstOfTheLargestAndNeverPadding) {
  Window window;
  window.kernel = {2, 2};
  window.stride = {2, 2};
  window.pad_after = {1, 1};
  const Array y = apply({3, 3}, {-1, -1, -3, -2, -1, -4, -7, -6, -9},
                        [&](Tensor x) { return cast(window_argmax(x, window), DType::f64); });
  EXPECT_EQ(y.extents, (Extents{2, 2}));
  EXPECT_EQ(y.values, (Values{0, 2, 7, 8}));
}

TEST(MaxPool, IsTheLargestOfEachWindowWithItsDerivative) {
  Window window;
  window.kernel = {3, 2};
  window.stride = {2, 1};
  window.pad_before = {1, 0};
  window.pad_after = {1, 1};
  window.dilation = {1, 2};
  const auto body = [&](In in) { return std::vector{sin(max_pool(in[0], window))}; };
  Checked({{{kRows, 2, 5, 4}}}, body, 2).check_all();
  Checked({{{5, 4}}}, body).check_all();
}

TEST(AveragePool, CountsPaddingAsZeros) {
  Window window;
  window.kernel = {2, 2};
  window.stride = {2, 2};
  window.pad_after = {1, 1};
  const Array y =
      apply({3, 3}, {1, 2, 3, 4, 5, 6, 7, 8, 9}, [&](Tensor x) { return average_pool(x, window); });
  EXPECT_EQ(y.values, (Values{3, 2.25, 3.75, 2.25}));
  Checked({{{kRows, 2, 3, 3}}}, [&](In in) {
    return std::vector{sin(average_pool(in[0], window))};
  }).check_all();
}

TEST(Indexing, RefusesWhatDoesNotFit) {
  const std::vector<InputSpec> specs{{"x", {kRows, 3}, DType::f64}, {"i", {2, 3}, DType::i64}};
  EXPECT_THROW(record(specs, [](In in) { return std::vector{gather(in[0], in[1])}; }),
               std::invalid_argument);
  EXPECT_THROW(record(specs, [](In in) { return std::vector{gather(in[0], in[0])}; }),
               std::invalid_argument);
  const Program reads = record(
      {&specs[1], 1}, [](In in) { return std::vector{gather(cast(in[0], DType::f64), in[0])}; });
  const Array outside = Array::of(DType::i64, {2, 3}, {0, 1, 3, 0, 0, 0});
  EXPECT_THROW(interpret(reads, 0, {&outside, 1}), std::invalid_argument);
}

}  // namespace
}  // namespace odeum::program::test
