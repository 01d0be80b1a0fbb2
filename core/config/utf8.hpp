// SPDX-License-Identifier: Apache-2.0
// Where a text stops being UTF-8.
#pragma once

#include <string_view>

namespace odeum::config {

/// The place of the first byte that no UTF-8 character begins with or goes on with; npos: there is
/// none.
inline std::size_t first_not_utf8(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  for (std::size_t at = 0, count = 0; at < text.size(); at += count) {
    const unsigned first = byte(at);
    count = first < 0x80                    ? 1
            : first >= 0xC2 && first < 0xE0 ? 2
            : first >= 0xE0 && first < 0xF0 ? 3
            : first >= 0xF0 && first < 0xF5 ? 4
                                            : 0;
    if (count == 0 || at + count > text.size()) return at;
    for (std::size_t i = 1; i < count; ++i) {
      if ((byte(at + i) & 0xC0U) != 0x80U) return at;
    }
  }
  return std::string_view::npos;
}

}  // namespace odeum::config
