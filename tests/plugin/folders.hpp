// SPDX-License-Identifier: Apache-2.0
// Plugin folders made for one test out of the libraries that the build made.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "odeum/error.hpp"
#include "plugin/registry.hpp"

namespace odeum::plugin::test {

inline std::filesystem::path library(const std::string& name) {
  return std::filesystem::path(ODEUM_TEST_LIBRARIES) / (name + ".so");
}

/// A folder for plugins, removed at its end.
class PluginFolder {
 public:
  PluginFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "odeum-plugin-XXXXXX").string();
    if (!::mkdtemp(name.data())) throw std::runtime_error("no temporary folder");
    path_ = name;
  }
  PluginFolder(const PluginFolder&) = delete;
  PluginFolder& operator=(const PluginFolder&) = delete;
  ~PluginFolder() { std::filesystem::remove_all(path_); }

  const std::filesystem::path& path() const { return path_; }

  /// Copies a library of the build to <kind>/<name>.so.
  std::filesystem::path add(const std::string& name, const std::string& kind = "controller",
                            const std::string& as = "") const {
    auto file = place(kind, as.empty() ? name : as);
    std::filesystem::copy_file(library(name), file);
    using std::filesystem::perms;
    std::filesystem::permissions(file, perms::owner_all | perms::group_read | perms::others_read);
    return file;
  }
  /// Writes any bytes to <kind>/<name>.so.
  std::filesystem::path write(const std::string& bytes, const std::string& name) const {
    auto file = place("controller", name);
    std::ofstream(file, std::ios::binary) << bytes;
    std::filesystem::permissions(file, std::filesystem::perms(0644));
    return file;
  }
  Folder folder() const { return {path_, "a test"}; }

 private:
  std::filesystem::path place(const std::string& kind, const std::string& name) const {
    std::filesystem::create_directories(path_ / kind);
    std::filesystem::permissions(path_ / kind, std::filesystem::perms(0755));
    return path_ / kind / (name + ".so");
  }

  std::filesystem::path path_;
};

/// A validated configuration of controller/name, as core/config makes it.
inline Config configuration(const std::string& name, double value = 1.0) {
  Config config;
  config.kind_ = "controller";
  config.use_ = name;
  config.path_ = "solver.controller";
  config.place_ = {"x.yaml", 3, 5};
  config.entries_["value"] = {value, {"x.yaml", 3, 20}, true, KeyType::number};
  return config;
}

/// What a call throws, with its type: "ConfigError: ...".
template <class Call>
std::string thrown(const Call& call) {
  try {
    call();
  } catch (const ConfigError& error) {
    return std::string("ConfigError: ") + error.what();
  } catch (const RunError& error) {
    return std::string("RunError: ") + error.what();
  } catch (const std::logic_error& error) {
    return std::string("bug: ") + error.what();
  }
  return "nothing";
}

}  // namespace odeum::plugin::test
