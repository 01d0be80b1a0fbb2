// SPDX-License-Identifier: Apache-2.0
#include "config/load.hpp"

#include "config/mistakes.hpp"
#include "config/overrides.hpp"
#include "config/validate.hpp"

namespace odeum::config {

Config resolve(Node tree, const std::vector<std::string>& sets, const Schema& schema,
               const SchemaLookup& lookup, const std::filesystem::path& folder, Files files) {
  Mistakes mistakes;
  for (const std::string& argument : sets) {
    try {
      apply_set(tree, argument, schema);
    } catch (const ConfigError& refused) {
      mistakes.add(Place{"--set " + argument}, refused);
    }
  }
  Config config = validate(tree, schema, {lookup, folder, files}, mistakes);
  mistakes.raise();
  return config;
}

Config load(const std::filesystem::path& file, const std::vector<std::string>& sets,
            const Schema& schema, const SchemaLookup& lookup, Files files) {
  return resolve(read_yaml(file), sets, schema, lookup, file.parent_path(), files);
}

}  // namespace odeum::config
