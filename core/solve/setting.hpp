// SPDX-License-Identifier: Apache-2.0
// One solve of a pipeline, ready for a gradient method or for integrating alone.
#pragma once

#include <cstdint>
#include <memory>

#include "odeum/config.hpp"
#include "odeum/controller.hpp"
#include "odeum/gradient.hpp"
#include "odeum/solve.hpp"

namespace odeum::solve {

/// `steps_at_once`: attempts that the device is given together, which changes no result; 0: as many
/// as suit it.
std::unique_ptr<SolveSetting> make_setting(Dynamics dynamics, std::shared_ptr<const Solver> solver,
                                           std::shared_ptr<const Controller> controller,
                                           SolveOptions options, std::shared_ptr<Device> device,
                                           std::int64_t steps_at_once = 0);

/// Throws ConfigError at `solver:` where the method, or an option, cannot do with these dynamics.
void check_solver(const Config& config, const Solver& solver, const SolveOptions& options,
                  const Dynamics& dynamics);

/// Throws ConfigError at `gradient:` where the method cannot differentiate such a solve.
void check_gradient(const Config& config, const GradientMethod& gradient, const Solver& solver,
                    const SolveOptions& options, const Dynamics& dynamics);

}  // namespace odeum::solve
