// SPDX-License-Identifier: Apache-2.0
// Differentiable solves across jumps of the right-hand side: one smooth solve a stretch.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "odeum/gradient.hpp"
#include "odeum/solve.hpp"

namespace odeum::solve {

/// A setting of one equation with the given options.
using MakeSetting = std::function<std::unique_ptr<SolveSetting>(const SolveOptions&)>;

/// GradientMethod::prepare for any options. A gradient method assumes a right-hand side without
/// jumps, so where `options` has jump times it gets the stretches between them one by one, and
/// cotangents are handed on from stretch to stretch: the state is continuous there and the time of
/// a jump does not move. A time to save at a jump is held there, its derivative is 0.
std::unique_ptr<DifferentiableSolve> prepare(std::shared_ptr<const GradientMethod> method,
                                             const MakeSetting& make, const SolveOptions& options,
                                             const std::vector<bool>& wanted);

}  // namespace odeum::solve
