// SPDX-License-Identifier: Apache-2.0
#include "cli/session.hpp"

#include <cstdio>

#include "config/mistakes.hpp"
#include "odeum/error.hpp"
#include "train/schemas.hpp"

namespace odeum::cli {
namespace {

/// `bind: {x: points}` reads better than the list of `role:column` that the schema has.
void bind_as_list(config::Node& root) {
  config::Member* bind = root.find("bind");
  if (bind == nullptr || !bind->value.is_map()) return;
  config::Node list;
  list.kind = config::Node::Kind::list;
  list.place = bind->value.place;
  for (const config::Member& m : bind->value.members) {
    if (!m.value.is_scalar()) return;
    list.items.push_back(config::scalar_node(m.key + ":" + m.value.scalar, m.place));
  }
  bind->value = std::move(list);
}

/// One sentence where a file is for another command, not an unknown key for each of its sections.
void require_root(const config::Node& tree, const Schema& root, const std::filesystem::path& file) {
  const bool wants_problem = root.find("problem") != nullptr;
  const bool has_problem = tree.find("problem") != nullptr;
  const bool has_model = tree.find("model") != nullptr;
  if (has_problem == wants_problem || has_problem == has_model) return;
  const std::string text = has_problem
                               ? "describes an initial value problem (problem:), which odeum solve "
                                 "and odeum gradcheck take; a training has data: and model:"
                               : "describes a training (model:), which odeum train and odeum "
                                 "gradcheck take; what is solved stands under problem:";
  throw ConfigError(config::Mistake{{file.string()}, "", text}.line());
}

}  // namespace

plugin::Registry& registry(const Values& values) {
  plugin::set_plugin_path(list_of(values, "plugin-path"));
  return plugin::registry();
}

config::KindSchemas& schemas(plugin::Registry& registry) {
  static config::KindSchemas all = [&registry] {
    config::KindSchemas made(registry.lookup(), train::common_keys);
    for (train::BuiltIn& component : train::built_in_components()) {
      made.add(component.kind, component.name, std::move(component.schema));
    }
    return made;
  }();
  return all;
}

RootKind root_kind(const std::filesystem::path& file) {
  return config::read_yaml(file).find("problem") != nullptr ? RootKind::solve : RootKind::train;
}

Config load(const std::filesystem::path& file, const std::vector<std::string>& sets,
            const Schema& root, plugin::Registry& registry, config::Files files) {
  config::Node tree = config::read_yaml(file);
  require_root(tree, root, file);
  bind_as_list(tree);
  return config::resolve(std::move(tree), sets, root, schemas(registry).lookup(),
                         file.parent_path(), files);
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
