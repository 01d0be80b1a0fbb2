// SPDX-License-Identifier: Apache-2.0
// The adjoint equation of a dynamics: the state and its cotangent backwards in time, with the
// parameters' cotangents as quadratures beside them. For gradient methods that optimise first and
// discretise then.
//
//   z' = f,   a' = -a^T df/dz,   p' = -a^T df/dparameters
//
// Chen, Rubanova, Bettencourt, Duvenaud, Neural ordinary differential equations, NeurIPS 2018,
// appendices B and C. Members that no rate depends on (log-density, costs) are quadratures: their
// cotangents do not change and they are not integrated back.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "odeum/program.hpp"
#include "odeum/solve.hpp"

namespace odeum::inline v1 {

/// Which members of the backward state the error norm covers.
enum class AdjointNorm : std::uint8_t { full, state_and_adjoint, state };

/// Whether the parameters' cotangents are members of the backward state.
enum class ParameterCotangents : std::uint8_t { integrated, left_out };

struct AdjointTerms {
  AdjointNorm norm = AdjointNorm::state_and_adjoint;
  ParameterCotangents parameters = ParameterCotangents::integrated;
  /// The states at a time, from further constants of the backward solve that `record` names. Empty:
  /// the states are integrated back as well.
  std::function<State(Tensor t, std::span<const Tensor> record)> trajectory = {};
  std::vector<InputSpec> record = {};
};

struct AdjointEquation {
  std::vector<std::size_t> states;       ///< members that some rate depends on
  std::vector<std::size_t> quadratures;  ///< the others
  std::vector<std::size_t> parameters;   ///< the constants whose cotangents are wanted
  bool integrates_states = true;
  bool integrates_parameters = true;
  /// Members: states unless a trajectory gives them, their cotangents, the parameters' cotangents
  /// unless left out. Constants: the forward ones, the quadratures' cotangents, the forward solve's
  /// direction in time (float64 [1], 1 or -1), the record. It has a stiff part where the forward
  /// dynamics has one.
  Dynamics dynamics;
};
/// `forward` must outlive the result.
AdjointEquation make_adjoint_equation(const Dynamics& forward, const std::vector<bool>& wanted,
                                      const AdjointTerms& terms = {});

/// The forward rates of all members by dt at the given states: those of quadratures along |t| take
/// the sign of `direction`.
State rates_by_time(const Dynamics& forward, const AdjointEquation& equation, Tensor t,
                    std::span<const Tensor> states, std::span<const Tensor> constants,
                    Tensor direction);

/// (t, states, constants, direction, cotangents of all members) to the sum over rows of
/// <rates, cotangents>, float64 [1]: the derivative by a time.
Program record_time_cotangent(const Dynamics& forward, const AdjointEquation& equation);

}  // namespace odeum::inline v1
