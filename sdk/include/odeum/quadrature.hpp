// SPDX-License-Identifier: Apache-2.0
// Rules for integrals over [-1, 1].
#pragma once

#include <vector>

namespace odeum::inline v1 {

struct QuadratureRule {
  std::vector<double> nodes;  ///< ascending
  std::vector<double> weights;
};

/// Gauss and Legendre's rule, exact to degree 2 points - 1; at least one point. Nodes by Newton's
/// iteration on the Legendre polynomial, nodes and weights to double precision.
QuadratureRule gauss_legendre(int points);

/// A Gauss rule and its extension by Kronrod: the difference of both is what the Gauss rule is
/// wrong by, and costs no more evaluations.
struct NestedRule {
  QuadratureRule kronrod;
  std::vector<double> gauss_weights;  ///< by Kronrod node; 0 at those that Gauss' rule lacks
};

/// 7 (exact to degree 11, with Gauss' 3), 15 (23; 7) or 21 (31; 10) points. Another number is a
/// bug. The latter two as in Piessens, de Doncker-Kapenga, Überhuber, Kahaner, QUADPACK, 1983.
NestedRule gauss_kronrod(int points);

}  // namespace odeum::inline v1
