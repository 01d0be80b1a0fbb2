// SPDX-License-Identifier: Apache-2.0
// A plugin's shared library, loaded for good.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "odeum/abi.hpp"
#include "plugin/elf.hpp"

namespace odeum::plugin {

/// Loads a file whose records have been found right, and returns its entries, which live as long as
/// the process. ConfigErrors: the loader refuses it (with its words), the entry point is missing,
/// or the loaded records are not those of the file. Not thread-safe.
std::vector<const PluginEntry*> load_library(const std::filesystem::path& file,
                                             const std::vector<FileRecord>& records);

/// Why a record cannot be used by this odeum, both sides named and what to rebuild; empty: it can.
std::string why_other_abi(const FileRecord& record);

}  // namespace odeum::plugin
