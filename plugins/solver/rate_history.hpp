// SPDX-License-Identifier: Apache-2.0
// What Adams's methods remember: the polynomial of degree k - 1 through the rates at the last k
// ends of steps, in Nordsieck's form.
//
// With h the step to come and x in [0, 1] along it, the rates are foreseen as
//   q(t + x h) = sum_i terms[i] x^i,   terms[i] = h^i / i! times a derivative of the rates.
// A new rate f at t + h moves q by (f - q(t + h)) times the polynomial that is one there and zero
// at the last k - 1 ends, so q stays the interpolant through the true, unequally spaced ends:
// methods with variable coefficients, whose step may change at any time. Before the first step all
// ends fall together, and q is the Taylor polynomial of the rates: no other method has to start.
//
// Hairer, Norsett, Wanner, Solving Ordinary Differential Equations I (1993), III.5 (variable step
// sizes), III.6 (Nordsieck's form).
#pragma once

#include <vector>

#include "odeum/solver.hpp"

namespace odeum::solvers {

/// Powers of one variable with float64 scalars, [1] or [rows], as coefficients.
using Polynomial = std::vector<Tensor>;

/// The definite integral over [from, to].
Tensor integral(const Polynomial& p, double from, double to);

/// The history scaled to a step.
struct RateHistory {
  Tensor h;
  std::vector<State> terms;  ///< of q, by power of x, then by member
  /// h over the distance from t + h to the last ends: to t, where it is 1, to the one before, ...
  std::vector<Tensor> nearness;

  /// q(t + h) by member.
  State foreseen() const;
  /// The integrals of q over [0, x] by member, as powers x, x^2, ... of increments of the state.
  std::vector<State> increments(const Rates& rates, const State& y) const;
  /// prod_j (1 + nearness[j] s), j < count: zero at the last `count` ends, one at s = 0, where time
  /// is t + h + s h.
  Polynomial zero_at_ends(std::size_t count) const;
};

/// Carry of `points` points before the first step: the rates' derivatives in time along the
/// solution, by nested jvp. Counts as one evaluation.
std::vector<Tensor> start_history(Rates& rates, Tensor t, const State& y, std::size_t points);

/// The carry read for a step of length h.
RateHistory read_history(const std::vector<Tensor>& carry, Tensor h, std::size_t members);

/// The carry at the step's end, once the rates there are known.
std::vector<Tensor> next_history(const RateHistory& history, const State& rates_at_end);

/// Why no history can be started for the dynamics; empty: it can.
std::string history_refusal(const Dynamics& dynamics);

/// Increments of the polynomial that is q plus surprises[m] / h times `shape`, a polynomial in
/// s = x - 1 of at most q's degree. `predicted`: q's, power by power.
std::vector<Tensor> corrected_increments(const std::vector<Tensor>& predicted,
                                         const Polynomial& shape, const State& surprises);

}  // namespace odeum::solvers
