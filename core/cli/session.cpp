// SPDX-License-Identifier: Apache-2.0
#include "cli/session.hpp"

#include <cstdio>

#include "embed/run.hpp"

namespace odeum::cli {

plugin::Registry& registry(const Values& values) {
  plugin::set_plugin_path(list_of(values, "plugin-path"));
  return plugin::registry();
}

config::KindSchemas& schemas(plugin::Registry& registry) {
  static config::KindSchemas all = embed::component_schemas(registry);
  return all;
}

RootKind root_kind(const std::filesystem::path& file) {
  return config::read_yaml(file).find("problem") != nullptr ? RootKind::solve : RootKind::train;
}

Config load(const std::filesystem::path& file, const std::vector<std::string>& sets,
            const Schema& root, plugin::Registry& registry, config::Files files) {
  return embed::load_config(file, sets, root, schemas(registry).lookup(), files);
}

void print_json(const io::Json& value) {
  std::printf("%s\n", io::to_line(value).c_str());
  std::fflush(stdout);
}

std::string shown(const io::Json& number) {
  if (!number.is_number()) return "nan";
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", number.get<double>());
  return text;
}

Arguments& add_set_option(Arguments& arguments) {
  return arguments.list("set", "KEY=VALUE",
                        "another value for a key of the configuration, e.g. train.steps=60 or "
                        "flow.solver.rtol=1e-6; may be given several times");
}

}  // namespace odeum::cli
