// SPDX-License-Identifier: Apache-2.0
// Whole data files in memory, and what is said about those that cannot be used.
#pragma once

#include <string>

#include "odeum/error.hpp"

namespace odeum::datasets {

/// The error about a data file: "file:line:column — reason".
inline ConfigError wrong(const Place& place, const std::string& reason) {
  return ConfigError(place, "— " + reason);
}

/// The bytes of a file, unpacked where it is gzipped (told by its content, not by its name).
/// ConfigError at the file: cannot be opened, cannot be read, packed data that end too early or do
/// not unpack.
std::string read_bytes(const std::string& path);

}  // namespace odeum::datasets
