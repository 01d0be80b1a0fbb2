// SPDX-License-Identifier: Apache-2.0
// A short text that stands for a long one.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace odeum::train {

/// 16 hexadecimal digits: FNV-1a, 64 bits. Equal texts, equal digits; it is no protection against
/// intent.
inline std::string fingerprint(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  std::string digits;
  for (int shift = 60; shift >= 0; shift -= 4) digits += "0123456789abcdef"[(hash >> shift) & 15];
  return digits;
}

}  // namespace odeum::train
