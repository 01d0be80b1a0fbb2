// SPDX-License-Identifier: Apache-2.0
// Short copies.
#pragma once

#include <cstddef>
#include <cstring>
#include <type_traits>

namespace odeum::cpu {

/// Small copies are frequent and too short for a call: two overlapping halves.
inline void copy_bytes(void* to, const void* from, std::size_t bytes) {
  auto* t = static_cast<std::byte*>(to);
  const auto* f = static_cast<const std::byte*>(from);
  const auto halves = [&]<std::size_t size>(std::integral_constant<std::size_t, size>) {
    std::byte head[size], tail[size];
    std::memcpy(head, f, size);
    std::memcpy(tail, f + bytes - size, size);
    std::memcpy(t, head, size);
    std::memcpy(t + bytes - size, tail, size);
  };
  if (bytes > 64 || bytes < 4) {
    std::memcpy(to, from, bytes);
  } else if (bytes > 32) {
    halves(std::integral_constant<std::size_t, 32>());
  } else if (bytes > 16) {
    halves(std::integral_constant<std::size_t, 16>());
  } else if (bytes >= 8) {
    halves(std::integral_constant<std::size_t, 8>());
  } else {
    halves(std::integral_constant<std::size_t, 4>());
  }
}

}  // namespace odeum::cpu
