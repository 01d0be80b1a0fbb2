// SPDX-License-Identifier: Apache-2.0
// Geometry that convolutions and windows share.
#pragma once

#include <cstddef>
#include <cstdint>

#include "odeum/tensor.hpp"

namespace odeum::program {

/// How many windows fit along a side (0: height, 1: width) of the given extent. Throws naming the
/// operation if there is none or the window is malformed.
std::int64_t window_positions(const char* operation, const Window& window, std::size_t side,
                              std::int64_t extent);

}  // namespace odeum::program
