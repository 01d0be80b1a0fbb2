// SPDX-License-Identifier: Apache-2.0
// The reference interpreter: what a program means, without speed.
//
// All floating-point arithmetic is in double, for float32 and float64 alike, and float32 constants
// are not rounded; int64 is exact. Devices are tested against it.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "odeum/program.hpp"
#include "program/array.hpp"

namespace odeum::program {

/// Runs a program, calls and host calls included. `inputs` have the program's types and shapes with
/// `rows` bound; else std::invalid_argument is thrown naming the input.
std::vector<Array> interpret(const Program& program, std::int64_t rows,
                             std::span<const Array> inputs);

/// The value of one node that is not a call, given its operands.
Array evaluate(const Node& node, std::int64_t rows, std::span<const Array* const> operands);

}  // namespace odeum::program
