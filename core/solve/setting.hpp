// SPDX-License-Identifier: Apache-2.0
// One solve of a pipeline, ready for a gradient method or for integrating alone.
#pragma once

#include <memory>

#include "odeum/controller.hpp"
#include "odeum/solve.hpp"

namespace odeum::solve {

std::unique_ptr<SolveSetting> make_setting(Dynamics dynamics, std::shared_ptr<const Solver> solver,
                                           std::shared_ptr<const Controller> controller,
                                           SolveOptions options, std::shared_ptr<Device> device);

}  // namespace odeum::solve
