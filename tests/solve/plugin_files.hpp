// SPDX-License-Identifier: Apache-2.0
// Components for tests, straight from the plugin files that the build made.
#pragma once

#include <dlfcn.h>

#include <cstdlib>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>

#include "odeum/abi.hpp"
#include "odeum/plugin.hpp"

namespace odeum::testing {

/// A schema's defaults, with some keys given.
inline Config config_of(const std::string& kind, const std::string& use, const Schema& schema,
                        const std::map<std::string, Config::Value>& given = {}) {
  Config config;
  config.kind_ = kind;
  config.use_ = use;
  for (const Key& key : schema.keys()) {
    Config::Entry entry;
    std::visit(
        [&](const auto& value) {
          if constexpr (!std::is_same_v<std::decay_t<decltype(value)>, std::monostate>) {
            entry.value = value;
          }
        },
        key.default_value);
    config.entries_[key.name] = entry;
  }
  for (const auto& [key, value] : given) config.entries_[key] = {value, {}, true};
  return config;
}

inline const PluginEntry& plugin_entry(const std::string& kind, const std::string& name) {
  const std::string path =
      std::string(std::getenv("ODEUM_PLUGIN_PATH")) + "/" + kind + "/" + name + ".so";
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) throw std::runtime_error(dlerror());
  const auto entries =
      reinterpret_cast<PluginEntries (*)()>(dlsym(library, "odeum_plugin_entries"))();
  for (std::size_t i = 0; i < entries.count; ++i) {
    if (entries.first[i].record->name == name) return entries.first[i];
  }
  throw std::runtime_error("no plugin " + name + " in " + path);
}

/// The named plugin with its defaults and the given keys.
template <class Interface>
std::shared_ptr<Interface> component(const std::string& kind, const std::string& name,
                                     const std::map<std::string, Config::Value>& given = {}) {
  const PluginEntry& entry = plugin_entry(kind, name);
  void* object = entry.create(config_of(kind, name, entry.schema(), given));
  return {static_cast<Interface*>(object), [&entry](Interface* made) { entry.destroy(made); }};
}

}  // namespace odeum::testing
