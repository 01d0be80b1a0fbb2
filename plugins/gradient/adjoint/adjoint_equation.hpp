// SPDX-License-Identifier: Apache-2.0
// The adjoint equation of a dynamics: the state and its cotangent backwards in time, with the
// parameters' cotangents as quadratures beside them.
//
//   z' = f,   a' = -a^T df/dz,   p' = -a^T df/dparameters
//
// Chen, Rubanova, Bettencourt, Duvenaud, Neural ordinary differential equations, NeurIPS 2018,
// appendices B and C. Members that no rate depends on (log-density, costs) are quadratures: their
// cotangents do not change and they are not integrated back.
#pragma once

#include <vector>

#include "odeum/gradient.hpp"
#include "odeum/program.hpp"

namespace adjoint {

using namespace odeum;

/// Which members of the backward state the error norm covers.
enum class Norm : std::uint8_t { full, state_and_adjoint, state };

struct AdjointEquation {
  std::vector<std::size_t> states;       ///< members that some rate depends on
  std::vector<std::size_t> quadratures;  ///< the others
  std::vector<std::size_t> parameters;   ///< the constants whose cotangents are wanted
  /// Members: states, their cotangents, the parameters' cotangents. Constants: the forward ones,
  /// the quadratures' cotangents, and the forward solve's direction in time (float64 [1], 1 or -1).
  Dynamics dynamics;
};
/// `forward` must outlive the result.
AdjointEquation make_adjoint_equation(const Dynamics& forward, const std::vector<bool>& wanted,
                                      Norm norm);

/// (t, states, constants, direction, cotangents of all members) to the sum over rows of
/// <rates, cotangents>, float64 [1]: the derivative by a time.
Program record_time_cotangent(const Dynamics& forward, const AdjointEquation& equation);

}  // namespace adjoint
