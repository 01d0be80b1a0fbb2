// SPDX-License-Identifier: Apache-2.0
// odeum doctor: what is wrong here. Looks at every plugin, every device and the environment.
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include "cli/session.hpp"
#include "config/yaml.hpp"
#include "odeum/abi.hpp"
#include "odeum/device.hpp"
#include "odeum/tool.hpp"
#include "plugin/child.hpp"

namespace odeum::cli {
namespace {

Arguments arguments() {
  return Arguments(
      "[options]",
      "Loads every plugin in a child process, asks every device whether it can be used, and "
      "looks at the environment. Exit status 1 where something is wrong; a device that this "
      "machine does not have is none of that.");
}

/// What is wrong with a plugin, and why a device cannot be used here; empty where nothing is.
struct Finding {
  std::string trouble, absent;
};
Finding examine(const plugin::Listed& listed, plugin::Registry& plugins) {
  if (!listed.unusable.empty()) return {listed.unusable, ""};
  const std::string what = "the plugin " + listed.kind + "/" + listed.name;
  try {
    std::string absent = plugin::in_child(what, [&]() -> std::string {
      schemas(plugins).find(listed.kind, listed.name);
      if (listed.kind != "device") return "";
      const Schema schema = Schema().component("device", "device", "to be asked");
      const Config config =
          config::resolve(config::parse_yaml("{device: " + listed.name + "}", "doctor"), {}, schema,
                          schemas(plugins).lookup(), std::filesystem::current_path());
      return plugins.create<Device>(config.component("device"))->probe();
    });
    return {"", std::move(absent)};
  } catch (const std::exception& error) {
    return {error.what(), ""};
  }
}

std::vector<std::string> environment_warnings() {
  std::vector<std::string> warnings;
  for (const char* name : {"OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"}) {
    if (std::getenv(name) != nullptr) {
      warnings.push_back(std::string(name) +
                         " is set: it changes which kernels OpenBLAS uses, so speed "
                         "and last digits; unset it");
    }
  }
  const char* data = std::getenv("ODEUM_DATA");
  if (data == nullptr) {
    warnings.emplace_back(
        "ODEUM_DATA is not set: configurations that name files of a data folder will "
        "not find them");
  } else if (!std::filesystem::is_directory(data)) {
    warnings.push_back("ODEUM_DATA is " + std::string(data) + ", which is no folder");
  }
  return warnings;
}

int run(const Values& values) {
  plugin::Registry& plugins = registry(values);
  io::Json states = io::Json::array();
  std::vector<std::string> lines;
  int troubles = 0;
  int good = 0;
  for (const plugin::Listed& listed : plugins.list()) {
    const Finding found = examine(listed, plugins);
    io::Json state{{"kind", listed.kind}, {"name", listed.name}, {"file", listed.file}};
    const std::string name = listed.kind + "/" + listed.name;
    if (!found.trouble.empty()) {
      state["trouble"] = found.trouble;
      lines.push_back("trouble: " + name + " (" + listed.file + "): " + found.trouble);
      ++troubles;
    } else if (!found.absent.empty()) {
      state["absent"] = found.absent;
      lines.push_back("not on this machine: " + name + ": " + found.absent);
    } else {
      ++good;
    }
    states.push_back(std::move(state));
  }
  const std::vector<std::string> warnings = environment_warnings();
  if (is_set(values, "json")) {
    print_json({{"status", troubles == 0 ? "good" : "trouble"},
                {"version", version()},
                {"abi", ODEUM_ABI_TAG},
                {"plugins", states},
                {"warnings", warnings}});
  } else {
    std::printf("odeum %s, %s, %u processor cores\n", version(), ODEUM_ABI_TAG,
                std::thread::hardware_concurrency());
    for (const plugin::Folder& folder : plugins.folders()) {
      std::printf("plugins from %s (%s)%s\n", folder.path.c_str(), folder.origin.c_str(),
                  std::filesystem::is_directory(folder.path) ? "" : ", which is not there");
    }
    std::printf("%d plugins are well\n", good);
    for (const std::string& line : lines) std::printf("%s\n", line.c_str());
    for (const std::string& warning : warnings) std::printf("warning: %s\n", warning.c_str());
  }
  return troubles == 0 ? kDone : kFailed;
}

}  // namespace

Command doctor_command() { return {"doctor", "what is wrong here", arguments, run}; }

}  // namespace odeum::cli
