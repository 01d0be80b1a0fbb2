// SPDX-License-Identifier: Apache-2.0
// Transforms of whole programs as calls need them: only what moves, only what is seeded.
#pragma once

#include <vector>

#include "program/derived.hpp"

namespace odeum::program {

/// The callee linearised in some inputs; its linear program gives only the outputs that move.
LinearizedCallee linearize_callee(const Program& program, const std::vector<int>& inputs);

/// (inputs that are not linear, cotangents of the outputs `seeded`) to cotangents of the inputs
/// `linear`.
Program transpose_outputs(const Program& program, const std::vector<int>& linear,
                          const std::vector<int>& seeded);

}  // namespace odeum::program
