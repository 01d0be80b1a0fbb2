// SPDX-License-Identifier: Apache-2.0
// Aligned memory.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <string>

#include "odeum/error.hpp"
#include "steps/step.hpp"

namespace odeum::cpu {

struct Free {
  void operator()(void* p) const { std::free(p); }
};
using Memory = std::unique_ptr<std::byte[], Free>;

/// At least `bytes` bytes, aligned to kPadding and with kPadding readable bytes behind them. Throws
/// RunError.
inline Memory allocate_memory(std::size_t bytes) {
  auto* p = static_cast<std::byte*>(std::aligned_alloc(kPadding, padded(bytes) + kPadding));
  if (p == nullptr) throw RunError("device cpu: no memory for " + std::to_string(bytes) + " bytes");
  return Memory(p);
}

}  // namespace odeum::cpu
