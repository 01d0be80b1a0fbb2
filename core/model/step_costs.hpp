// SPDX-License-Identifier: Apache-2.0
// Costs of a solver's own steps: a solver around the configured one that adds each step's costs to
// members of the state, so that whoever differentiates the steps differentiates the costs.
#pragma once

#include <memory>
#include <vector>

#include "model/ode_dynamics.hpp"
#include "odeum/solver.hpp"

namespace odeum::model {

/// Solves as `solver` does; member first + i grows by the i-th cost in each accepted step (a
/// rejected one is not taken). These members have Member::of_steps. Between the ends of a step they
/// are interpolated linearly. A step that lacks what a cost needs throws std::invalid_argument
/// while it is recorded.
std::shared_ptr<const Solver> with_step_costs(std::shared_ptr<const Solver> solver,
                                              std::vector<NamedCost> costs, std::size_t first);

/// Records a step of the cost's own on these dynamics, to learn whether it can be: throws
/// std::invalid_argument with the reason where it cannot.
void rehearse_step_cost(const NamedCost& cost, std::shared_ptr<const Solver> solver,
                        const OdeTerms& terms, const Shape& state, DType precision,
                        const SolveOptions& options);

}  // namespace odeum::model
