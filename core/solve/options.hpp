// SPDX-License-Identifier: Apache-2.0
// The keys that every solver takes, beside its own: tolerances, steps, limits, the controller.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "odeum/config.hpp"
#include "odeum/controller.hpp"
#include "odeum/schema.hpp"
#include "odeum/solve.hpp"

namespace odeum::solve {

/// Added by the core to the schema of every plugin of kind `solver`.
Schema common_solver_keys();

/// The options that a validated `solver:` gives for states of type `state`. Throws ConfigError,
/// with the key's place, for combinations that the schema cannot see: a tolerance under ten units
/// of the state's rounding (with `allow_tight: true` it becomes a line of `warnings`), a step
/// beside an adaptive controller that the user named, a method without error estimate and without a
/// step.
SolveOptions options_from(const Config& config, const Solver& solver, const Controller& controller,
                          DType state, std::vector<std::string>& warnings);

/// `steps_at_once:` of a validated `solver:`, as make_setting takes it: no part of the options,
/// since no result depends on it. Throws ConfigError where the solver takes its steps otherwise.
std::int64_t steps_at_once(const Config& config, const Solver& solver);

}  // namespace odeum::solve
