// SPDX-License-Identifier: Apache-2.0
// The symplectic partner of an explicit Runge-Kutta method, stage by stage.
//
// With k_i = f(t + c_i h, X_i) and X_i = y + h sum_j a_ij k_j, the cotangent of k_i is h b_i
// Lambda_i in T. Matsubara, Y. Miyatake, T. Yaguchi, Symplectic adjoint method for exact gradient
// of neural ODE with minimal memory, NeurIPS 2021, arXiv 2102.09750, eq. (7); h^2 Lambda_i where
// b_i = 0. Kept undivided it is, for all weights alike,
//
//   kappa_i = h (b_i lambda_1 + sum_{j > i} a_ji mu_j),   mu_i = (df/dy at X_i)^T kappa_i,
//   lambda_0 = lambda_1 + sum_i mu_i,   dL/dtheta = sum_i (df/dtheta at X_i)^T kappa_i,
//
// so one stage's derivative is in memory at a time.
#pragma once

#include <vector>

#include "odeum/reversal.hpp"

namespace symplectic {

using namespace odeum;

/// One stage: (t, h, X_i by state member, lambda_1 by member, mu_j of `later` stages by state
/// member, constants) to (mu_i by state member; and, to be added to what is there, mu_i once more,
/// the step's cotangents of t and h, those of wanted constants).
struct StageReversal {
  std::size_t stage = 0;
  std::vector<std::size_t> later;  ///< stages j > i with a_ji other than 0
  Program program;
};

struct Partner {
  std::vector<std::size_t> states;  ///< members that rates depend on
  std::vector<std::size_t> stages;  ///< those that y1 depends on
  /// (t, h, state members, constants) to X_i by state member, of `stages` but the first.
  Program points;
  std::vector<StageReversal> reversals;  ///< of `stages`, from the last to the first
  std::int64_t evaluations = 0;          ///< of the dynamics, in one step's reversal
};
/// Of the setting's solver, which is an explicit Runge-Kutta method.
Partner make_partner(const SolveSetting& setting, const std::vector<bool>& wanted);

}  // namespace symplectic
