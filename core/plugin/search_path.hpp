// SPDX-License-Identifier: Apache-2.0
// Where plugins are looked for.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace odeum::plugin {

struct Folder {
  std::filesystem::path path;  ///< absolute; may not exist
  std::string origin;          ///< who named it: "--plugin-path", "ODEUM_PLUGIN_PATH", ...
};

/// What the search path is made from.
struct Environment {
  std::vector<std::string> given;  ///< --plugin-path, relative to the current folder
  std::string plugin_path;         ///< ODEUM_PLUGIN_PATH
  bool plugin_path_set = false;
  std::string data_home;          ///< XDG_DATA_HOME
  std::string home;               ///< HOME
  std::filesystem::path library;  ///< libodeum.so

  /// Of this process. A program that runs with more rights than its user (AT_SECURE) takes nothing
  /// from the environment's variables.
  static Environment current(std::vector<std::string> given);
};

/// In order: what was given; ODEUM_PLUGIN_PATH, absolute folders separated by colons (a ConfigError
/// on an empty or relative one, which would be the current folder); $XDG_DATA_HOME/odeum/plugins,
/// or
/// ~/.local/share/odeum/plugins; odeum/plugins beside libodeum.so. Each folder once.
std::vector<Folder> search_path(const Environment& environment);

}  // namespace odeum::plugin
