// SPDX-License-Identifier: Apache-2.0
// odeum describe: what a component takes. A plugin is loaded in a child process.
#include "config/describe.hpp"

#include <cstdio>

#include "cli/components.hpp"
#include "cli/session.hpp"
#include "config/nearest.hpp"
#include "plugin/child.hpp"
#include "train/schemas.hpp"

namespace odeum::cli {
namespace {

Arguments arguments() {
  return Arguments(
             "KIND/NAME | train | solve | gradcheck  [options]",
             "Shows the keys that a component takes, with defaults, ranges and units, and where "
             "its method was published; or the keys of a configuration file for a command.")
      .positional("WHAT", "solver/dopri5, ..., or train, solve, gradcheck");
}

Schema root_schema(const std::string& name) {
  if (name == "train") return train::root_schema();
  if (name == "solve") return train::solve_schema();
  return train::gradcheck_schema();
}

/// As text, and its parts for programs.
io::Json description_of(const Schema& schema) {
  io::Json description{{"text", config::describe(schema)}};
  description.update(config::to_json(schema));
  return description;
}

const plugin::Listed& choose(const std::vector<plugin::Listed>& all, const std::string& kind,
                             const std::string& name, plugin::Registry& registry) {
  std::vector<std::string> names;
  for (const plugin::Listed& one : all) {
    if (!one.unusable.empty()) continue;
    if (one.name == name) return one;
    names.push_back(one.name);
  }
  std::string message =
      "there is no " + kind + " '" + name + "'; " + config::suggestion(name, names, "there are");
  const std::string why = registry.explain(kind, name);
  throw ConfigError(why.empty() ? message : message + "\n" + why);
}

/// Of a name without its kind: the components that are called so.
[[noreturn]] void ask_for_the_kind(const std::string& what, plugin::Registry& registry) {
  std::vector<std::string> meant;
  for (const plugin::Listed& one : list_components(registry, "")) {
    if (one.name == what) meant.push_back(one.kind + "/" + one.name);
  }
  throw ConfigError("describe wants KIND/NAME, train, solve or gradcheck; this is '" + what + "'" +
                    (meant.empty() ? "" : ". There is " + config::listed(meant)));
}

int run(const Values& values) {
  const std::string what = text_of(values, "WHAT");
  const bool json = is_set(values, "json");
  const bool root = what == "train" || what == "solve" || what == "gradcheck";
  const std::size_t slash = what.find('/');
  plugin::Registry& plugins = registry(values);
  if (!root && slash == std::string::npos) ask_for_the_kind(what, plugins);
  io::Json head{{"name", what}};
  io::Json description;
  if (root) {
    description = description_of(root_schema(what));
  } else {
    const std::string kind = what.substr(0, slash);
    const std::string name = what.substr(slash + 1);
    const auto all = list_components(plugins, kind);
    const plugin::Listed& one = choose(all, kind, name, plugins);
    const std::string answer = plugin::in_child("the plugin " + what, [&] {
      return io::to_line(description_of(*schemas(plugins).find(kind, name)));
    });
    description = io::parse_json(answer, one.file);
    head = {{"kind", one.kind},
            {"name", one.name},
            {"version", one.version},
            {"summary", one.summary},
            {"file", one.file}};
    if (!json) {
      std::printf("%s/%s %s\n%s\n\n", one.kind.c_str(), one.name.c_str(), one.version.c_str(),
                  one.file.c_str());
    }
  }
  if (json) {
    head.update(description);
    print_json(head);
  } else {
    std::printf("%s", description["text"].get<std::string>().c_str());
  }
  return kDone;
}

}  // namespace

Command describe_command() { return {"describe", "what a component takes", arguments, run}; }

}  // namespace odeum::cli
