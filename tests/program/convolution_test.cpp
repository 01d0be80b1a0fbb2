// SPDX-License-Identifier: Apache-2.0
#include "program/support.hpp"

namespace odeum::program::test {
namespace {

using In = std::span<const Tensor>;

Window odd_window() {
  Window window;
  window.kernel = {3, 2};
  window.stride = {2, 1};
  window.pad_before = {1, 0};
  window.pad_after = {1, 2};
  window.dilation = {1, 2};
  return window;
}

TEST(Conv, IsACrossCorrelation) {
  Window window;
  window.kernel = {2, 2};
  window.pad_before = {1, 0};
  // Worked by hand: the kernel is not flipped, and the row above is zero.
  const Array y = apply({1, 2, 3}, {1, 2, 3, 4, 5, 6}, [&](Tensor x) {
    return conv(x, constant(x, {1, 1, 2, 2}, {1, 10, 100, 1000}), window);
  });
  EXPECT_EQ(y.extents, (Extents{1, 2, 2}));
  EXPECT_EQ(y.values, (Values{2100, 3200, 5421, 6532}));
}

TEST(Conv, HasExactDerivativesAndBatchedFormsOnOddSizes) {
  const Window window = odd_window();
  const auto body = [&](In in) { return std::vector{conv(in[0], in[1], window)}; };
  Checked({{{kRows, 2, 4, 5}}, {{3, 2, 3, 2}}}, body, 2).check_all();
  Checked({{{2, 5, 4}}, {{3, 2, 3, 2}}}, body).check_all();
  Checked({{{kRows, 2, 1, 4, 3}}, {{2, 1, 3, 2}}}, body, 2).check_all();
}

TEST(Conv, OfAnEvenSideWithStrideTwoGivesEveryInputItsGradient) {
  // With stride 2 and no padding the last row and column of an even side are never seen.
  Window window;
  window.kernel = {3, 3};
  window.stride = {2, 2};
  Checked(
      {{{kRows, 1, 6, 6}}, {{2, 1, 3, 3}}},
      [&](In in) { return std::vector{square(conv(in[0], in[1], window))}; }, 2)
      .check_all();
}

TEST(Conv, RefusesShapesThatDoNotFit) {
  const std::vector<InputSpec> specs{{"x", {kRows, 2, 4, 4}, DType::f32},
                                     {"w", {3, 1, 3, 3}, DType::f32},
                                     {"v", {3, 2, 9, 9}, DType::f32}};
  Window window;
  window.kernel = {3, 3};
  EXPECT_THROW(record(specs, [&](In in) { return std::vector{conv(in[0], in[1], window)}; }),
               std::invalid_argument);
  window.kernel = {9, 9};
  EXPECT_THROW(record(specs, [&](In in) { return std::vector{conv(in[0], in[2], window)}; }),
               std::invalid_argument);
}

}  // namespace
}  // namespace odeum::program::test
