// SPDX-License-Identifier: Apache-2.0
#include "plugin/search_path.hpp"

#include <dlfcn.h>
#include <sys/auxv.h>

#include <algorithm>
#include <cstdlib>
#include <system_error>

#include "odeum/error.hpp"

namespace odeum::plugin {
namespace {

namespace fs = std::filesystem;

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

fs::path this_library() {
  Dl_info info{};
  // Any function of libodeum.so tells where it is.
  const auto* symbol = reinterpret_cast<const void*>(&search_path);
  if (::dladdr(symbol, &info) == 0 || !info.dli_fname) return {};
  std::error_code error;
  const fs::path file = fs::canonical(info.dli_fname, error);
  return error ? fs::path() : file;
}

std::vector<Folder> from_variable(const std::string& list) {
  std::vector<Folder> folders;
  for (std::size_t begin = 0; begin <= list.size();) {
    const auto end = std::min(list.find(':', begin), list.size());
    const std::string entry = list.substr(begin, end - begin);
    if (entry.empty())
      throw ConfigError(
          "ODEUM_PLUGIN_PATH='" + list +
          "' has an empty entry: it is a list of absolute folders separated by colons");
    if (entry[0] != '/')
      throw ConfigError("ODEUM_PLUGIN_PATH: '" + entry +
                        "' is relative; only absolute folders are searched");
    folders.push_back({entry, "ODEUM_PLUGIN_PATH"});
    begin = end + 1;
  }
  return folders;
}

}  // namespace

Environment Environment::current(std::vector<std::string> given) {
  Environment environment;
  environment.given = std::move(given);
  environment.library = this_library();
  if (::getauxval(AT_SECURE) != 0) return environment;
  environment.plugin_path_set = std::getenv("ODEUM_PLUGIN_PATH") != nullptr;
  environment.plugin_path = variable("ODEUM_PLUGIN_PATH");
  environment.data_home = variable("XDG_DATA_HOME");
  environment.home = variable("HOME");
  return environment;
}

std::vector<Folder> search_path(const Environment& environment) {
  std::vector<Folder> all;
  for (const std::string& given : environment.given) {
    if (given.empty()) throw ConfigError("--plugin-path: a folder is wanted, this is empty");
    all.push_back({fs::absolute(given), "--plugin-path"});
  }
  if (environment.plugin_path_set) {
    for (Folder& folder : from_variable(environment.plugin_path)) all.push_back(std::move(folder));
  }
  // The XDG specification has relative values ignored.
  if (environment.data_home.starts_with('/')) {
    all.push_back({fs::path(environment.data_home) / "odeum/plugins", "your data folder"});
  } else if (environment.home.starts_with('/')) {
    all.push_back({fs::path(environment.home) / ".local/share/odeum/plugins", "your data folder"});
  }
  if (!environment.library.empty())
    all.push_back({environment.library.parent_path() / "odeum/plugins", "the installation"});
  std::vector<Folder> once;
  for (Folder& folder : all) {
    folder.path = folder.path.lexically_normal();
    if (!folder.path.has_filename()) folder.path = folder.path.parent_path();
    const bool known = std::any_of(once.begin(), once.end(),
                                   [&](const Folder& f) { return f.path == folder.path; });
    if (!known) once.push_back(std::move(folder));
  }
  return once;
}

}  // namespace odeum::plugin
