// SPDX-License-Identifier: Apache-2.0
// Where along its span an ode block hands on its solution.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "odeum/config.hpp"
#include "odeum/schema.hpp"
#include "odeum/tensor.hpp"

namespace odeum::model {

/// The section `times` of an ode block.
Schema solution_times_schema();

/// The times that a block's configuration (training's or evaluation's) asks for, strictly monotone
/// from within the span to its end; empty: the end alone, without an axis of times. ConfigErrors at
/// `times`.
std::vector<double> solution_times(const Config& block, const std::array<double, 2>& span);

/// The times of a solve that gives them: the span's start, then those behind it; start and end
/// where there are none.
std::vector<double> solve_grid(const std::vector<double>& times, const std::array<double, 2>& span);

/// A state's shape [rows, ...] with an axis of so many times behind the rows.
Shape with_times(const Shape& state, std::size_t times);

/// States [rows, ...] as one [rows, times, ...].
Tensor over_times(const std::vector<Tensor>& states);

}  // namespace odeum::model
