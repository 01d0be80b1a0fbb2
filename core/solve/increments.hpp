// SPDX-License-Identifier: Apache-2.0
// Solves of fields that are driven by an increment of a Wiener process a step
// (odeum/increments.hpp).
#pragma once

#include <memory>
#include <span>
#include <string>

#include "odeum/config.hpp"
#include "odeum/gradient.hpp"
#include "odeum/increments.hpp"
#include "odeum/solve.hpp"

namespace odeum::solve {

/// What the method's steps tend to where each is driven by one increment. A step of an explicit
/// Runge-Kutta method adds (sum_i b_i c_i) g dg/dx dW^2 to what Euler's adds, and dW^2 is h in the
/// mean: 0 is Ito's solution, 1/2 Stratonovich's, all else no one's.
std::optional<Calculus> calculus_of(const Solver& solver);

/// Throws ConfigError at `config`, the solver's, where its steps between `times`, all of which end
/// steps, are not the path's pieces one by one, or do not tend to the equation's solution, and
/// where the pieces are too short for times of the state's type to tell apart.
void check_increments(const Config& config, const Solver& solver, const SolveOptions& options,
                      const WienerIncrements& path, DType state, std::span<const double> times);

/// The solver, with each evaluation told to be of the step's own piece.
std::shared_ptr<const Solver> within_pieces(std::shared_ptr<const Solver> solver);

/// Why the gradient method is not for such a solver: it does not differentiate the steps
/// themselves. Empty: it does, or the solver is none of within_pieces.
std::string increments_refusal(const GradientMethod& gradient, const Solver& solver);

}  // namespace odeum::solve
