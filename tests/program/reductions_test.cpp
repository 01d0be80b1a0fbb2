// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "program/support.hpp"

namespace odeum::program::test {
namespace {

using In = std::span<const Tensor>;

TEST(Sum, AddsOverAnyAxes) {
  const Values x{1, 2, 3, 4, 5, 6, 7, 8};
  EXPECT_EQ(apply({2, 2, 2}, x, [](Tensor t) { return sum(t, {0, 2}); }).values, (Values{14, 22}));
  EXPECT_EQ(apply({2, 2, 2}, x, [](Tensor t) { return sum(t, {-2}); }).values,
            (Values{4, 6, 12, 14}));
  const Array all = apply({2, 2, 2}, x, [](Tensor t) { return sum(t, {0, 1, 2}); });
  EXPECT_TRUE(all.extents.empty());
  EXPECT_EQ(all.values, (Values{36}));
  Checked({{{kRows, 3, 2}}, {{4, 3}}}, [](In in) {
    return std::vector{sin(sum(in[0], {1})), square(sum(in[0], {0})), exp(sum(in[0], {0, 2})),
                       sin(sum(in[1], {0})), square(sum_rows(in[0]))};
  }).check_all();
}

TEST(Mean, DividesByEntriesAndByRowsWhenItRuns) {
  const Checked checked(
      {{{kRows, 3, 2}, 1, 2}},
      [](In in) {
        return std::vector{mean_rows(square(in[0])),       mean_features(in[0]),
                           mean(square(in[0]), {0, 1}),    mean(in[0], {2}),
                           mean_rows(sum_features(in[0])), sum_features(square(in[0]))};
      },
      5);
  checked.check_all();
  const auto values = checked.values();
  const Values& x = checked.points()[0].values;
  double total = 0;
  for (const double v : x) total += v;
  EXPECT_NEAR(values[4].values[0], total / 5, 1e-13);
  EXPECT_EQ(values[4].extents, (Extents{1}));
  EXPECT_NEAR(
      values[2].values[0],
      [&x] {
        double s = 0;
        for (std::size_t i = 0; i < x.size(); i += 2) s += x[i] * x[i];
        return s / 15;
      }(),
      1e-13);
}

TEST(ReduceMax, FindsTheLargestAndDifferentiatesTheFirstAtATie) {
  const Values x{3, 1, 2, 5, 4, 5};
  EXPECT_EQ(apply({2, 3}, x, [](Tensor t) { return reduce_max(t, {1}); }).values, (Values{3, 5}));
  EXPECT_EQ(apply({2, 3}, x, [](Tensor t) { return reduce_max(t, {0}); }).values,
            (Values{5, 4, 5}));
  const Array slope = apply({2, 3}, x, [](Tensor t) {
    const Tensor y = reduce_max(t, {0, 1});
    const Tensor one = ones_like(y);
    return vjp({&y, 1}, {&t, 1}, {&one, 1}).front();
  });
  EXPECT_EQ(slope.values, (Values{0, 0, 0, 1, 0, 0}));
  Checked({{{kRows, 4, 3}}, {{5, 2}}}, [](In in) {
    return std::vector{sin(reduce_max(in[0], {1})), square(reduce_max(in[0], {1, 2})),
                       exp(reduce_max(in[1], {0})), sin(reduce_max(in[0], {0, 2}))};
  }).check_all();
}

TEST(Logsumexp, StaysFiniteAndIsSmooth) {
  const Array y = apply({3}, {1000, 1000, -1000}, [](Tensor x) { return logsumexp(x, 0); });
  EXPECT_NEAR(y.values[0], 1000 + std::log(2.0), 1e-12);
  Checked({{{kRows, 4}}}, [](In in) { return std::vector{logsumexp(in[0], -1)}; }).check_all();
}

TEST(Sums, OverRowsOfAnEmptyBatchAreZero) {
  const InputSpec spec{"x", {kRows, 2}, DType::f64};
  const Program program = record({&spec, 1}, [](In in) { return std::vector{sum_rows(in[0])}; });
  const Array none = Array::zeros(DType::f64, {0, 2});
  EXPECT_EQ(interpret(program, 0, {&none, 1}).front().values, (Values{0, 0}));
}

}  // namespace
}  // namespace odeum::program::test
