// SPDX-License-Identifier: Apache-2.0
// Order conditions of every implicit Runge-Kutta plugin in exact rational arithmetic, and the
// coupling conditions of the additive ones (Kennedy, Carpenter, Appl. Numer. Math. 44 (2003), 2.1).
#include <gtest/gtest.h>

#include "odeum/implicit.hpp"
#include "order_conditions.hpp"
#include "plugin_files.hpp"

namespace odeum::testing {
namespace {

const Solver& solver_of(const std::string& name) {
  static std::map<std::string, std::shared_ptr<Solver>> solvers;
  if (!solvers.count(name)) solvers[name] = component<Solver>("solver", name);
  return *solvers[name];
}

// Irrational coefficients are written with 40 digits.
const Rational kDigits = decimal("0.000000000000000000000000000000000000001");
// Kennedy and Carpenter approximate theirs by fractions of 12 to 15 digits above and below.
const Rational kFractions = decimal("0.00000000000000000000001");
const Rational kViolated = decimal("0.00001");

void expect_order(const Exact& trees, const std::vector<Rational>& b, int order,
                  const Rational& rounding) {
  for (int o = 1; o <= order; ++o) EXPECT_LE(trees.violation(b, o), rounding) << "order " << o;
  EXPECT_GT(trees.violation(b, order + 1), kViolated);
}

void expect_nodes(const Tableau& method, const Rational& rounding) {
  ASSERT_EQ(method.a.size(), method.stages());
  ASSERT_EQ(method.c.size(), method.stages());
  for (std::size_t i = 0; i < method.stages(); ++i) {
    Rational sum = -exact(method.c[i]);
    for (const Rational& a : exact(method.a[i])) sum += a;
    EXPECT_LE(abs(sum), rounding) << "stage " << i;
  }
}

void expect_dense(const Tableau& method, const Rational& rounding) {
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
      EXPECT_LE(abs(Rational(trees.weight(by_power[p], tree) - truth)), rounding);
    }
  }
  for (std::size_t i = 0; i < method.stages(); ++i) {
    Rational end = -exact(method.b[i]);
    for (std::size_t p = 0; p < powers; ++p) end += by_power[p][i];
    EXPECT_LE(abs(end), rounding) << "does not end in the step, stage " << i;
  }
}

struct Stated {
  const char* name;
  int order;
  int companion;  ///< order; 0: an estimate of another kind
  bool stiffly_accurate;
};
class ImplicitTableau : public ::testing::TestWithParam<Stated> {};
INSTANTIATE_TEST_SUITE_P(
    Solvers, ImplicitTableau,
    ::testing::Values(Stated{"implicit_euler", 1, 2, true},
                      Stated{"implicit_midpoint", 2, 0, false}, Stated{"trapezoid", 2, 0, true},
                      Stated{"sdirk2", 2, 1, true}, Stated{"trbdf2", 2, 3, true},
                      Stated{"kvaerno3", 3, 2, true}, Stated{"kvaerno5", 5, 4, true},
                      Stated{"radau5", 5, 0, true}, Stated{"gauss_legendre4", 4, 0, false},
                      Stated{"gauss_legendre6", 6, 0, false}),
    [](const auto& method) { return method.param.name; });

TEST_P(ImplicitTableau, MeetsTheConditionsOfItsOrderAndNoMore) {
  const Tableau& method = *solver_of(GetParam().name).runge_kutta();
  EXPECT_EQ(method.order, GetParam().order);
  EXPECT_EQ(method.stiffly_accurate(), GetParam().stiffly_accurate);
  EXPECT_FALSE(method.is_explicit());
  expect_nodes(method, kDigits);
  expect_order(Exact(method), exact(method.b), method.order, kDigits);
}

TEST_P(ImplicitTableau, HasACompanionOfItsStatedOrderAndStepsFollowTheLower) {
  const Solver& solver = solver_of(GetParam().name);
  const Tableau& method = *solver.runge_kutta();
  EXPECT_EQ(method.embedded_order, GetParam().companion);
  EXPECT_GT(solver.error_order(), 0);  // all are adaptive
  if (GetParam().companion == 0) return;
  ASSERT_EQ(method.b_embedded.size(), method.stages());
  expect_order(Exact(method), exact(method.b_embedded), method.embedded_order, kDigits);
  EXPECT_EQ(solver.error_order(), std::min(method.order, method.embedded_order) + 1);
}

TEST_P(ImplicitTableau, InterpolatesByItsCollocationPolynomialOrByHermites) {
  const Tableau& method = *solver_of(GetParam().name).runge_kutta();
  if (!method.dense.empty()) return expect_dense(method, kDigits);
  EXPECT_TRUE(method.stiffly_accurate());  // the rates at both ends are there
  EXPECT_EQ(method.dense_order, 3);
}

class AdditiveTableau : public ::testing::TestWithParam<Stated> {};
INSTANTIATE_TEST_SUITE_P(Solvers, AdditiveTableau,
                         ::testing::Values(Stated{"kencarp3", 3, 2, true},
                                           Stated{"kencarp4", 4, 3, true},
                                           Stated{"kencarp5", 5, 4, true}),
                         [](const auto& method) { return method.param.name; });

const ImplicitExplicit& additive(const std::string& name) {
  return dynamic_cast<const ImplicitExplicit&>(solver_of(name));
}

TEST_P(AdditiveTableau, MeetsTheConditionsOfItsOrderInBothParts) {
  const ImplicitExplicit& solver = additive(GetParam().name);
  for (const Tableau* method : {&solver.explicit_tableau(), &solver.implicit_tableau()}) {
    expect_nodes(*method, kFractions);
    expect_order(Exact(*method), exact(method->b), GetParam().order, kFractions);
    expect_order(Exact(*method), exact(method->b_embedded), GetParam().companion, kFractions);
  }
  EXPECT_TRUE(solver.explicit_tableau().is_explicit());
  EXPECT_TRUE(solver.implicit_tableau().stiffly_accurate());
  expect_dense(solver.implicit_tableau(), kFractions);
}

/// The elementary weights of a tree at each stage for every way of colouring its edges.
std::vector<std::vector<Rational>> coloured(const std::vector<std::vector<Rational>>& parts_a,
                                            const std::vector<std::vector<Rational>>& parts_b,
                                            const Tree& tree) {
  const std::size_t stages = parts_a.size();
  std::vector<std::vector<Rational>> all{std::vector<Rational>(stages, 1)};
  for (const Tree& branch : tree.branches) {
    std::vector<std::vector<Rational>> next;
    for (const auto& inner : coloured(parts_a, parts_b, branch)) {
      for (const auto* a : {&parts_a, &parts_b}) {
        std::vector<Rational> sums(stages, 0);
        for (std::size_t i = 0; i < stages; ++i) {
          for (std::size_t j = 0; j < (*a)[i].size(); ++j) sums[i] += (*a)[i][j] * inner[j];
        }
        for (std::vector<Rational> weight : all) {
          for (std::size_t i = 0; i < stages; ++i) weight[i] *= sums[i];
          next.push_back(weight);
        }
      }
    }
    all = next;
  }
  return all;
}

TEST_P(AdditiveTableau, MeetsTheCouplingConditionsOfItsOrder) {
  const ImplicitExplicit& solver = additive(GetParam().name);
  std::vector<std::vector<Rational>> rest, stiff;
  for (const auto& row : solver.explicit_tableau().a) rest.push_back(exact(row));
  for (const auto& row : solver.implicit_tableau().a) stiff.push_back(exact(row));
  const std::vector<Rational> b = exact(solver.implicit_tableau().b);
  EXPECT_EQ(b, exact(solver.explicit_tableau().b));
  for (const Tree& tree : trees_up_to(GetParam().order)) {
    for (const auto& weight : coloured(rest, stiff, tree)) {
      Rational sum = -1 / tree.density();
      for (std::size_t i = 0; i < b.size(); ++i) sum += b[i] * weight[i];
      EXPECT_LE(abs(sum), kFractions) << "order " << tree.order();
    }
  }
}

}  // namespace
}  // namespace odeum::testing
