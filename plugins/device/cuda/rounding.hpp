// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace odeum::cuda {

/// What the libraries round float32 factors to before they are multiplied; sums are float32 always.
enum class Rounding : std::uint8_t { float32, tf32, bfloat16 };

}  // namespace odeum::cuda
