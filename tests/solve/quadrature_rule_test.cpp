// SPDX-License-Identifier: Apache-2.0
// Gauss' rules and Kronrod's against published values and the degrees they are exact to.
#include <gtest/gtest.h>

#include <cmath>

#include "odeum/quadrature.hpp"

namespace odeum::testing {
namespace {

constexpr double kRounding = 4e-16;  // two units in the last place of 1

double moment(const std::vector<double>& nodes, const std::vector<double>& weights, int degree) {
  double sum = 0.0;
  for (std::size_t i = 0; i < nodes.size(); ++i) sum += weights[i] * std::pow(nodes[i], degree);
  return sum;
}

double integral(int degree) { return degree % 2 == 1 ? 0.0 : 2.0 / (degree + 1.0); }

// Abramowitz and Stegun, table 25.4.
TEST(GaussLegendreRule, HasThePublishedNodesAndWeights) {
  const QuadratureRule five = gauss_legendre(5);
  const std::vector<double> nodes = {-0.906179845938663993, -0.538469310105683091, 0.0,
                                     0.538469310105683091, 0.906179845938663993};
  const std::vector<double> weights = {0.236926885056189088, 0.478628670499366468,
                                       0.568888888888888889, 0.478628670499366468,
                                       0.236926885056189088};
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_NEAR(five.nodes[i], nodes[i], kRounding);
    EXPECT_NEAR(five.weights[i], weights[i], kRounding);
  }
  const QuadratureRule many = gauss_legendre(64);
  EXPECT_NEAR(many.nodes[63], 0.999305041735772139, kRounding);
  EXPECT_NEAR(many.weights[63], 0.00178328072169643295, 1e-17);
  EXPECT_NEAR(many.nodes[32], 0.0243502926634244325, kRounding);
  EXPECT_NEAR(many.weights[32], 0.0486909570091397204, kRounding);
}

TEST(GaussLegendreRule, IsExactToDegreeTwiceItsPointsLessOneAndNotBeyond) {
  for (const int n : {1, 2, 3, 8, 15, 33, 64}) {
    const QuadratureRule rule = gauss_legendre(n);
    for (int degree = 0; degree < 2 * n; ++degree) {
      EXPECT_NEAR(moment(rule.nodes, rule.weights, degree), integral(degree), 1e-14) << n;
    }
    if (n <= 8) {
      EXPECT_GT(std::abs(moment(rule.nodes, rule.weights, 2 * n) - integral(2 * n)), 1e-6) << n;
    }
  }
}

TEST(NestedRule, IsExactToItsDegreesWithAndWithoutKronrodsNodes) {
  struct Degrees {
    int points, gauss, kronrod;
  };
  for (const Degrees d : {Degrees{7, 5, 11}, Degrees{15, 13, 23}, Degrees{21, 19, 31}}) {
    const NestedRule rule = gauss_kronrod(d.points);
    ASSERT_EQ(rule.kronrod.nodes.size(), static_cast<std::size_t>(d.points));
    for (int degree = 0; degree <= d.kronrod; ++degree) {
      EXPECT_NEAR(moment(rule.kronrod.nodes, rule.kronrod.weights, degree), integral(degree), 1e-15)
          << d.points << " degree " << degree;
    }
    for (int degree = 0; degree <= d.gauss; ++degree) {
      EXPECT_NEAR(moment(rule.kronrod.nodes, rule.gauss_weights, degree), integral(degree), 1e-15);
    }
    const int beyond = d.gauss + 1;
    EXPECT_GT(std::abs(moment(rule.kronrod.nodes, rule.gauss_weights, beyond) - integral(beyond)),
              1e-7);
  }
}

TEST(NestedRule, ContainsTheGaussRule) {
  const NestedRule nested = gauss_kronrod(15);
  const QuadratureRule gauss = gauss_legendre(7);
  std::size_t next = 0;
  for (std::size_t i = 0; i < 15; ++i) {
    if (nested.gauss_weights[i] == 0.0) continue;
    EXPECT_NEAR(nested.kronrod.nodes[i], gauss.nodes[next], kRounding);
    EXPECT_NEAR(nested.gauss_weights[i], gauss.weights[next], kRounding);
    ++next;
  }
  EXPECT_EQ(next, 7U);
}

}  // namespace
}  // namespace odeum::testing
