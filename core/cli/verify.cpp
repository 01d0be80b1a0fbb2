// SPDX-License-Identifier: Apache-2.0
// odeum verify: the conformance suite of a plugin's kind, on any shared library.
#include "verify/verify.hpp"

#include <cstdio>
#include <filesystem>

#include "cli/session.hpp"
#include "config/yaml.hpp"
#include "plugin/child.hpp"

namespace odeum::cli {
namespace {

using verify::Check;

Arguments arguments() {
  return Arguments("FILE.so | KIND/NAME  [options]",
                   "Checks that a plugin does what its kind promises: each of its components in a "
                   "child process with a time limit. Exit status 1 where something fails.")
      .positional("PLUGIN", "a shared library, or an installed plugin as KIND/NAME")
      .option("with", "YAML",
              "the component's keys, for one that has required ones: '{file: a.csv}'")
      .option("limit", "SECONDS", "time for one component; default 120");
}

const char* name(Check::Outcome outcome) {
  switch (outcome) {
    case Check::Outcome::passed:
      return "passed";
    case Check::Outcome::failed:
      return "failed";
    default:
      return "left out";
  }
}

/// "{use: name, <keys of with>}".
std::string component_text(const std::string& name, const std::string& with) {
  if (with.empty()) return "{use: " + name + "}";
  const std::size_t open = with.find('{');
  if (open == std::string::npos) {
    throw ConfigError("--with takes a map such as '{file: a.csv}', this is '" + with + "'");
  }
  return "{use: " + name + ", " + with.substr(open + 1);
}

/// Runs in the child: the suite's checks as JSON.
std::string run_component(plugin::Registry& plugins, const plugin::Listed& listed,
                          const std::string& with) {
  const auto configure = [&](const std::string& kind, const std::string& yaml) {
    const Schema root = Schema().component("component", kind, "under test");
    return config::resolve(config::parse_yaml("{component: " + yaml + "}", "verify"), {}, root,
                           schemas(plugins).lookup(), std::filesystem::current_path())
        .component("component");
  };
  const auto configured = [&] {
    try {
      return configure(listed.kind, component_text(listed.name, with));
    } catch (const ConfigError& error) {
      throw ConfigError(std::string(error.what()) +
                        "\nits keys are given by --with '{key: value}'");
    }
  };
  io::Json checks = io::Json::array();
  const verify::Workbench bench{plugins, configure, configured()};
  for (const Check& check : verify::run_suite(bench)) {
    checks.push_back({{"statement", check.statement},
                      {"outcome", name(check.outcome)},
                      {"detail", check.detail}});
  }
  return io::to_line(checks);
}

std::vector<plugin::Listed> components(plugin::Registry& plugins, const std::string& what) {
  const std::size_t slash = what.find('/');
  if (!what.ends_with(".so")) {
    if (slash == std::string::npos || std::filesystem::is_regular_file(what)) {
      throw ConfigError("verify wants a file that ends in .so, or KIND/NAME; this is '" + what +
                        "'");
    }
    return {plugins.require(what.substr(0, slash), what.substr(slash + 1))};
  }
  return plugins.add_file(what);
}

/// The component's verdict; what kills or stops the child is a failed check.
io::Json verdict_on(plugin::Registry& plugins, const plugin::Listed& listed,
                    const std::string& with, std::chrono::seconds limit) {
  const std::string what = "the plugin " + listed.kind + "/" + listed.name;
  io::Json checks = io::Json::array();
  if (!listed.unusable.empty()) {
    checks.push_back(
        {{"statement", "can be loaded"}, {"outcome", "failed"}, {"detail", listed.unusable}});
  } else {
    try {
      const std::string text = plugin::in_child(
          what, [&] { return run_component(plugins, listed, with); }, limit);
      checks = io::parse_json(text, listed.file);
    } catch (const std::exception& error) {
      checks.push_back({{"statement", "comes through its suite"},
                        {"outcome", "failed"},
                        {"detail", error.what()}});
    }
  }
  bool passed = true;
  for (const io::Json& check : checks) passed = passed && check["outcome"] != "failed";
  return {{"kind", listed.kind},
          {"name", listed.name},
          {"version", listed.version},
          {"file", listed.file},
          {"verdict", passed ? "passed" : "failed"},
          {"checks", checks}};
}

void print_verdict(const io::Json& verdict) {
  std::printf("%s/%s %s\n", verdict["kind"].get<std::string>().c_str(),
              verdict["name"].get<std::string>().c_str(),
              verdict["version"].get<std::string>().c_str());
  for (const io::Json& check : verdict["checks"]) {
    const auto detail = check["detail"].get<std::string>();
    std::printf("  %-8s  %s%s%s\n", check["outcome"].get<std::string>().c_str(),
                check["statement"].get<std::string>().c_str(), detail.empty() ? "" : ": ",
                detail.c_str());
  }
  std::printf("  %s\n", verdict["verdict"].get<std::string>().c_str());
}

int run(const Values& values) {
  plugin::Registry& plugins = registry(values);
  const auto limit =
      std::chrono::seconds(is_set(values, "limit") ? whole_number(values, "limit", 1) : 120);
  io::Json verdicts = io::Json::array();
  bool passed = true;
  for (const plugin::Listed& listed : components(plugins, text_of(values, "PLUGIN"))) {
    verdicts.push_back(verdict_on(plugins, listed, text_of(values, "with"), limit));
    passed = passed && verdicts.back()["verdict"] == "passed";
    if (!is_set(values, "json")) print_verdict(verdicts.back());
  }
  if (is_set(values, "json")) print_json(verdicts);
  return passed ? kDone : kFailed;
}

}  // namespace

Command verify_command() {
  return {"verify", "the conformance suite on any plugin", arguments, run};
}

}  // namespace odeum::cli
