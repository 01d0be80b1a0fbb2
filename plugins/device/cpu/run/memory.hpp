// SPDX-License-Identifier: Apache-2.0
// Aligned memory.
#pragma once

#include <sys/mman.h>

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

/// Memory from this size on asks the system for large pages: what a step keeps is read once, and
/// finding small pages then takes as long as reading them.
inline constexpr std::size_t kLargePage = std::size_t{2} << 20U;
inline constexpr std::size_t kManyPages = 2 * kLargePage;

/// At least `bytes` bytes, aligned to kPadding and with kPadding readable bytes behind them. Throws
/// RunError.
inline Memory allocate_memory(std::size_t bytes) {
  std::size_t size = padded(bytes) + kPadding;
  const bool large = size >= kManyPages;
  if (large) size = (size + kLargePage - 1) / kLargePage * kLargePage;
  auto* p = static_cast<std::byte*>(std::aligned_alloc(large ? kLargePage : kPadding, size));
#ifdef MADV_HUGEPAGE
  if (p != nullptr && large) ::madvise(p, size, MADV_HUGEPAGE);  // a refusal changes nothing
#endif
  if (p == nullptr) throw RunError("device cpu: no memory for " + std::to_string(bytes) + " bytes");
  return Memory(p);
}

}  // namespace odeum::cpu
