// SPDX-License-Identifier: Apache-2.0
// Copies between flat elements and strided memory.
#pragma once

#include <array>
#include <cstdint>

#include "plan/layout.hpp"

namespace odeum::cpu {

/// to[0, n) = the flat elements [begin, begin + n) of what `access` describes; `from` points at the
/// root's element 0 of row 0.
void read_strided(const Access& access, std::size_t element_size, const std::byte* from,
                  std::int64_t begin, std::int64_t n, std::byte* to);
/// The other way round.
void write_strided(const Access& access, std::size_t element_size, std::byte* to,
                   std::int64_t begin, std::int64_t n, const std::byte* from);

}  // namespace odeum::cpu
