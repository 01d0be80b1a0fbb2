// SPDX-License-Identifier: Apache-2.0
// Files of a plugin's own in the language of configurations: a table, a calibration. A key of type
// `path` names the file.
#pragma once

#include <string>

#include "odeum/config.hpp"

namespace odeum::inline v1 {

/// Reads the YAML file and validates it against `schema`, which has no components. Everything that
/// is wrong with it is in one ConfigError, a line each: "file:line:col key — what, and what was
/// meant".
Config read_config(const std::string& file, const Schema& schema);

}  // namespace odeum::inline v1
