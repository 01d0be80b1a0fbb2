// SPDX-License-Identifier: Apache-2.0
// What a configuration chooses of a file: its columns, and windows of them.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "csv_file.hpp"
#include "odeum/config.hpp"
#include "odeum/schema.hpp"
#include "windows.hpp"

namespace odeum::datasets {

/// Positions in the file of the columns that a configuration names. ConfigError at `columns`.
std::vector<std::int64_t> named_columns(const CsvFile& file, const Config& config);

Schema window_schema();

/// The windows that `window` asks for; nothing where it does not. ConfigError where they cannot be
/// had, or would stand in two splits.
std::optional<Windows> configured_windows(const CsvFile& file, const Config& config);

}  // namespace odeum::datasets
