// SPDX-License-Identifier: Apache-2.0
// A configuration file to a Config, all in one.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "config/lookup.hpp"
#include "config/paths.hpp"
#include "config/yaml.hpp"
#include "odeum/config.hpp"
#include "odeum/schema.hpp"

namespace odeum::config {

/// Lays the `--set` arguments over the tree, validates it against `schema` and returns the typed
/// configuration. `folder` is where its relative paths begin. Everything that is wrong is in one
/// ConfigError, a line each: "file:line:col key.path — what is wrong, what was meant".
Config resolve(Node tree, const std::vector<std::string>& sets, const Schema& schema,
               const SchemaLookup& lookup, const std::filesystem::path& folder,
               Files files = Files::must_exist);

/// Reads the file, with its includes, and resolves it.
Config load(const std::filesystem::path& file, const std::vector<std::string>& sets,
            const Schema& schema, const SchemaLookup& lookup, Files files = Files::must_exist);

}  // namespace odeum::config
