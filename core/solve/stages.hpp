// SPDX-License-Identifier: Apache-2.0
// What the implicit methods' steps share: weights of a tableau, sums over stages, dense output.
#pragma once

#include <vector>

#include "odeum/solver.hpp"

namespace odeum::solve {

using Weights = std::vector<double>;

Weights values(const std::vector<Coefficient>& coefficients);

/// The sum of weights[j] k[j] over the first `weights.size()` stages; zeros where all are zero.
Tensor weighted(const std::vector<Tensor>& k, const Weights& weights);
/// The same for one member of stage rates.
Tensor weighted(const std::vector<State>& k, const Weights& weights, std::size_t member);

/// h by member, |h| where it runs along absolute time, shaped to multiply the member.
State steps_of(const Rates& rates, const StepInputs& in);

/// Step control's exponent of an embedded pair: what its error estimate goes to zero with.
int error_order(const Tableau& method);
/// h sum_i (b_i - companion_i) k_i by member.
State error_of_companion(const Tableau& method, const State& step, const std::vector<State>& k);

/// Dense output [power][member], flattened: y + x c1 + x^2 c2 + ...: the tableau's polynomials, or
/// where it has none the cubic Hermite polynomial with the rates `before` and k.back().
std::vector<Tensor> dense_output(const Tableau& method, const State& step, const State& before,
                                 const std::vector<State>& k, const State& y0, const State& y1);
/// The value of such a polynomial at t + x h.
State polynomial_at(Tensor x, const State& y0, const std::vector<Tensor>& dense);

}  // namespace odeum::solve
