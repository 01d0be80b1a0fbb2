// SPDX-License-Identifier: Apache-2.0
// Where a file that a configuration names is looked for.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "config/node.hpp"

namespace odeum::config {

/// Whether the files that a configuration names have to be there. A finished run is used without
/// its data.
enum class Files : std::uint8_t { must_exist, may_be_missing };

struct FoundPath {
  std::string absolute;
  std::string wrong;  ///< why there is none; empty: there is
};

/// A relative path is looked for in the folder of the file that says it, then in the
/// configuration's folder, then in $ODEUM_DATA; one from the command line in the current folder
/// first. What is wrong says every place that was looked at, and that ODEUM_DATA is unset if it is.
/// With Files::may_be_missing a missing file is taken to be at the first of these places.
FoundPath find_path(const Node& written, const std::filesystem::path& configuration_folder,
                    Files files);

}  // namespace odeum::config
