// SPDX-License-Identifier: Apache-2.0
// What commands share: the registry with the schemas of all components, and reading configurations.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "cli/command.hpp"
#include "config/load.hpp"
#include "config/lookup.hpp"
#include "io/json.hpp"
#include "odeum/config.hpp"
#include "plugin/registry.hpp"

namespace odeum::cli {

/// The process's registry, searching what --plugin-path says.
plugin::Registry& registry(const Values& values);

/// Schemas of all plugins with the keys that the core adds, and of the core's own components.
config::KindSchemas& schemas(plugin::Registry& registry);

/// Which root a configuration file is of, told by its top-level keys.
enum class RootKind { train, solve };
RootKind root_kind(const std::filesystem::path& file);

/// A validated configuration of the given root. `bind: {role: column}` may be a map.
Config load(const std::filesystem::path& file, const std::vector<std::string>& sets,
            const Schema& root, plugin::Registry& registry,
            config::Files files = config::Files::must_exist);

/// Prints the value as the last line of standard output.
void print_json(const io::Json& value);

/// A number for people: six digits.
std::string shown(const io::Json& number);

/// The option --set, and its values.
Arguments& add_set_option(Arguments& arguments);

}  // namespace odeum::cli
