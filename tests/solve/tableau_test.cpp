// SPDX-License-Identifier: Apache-2.0
// Order conditions of every Runge-Kutta plugin in exact rational arithmetic: Butcher's conditions,
// one for each rooted tree (Hairer, Norsett, Wanner, Solving ODEs I, II.2).
#include <gtest/gtest.h>

#include "odeum/solver.hpp"
#include "order_conditions.hpp"
#include "plugin_files.hpp"

namespace odeum::testing {
namespace {

const Tableau& tableau_of(const std::string& name) {
  static std::map<std::string, std::shared_ptr<Solver>> solvers;
  if (!solvers.count(name)) solvers[name] = component<Solver>("solver", name);
  return dynamic_cast<const RungeKutta&>(*solvers[name]).tableau();
}

// Fractions hold exactly; Tsitouras's coefficients are decimals of 40 digits, and the fractions of
// Prince and Dormand stand for irrational numbers, to 18 digits.
Rational rounding(const std::string& name) {
  if (name == "tsit5") return decimal("0.0000000000000000000000000000000000001");
  return name == "dopri8" ? decimal("0.00000000000000002") : Rational(0);
}
// Tsitouras's dense output is published to 17 digits, with coefficients up to 88; Verner's and its
// stages to 40, up to 1200; that of Prince and Dormand's method multiplies the tableau's own
// rounding by coefficients up to 120.
Rational dense_rounding(const std::string& name) {
  if (name == "vern7") return decimal("0.000000000000000000000000000000000001");
  return name == "tsit5" || name == "dopri8" ? decimal("0.00000000000001") : Rational(0);
}

TEST(RootedTrees, AreAsManyAsCayleyCounted) {
  // 1, 1, 2, 4, 9, 20 trees of one to six nodes.
  EXPECT_EQ(trees_up_to(5).size(), 17U);
  EXPECT_EQ(trees_up_to(6).size(), 37U);
  // 48, 115, 286 of seven to nine.
  EXPECT_EQ(trees_up_to(9).size(), 486U);
}

class EveryTableau : public ::testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Solvers, EveryTableau,
                         ::testing::Values("euler", "midpoint", "heun", "rk4", "kutta38", "bosh3",
                                           "dopri5", "tsit5", "adaptive_heun", "ralston", "heun3",
                                           "fehlberg32", "fehlberg45", "cash_karp", "dopri8",
                                           "vern7"),
                         [](const auto& method) { return method.param; });

TEST_P(EveryTableau, HasRowsThatSumToItsNodes) {
  const Tableau& method = tableau_of(GetParam());
  ASSERT_GE(method.a.size(), method.stages());
  ASSERT_EQ(method.c.size(), method.a.size());
  for (std::size_t i = 0; i < method.a.size(); ++i) {
    ASSERT_EQ(method.a[i].size(), i);
    Rational sum = -exact(method.c[i]);
    for (const Rational& a : exact(method.a[i])) sum += a;
    EXPECT_LE(abs(sum), i < method.stages() ? rounding(GetParam()) : dense_rounding(GetParam()))
        << "stage " << i;
  }
}

TEST_P(EveryTableau, MeetsTheConditionsOfItsOrderAndNoMore) {
  const Tableau& method = tableau_of(GetParam());
  const Exact trees(method);
  for (int order = 1; order <= method.order; ++order) {
    EXPECT_LE(trees.violation(exact(method.b), order), rounding(GetParam())) << "order " << order;
  }
  EXPECT_GT(trees.violation(exact(method.b), method.order + 1), decimal("0.000001"));
}

TEST_P(EveryTableau, HasACompanionOfItsStatedOrder) {
  const Tableau& method = tableau_of(GetParam());
  if (method.b_embedded.empty()) {
    EXPECT_EQ(method.embedded_order, 0);
    return;
  }
  ASSERT_EQ(method.b_embedded.size(), method.stages());
  const Exact trees(method);
  for (int order = 1; order <= method.embedded_order; ++order) {
    EXPECT_LE(trees.violation(exact(method.b_embedded), order), rounding(GetParam()));
  }
  EXPECT_GT(trees.violation(exact(method.b_embedded), method.embedded_order + 1),
            decimal("0.00001"));
}

TEST_P(EveryTableau, InterpolatesToItsDenseOrder) {
  const Tableau& method = tableau_of(GetParam());
  if (method.dense.empty()) {
    EXPECT_TRUE(method.first_same_as_last());  // cubic Hermite, of order 3
    EXPECT_EQ(method.dense_order, 3);
    return;
  }
  ASSERT_EQ(method.dense.size(), method.a.size());
  const Exact trees(method);
  const std::size_t powers = method.dense.front().size();
  std::vector<std::vector<Rational>> by_power(powers);
  for (const auto& row : method.dense) {
    ASSERT_EQ(row.size(), powers);
    for (std::size_t p = 0; p < powers; ++p) by_power[p].push_back(exact(row[p]));
  }
  for (const Tree& tree : trees_up_to(method.dense_order)) {
    for (std::size_t p = 0; p < powers; ++p) {
      const bool own = static_cast<int>(p) + 1 == tree.order();
      const Rational truth = own ? Rational(1 / tree.density()) : Rational(0);
      const Rational off = abs(Rational(trees.weight(by_power[p], tree) - truth));
      EXPECT_LE(off, dense_rounding(GetParam())) << "power " << p + 1;
    }
  }
  for (std::size_t i = 0; i < method.a.size(); ++i) {
    Rational end = i < method.stages() ? Rational(-exact(method.b[i])) : Rational(0);
    for (std::size_t p = 0; p < powers; ++p) end += by_power[p][i];
    EXPECT_LE(abs(end), dense_rounding(GetParam())) << "does not end in the step, stage " << i;
  }
}

TEST(Tableau, KnowsFirstSameAsLast) {
  EXPECT_TRUE(tableau_of("dopri5").first_same_as_last());
  EXPECT_TRUE(tableau_of("tsit5").first_same_as_last());
  EXPECT_TRUE(tableau_of("bosh3").first_same_as_last());
  EXPECT_TRUE(tableau_of("dopri8").first_same_as_last());
  EXPECT_TRUE(tableau_of("vern7").first_same_as_last());
  EXPECT_FALSE(tableau_of("rk4").first_same_as_last());
  EXPECT_FALSE(tableau_of("euler").first_same_as_last());
}

TEST(Coefficient, ReadsFractionsAndDecimalsAndRefusesTheRest) {
  EXPECT_DOUBLE_EQ(Coefficient("35/384").value(), 35.0 / 384.0);
  EXPECT_DOUBLE_EQ(Coefficient("-25360/2187").value(), -25360.0 / 2187.0);
  EXPECT_DOUBLE_EQ(Coefficient("0.161").value(), 0.161);
  for (const char* wrong : {"", "1/", "/2", "1/0", "1e3", "a", "1 /2", "1/2/3"}) {
    EXPECT_THROW(Coefficient{wrong}, std::logic_error) << wrong;
  }
}

}  // namespace
}  // namespace odeum::testing
