// SPDX-License-Identifier: Apache-2.0
#include "program/support.hpp"

namespace odeum::program::test {
namespace {

/// A recording with a value of each class.
struct Values4 {
  Recording recording;
  Tensor rows = recording.input("x", {kRows, 3}, DType::f32);
  Tensor none = recording.input("w", {3}, DType::f32);
  Tensor total = sum_rows(rows);
  Tensor coupled = reduce_max(rows, {0});
};

TEST(RowClass, OfInputsFollowsTheShapeUnlessTold) {
  Recording recording;
  EXPECT_EQ(recording.input("x", {kRows, 3}, DType::f32).row_class(), RowClass::per_row);
  EXPECT_EQ(recording.input("w", {3}, DType::f32).row_class(), RowClass::none);
  EXPECT_EQ(recording.input("g", {3}, DType::f32, RowClass::row_sum).row_class(),
            RowClass::row_sum);
}

TEST(RowClass, OfReductionsOverRowsIsRowSumOrCoupled) {
  const Values4 v;
  EXPECT_EQ(v.total.row_class(), RowClass::row_sum);
  EXPECT_EQ(v.coupled.row_class(), RowClass::coupled);
  EXPECT_EQ(sum_features(v.rows).row_class(), RowClass::per_row);
  EXPECT_EQ(dot("ri,rj->ij", v.rows, tanh(v.rows)).row_class(), RowClass::row_sum);
  EXPECT_EQ(mean_rows(v.rows).row_class(), RowClass::row_sum);
  EXPECT_EQ(mean(v.rows, {0, 1}).row_class(), RowClass::row_sum);
  EXPECT_EQ(row_count(v.rows, DType::f32).row_class(), RowClass::none);
}

TEST(RowClass, OfRowSumsStaysThroughLinearOperations) {
  const Values4 v;
  const Tensor s = v.total;
  for (const Tensor& linear :
       {-s, s + s, s - 2.0 * s, s * v.none, s / v.none, reshape(s, {1, 3}), slice(s, 0, 1, 3),
        pad(s, 0, 1, 1), concat({s, s}), concat({s, zeros_like(s)}), cast(s, DType::f64),
        stop_gradient(s), sum(s, {0}), broadcast(s, {2, 3}), dot("i,i->", s, v.none),
        select(v.none, s, zeros_like(s))}) {
    EXPECT_EQ(linear.row_class(), RowClass::row_sum);
  }
}

TEST(RowClass, OfRowSumsUsedNonlinearlyOrWithRowsIsCoupled) {
  const Values4 v;
  const Tensor s = v.total;
  for (const Tensor& mixed :
       {square(s), exp(s), s + v.none, s + 1.0, v.none / s, v.rows * s, v.rows - s, s * v.coupled,
        dot("i,i->", s, s), max(s, 2.0 * s), broadcast(reshape(s, {1, 3}), {kRows, 3}),
        select(s, v.none, v.none + 1.0), concat({s, v.none}), v.coupled + 1.0}) {
    EXPECT_EQ(mixed.row_class(), RowClass::coupled);
  }
  // Batch statistics, as batch normalisation uses them.
  EXPECT_EQ((v.rows - mean_rows(v.rows)).row_class(), RowClass::coupled);
}

TEST(RowClass, OfNoneSpreadOverRowsIsPerRow) {
  const Values4 v;
  EXPECT_EQ(broadcast(v.none, {kRows, 3}).row_class(), RowClass::per_row);
  EXPECT_EQ(full(v.none, {kRows, 3}, 2.0).row_class(), RowClass::per_row);
  EXPECT_EQ((v.rows * v.none).row_class(), RowClass::per_row);
  EXPECT_EQ(iota(v.rows, {kRows, 3}, 1, DType::f32).row_class(), RowClass::per_row);
  // The number of a row within its batch is not a property of the row.
  EXPECT_EQ(iota(v.rows, {kRows, 3}, 0, DType::f32).row_class(), RowClass::coupled);
}

TEST(RowClass, OfGradientsIsPerRowInStatesAndRowSumInParameters) {
  Recording recording;
  const Tensor x = recording.input("x", {kRows, 3}, DType::f32);
  const Tensor w = recording.input("w", {2, 3}, DType::f32);
  const Tensor b = recording.input("b", {2}, DType::f32);
  const Tensor y = tanh(linear(x, w, b));
  const Tensor loss = mean_rows(sum_features(square(y)));
  const Tensor one = ones_like(loss);
  const std::vector<Tensor> inputs{x, w, b};
  const auto gradients = vjp({&loss, 1}, inputs, {&one, 1});
  EXPECT_EQ(gradients[0].row_class(), RowClass::per_row);
  EXPECT_EQ(gradients[1].row_class(), RowClass::row_sum);
  EXPECT_EQ(gradients[2].row_class(), RowClass::row_sum);
}

TEST(RowClass, OfACallFollowsTheArgumentsItGets) {
  const std::vector<InputSpec> specs{{"x", {kRows, 3}, DType::f32}, {"w", {3}, DType::f32}};
  const auto callee = std::make_shared<const Program>(record(specs, [](auto in) {
    return std::vector<Tensor>{in[0] * in[1], tanh(in[1])};
  }));
  const Values4 v;
  const auto usual = call(callee, std::vector<Tensor>{v.rows, v.none});
  EXPECT_EQ(usual[0].row_class(), RowClass::per_row);
  EXPECT_EQ(usual[1].row_class(), RowClass::none);
  const auto mixed = call(callee, std::vector<Tensor>{v.rows, v.total});
  EXPECT_EQ(mixed[0].row_class(), RowClass::coupled);
  EXPECT_EQ(mixed[1].row_class(), RowClass::coupled);
}

}  // namespace
}  // namespace odeum::program::test
