// SPDX-License-Identifier: Apache-2.0
#include "program/support.hpp"

namespace odeum::program::test {
namespace {

using In = std::span<const Tensor>;

Body contract(const char* labels) {
  return [labels](In in) { return std::vector{dot(labels, in[0], in[1])}; };
}

TEST(Dot, IsAMatrixProductByLabels) {
  const std::vector<InputSpec> specs{{"a", {2, 3}, DType::f64}, {"b", {2, 3}, DType::f64}};
  const Array a = Array::of(DType::f64, {2, 3}, {1, 2, 3, 4, 5, 6});
  const Array b = Array::of(DType::f64, {2, 3}, {1, 0, 2, 0, 1, 1});
  const auto run = [&](const char* labels) {
    return interpret(record(specs, contract(labels)), 0, std::vector<Array>{a, b}).front().values;
  };
  EXPECT_EQ(run("ri,oi->ro"), (Values{7, 5, 16, 11}));
  EXPECT_EQ(run("ri,oi->or"), (Values{7, 16, 5, 11}));
  EXPECT_EQ(run("ri,rj->ij"), (Values{1, 4, 6, 2, 5, 9, 3, 6, 12}));
  EXPECT_EQ(run("ri,ri->r"), (Values{7, 11}));
  EXPECT_EQ(run("ri,ri->"), (Values{18}));
  EXPECT_EQ(run("ri,ri->ri"), (Values{1, 0, 6, 0, 5, 6}));
}

TEST(Dot, HasExactDerivativesAndBatchedForms) {
  Checked({{{kRows, 3}}, {{4, 3}}}, contract("ri,oi->ro")).check_all();
  Checked({{{kRows, 3}}, {{kRows, 2}}}, contract("ri,rj->ij")).check_all();
  Checked({{{kRows, 2, 3}}, {{kRows, 3, 4}}}, contract("rij,rjk->rki")).check_all();
  Checked({{{kRows, 2, 3}}, {{kRows, 2, 3}}}, contract("rij,rij->")).check_all();
  Checked({{{2, 3}}, {{kRows, 3, 2}}}, contract("ij,rji->r")).check_all();
  Checked({{{3}}, {{kRows}}}, contract("i,r->ri")).check_all();
}

TEST(Linear, IsXTimesWTransposedPlusB) {
  Checked checked({{{kRows, 3}}, {{2, 3}}, {{2}}},
                  [](In in) { return std::vector{linear(in[0], in[1], in[2])}; });
  checked.check_all();
  const auto& p = checked.points();
  const Array y = checked.values().front();
  double expected = p[2].values[1];
  for (std::size_t i = 0; i < 3; ++i) expected += p[0].values[3 + i] * p[1].values[3 + i];
  EXPECT_NEAR(y.values[3], expected, 1e-14);
  Checked({{{kRows, 2, 2, 3}}, {{2, 3}}}, [](In in) {
    return std::vector{tanh(linear(in[0], in[1]))};
  }).check_all();
}

TEST(Dot, RefusesMalformedLabels) {
  const std::vector<InputSpec> specs{{"x", {kRows, 3}, DType::f64}, {"w", {3, 4}, DType::f64}};
  for (const char* labels :
       {"ri,ij->jr", "ri,ij->r", "ri,ij->rij", "rr,ij->rj", "ri,i->r", "ri,ji->rj", "ri ij->rj"}) {
    const bool fine = std::string(labels) == "ri,ij->rij";
    if (fine) {
      EXPECT_NO_THROW(record(specs, contract(labels)));
    } else {
      EXPECT_THROW(record(specs, contract(labels)), std::invalid_argument) << labels;
    }
  }
}

TEST(LuSolve, InvertsWithPivotingAndItsTransposeToo) {
  // The first pivot is zero, so rows must be exchanged.
  const Array x = apply({3, 3}, {0, 2, 1, 1, 0, 0, 3, 0, 1}, [](Tensor a) {
    return lu_solve(a, constant(a, {3, 1}, {7, 1, 6}));
  });
  EXPECT_NEAR(x.values[0], 1, 1e-14);
  EXPECT_NEAR(x.values[1], 2, 1e-14);
  EXPECT_NEAR(x.values[2], 3, 1e-14);
  const auto body = [](In in) {
    const Tensor eye = constant(in[0], {3, 3}, {4, 0, 0, 0, 4, 0, 0, 0, 4});
    return std::vector{lu_solve(in[0] + eye, in[1])};
  };
  Checked({{{kRows, 3, 3}}, {{kRows, 3, 2}}}, body).check_all();
  Checked({{{3, 3}}, {{3, 1}}}, body).check_all();
}

TEST(LuSolve, GivesNonFiniteNumbersForASingularMatrix) {
  const Array x = apply({2, 2}, {1, 2, 2, 4}, [](Tensor a) {
    return lu_solve(a, full(a, {2, 1}, 1.0));
  });
  EXPECT_FALSE(std::isfinite(x.values[0]) && std::isfinite(x.values[1]));
}

}  // namespace
}  // namespace odeum::program::test
