// SPDX-License-Identifier: Apache-2.0
// The sensitivity equation of a dynamics: its members with their derivatives by the initial states
// and by parameters, forward in time.
//
//   z' = f,   S' = (df/dz) S + df/dp,   S(t0) = dz(t0)/dp
//
// E. Hairer, S. Norsett, G. Wanner, Solving Ordinary Differential Equations I, section I.14.
#pragma once

#include <vector>

#include "odeum/adjoint.hpp"

namespace forward_sensitivity {

using namespace odeum;

/// A variable and its derivatives' place among the tangents: one for each of its entries, or of
/// those of one row where every row has its own.
struct Block {
  enum class Kind : std::uint8_t { initial, constant };
  Kind kind;
  std::size_t index = 0;  ///< of the member, of the constant
  std::int64_t first = 0;
  std::int64_t entries = 0;
};

struct SensitivityEquation {
  std::vector<Block> blocks;
  std::int64_t tangents = 0;
  /// The forward members, then the tangents of each: a member [rows, ...] has them as
  /// [rows, tangents, ...]. Constants: the forward ones. It has a stiff part where the forward
  /// dynamics has one.
  Dynamics dynamics;
};

/// How many tangents: entries of one row of the states and of the wanted constants.
std::int64_t count_tangents(const Dynamics& forward, const std::vector<std::size_t>& states,
                            const std::vector<std::size_t>& parameters);

/// Which members the error norm covers.
enum class Norm : std::uint8_t { state_and_tangents, state };

/// `forward` must outlive the result. `indices` tells states and parameters.
SensitivityEquation make_sensitivity_equation(const Dynamics& forward,
                                              const AdjointEquation& indices, Norm norm);

/// (tangents of all members, cotangents of all members) to the cotangents of all initial members
/// and of the wanted constants: S^T cotangent, summed over rows where rows share the variable.
Program record_contraction(const Dynamics& forward, const AdjointEquation& indices,
                           const SensitivityEquation& equation);

}  // namespace forward_sensitivity
