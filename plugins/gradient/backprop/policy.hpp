// SPDX-License-Identifier: Apache-2.0
// What backprop keeps of the steps, as the configuration has it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>

#include "odeum/checkpoints.hpp"
#include "reversal.hpp"

namespace backprop {

struct Policy {
  std::optional<Keep> keep;      ///< nullopt: the richest that the memory holds
  std::size_t memory_limit = 0;  ///< bytes; an explicit `keep` is not limited
  std::int64_t every = 1;        ///< for steps: the beginning of every n-th one

  /// Where the beginnings of steps are kept.
  CheckpointPolicy checkpoints() const {
    return {.memory = keep ? std::numeric_limits<std::size_t>::max() : memory_limit,
            .every = every};
  }
  /// Bytes that the beginnings of so many steps take, of `each` bytes.
  std::size_t checkpoint_bytes(std::size_t each, std::int64_t steps) const {
    const auto count = static_cast<std::size_t>(steps);
    const auto apart = static_cast<std::size_t>(every);
    // Those between two kept ones are computed again beside them.
    const std::size_t needed = ((count + apart - 1) / apart + apart - 1) * each;
    return keep ? needed : std::min(needed, std::max(memory_limit, 2 * each));
  }
};

}  // namespace backprop
