// SPDX-License-Identifier: Apache-2.0
// Plugins as a test meets them: the built library, its schema, a configuration written as YAML.
#pragma once

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "config/load.hpp"
#include "config/yaml.hpp"
#include "odeum/config.hpp"
#include "plugin/registry.hpp"

namespace odeum::plugin_tests {

/// The validated configuration of a component, from the lines of its map in YAML ("use: name" is
/// put in front, so the text's first line is line 2 of "test.yaml").
template <class Interface>
Config configure(const std::string& name, const std::string& yaml) {
  const std::string kind = plugin::kind_of<Interface>();
  config::Node root;
  root.kind = config::Node::Kind::map;
  root.member("component", {"test.yaml", 1, 1}).value =
      config::parse_yaml("use: " + name + "\n" + yaml, "test.yaml");
  return config::resolve(root, {}, Schema().component("component", kind, "what is tested"),
                         plugin::registry().lookup(), std::filesystem::temp_directory_path())
      .component("component");
}

/// An instance of a plugin of the build tree; Interface is its kind's.
template <class Interface>
std::shared_ptr<Interface> make(const std::string& name, const std::string& yaml = "") {
  return plugin::registry().create<Interface>(configure<Interface>(name, yaml));
}

/// The text of the ConfigError that `action` throws; "" where it throws none.
template <class Action>
std::string config_error(Action&& action) {
  try {
    action();
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "";
}

/// A folder of its own for a test's files, removed at the end.
class Folder {
 public:
  Folder()
      : path_(std::filesystem::temp_directory_path() /
              ("odeum_test_" + std::to_string(::getpid()) + "_" + std::to_string(counter()++))) {
    std::filesystem::create_directories(path_);
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  /// Writes a file and returns its path.
  std::string write(const std::string& name, const std::string& bytes) const {
    const std::filesystem::path file = path_ / name;
    std::ofstream(file, std::ios::binary)
        .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    return file.string();
  }

 private:
  static int& counter() {
    static int count = 0;
    return count;
  }
  std::filesystem::path path_;
};

}  // namespace odeum::plugin_tests
