// SPDX-License-Identifier: Apache-2.0
#include "odeum/config_file.hpp"

#include "config/load.hpp"

namespace odeum::inline v1 {

Config read_config(const std::string& file, const Schema& schema) {
  const config::SchemaLookup no_components{
      [](const std::string&, const std::string&) -> const Schema* { return nullptr; },
      [](const std::string&) { return std::vector<std::string>(); },
      [](const std::string&, const std::string&) { return std::string(); }};
  return config::load(file, {}, schema, no_components);
}

}  // namespace odeum::inline v1
