// SPDX-License-Identifier: Apache-2.0
// Registry: finds plugins, checks them, loads them when they are first used, and makes their
// objects. A plugin lies at <folder>/<kind>/<any>.so; a file may hold several. The first folder of
// the search path that has a usable kind/name wins; two files of one folder that have the same one
// are both refused. Thread-safe; const, as looking and loading change nothing but what is known
// already. Libraries are never unloaded.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "config/lookup.hpp"
#include "odeum/plugin.hpp"
#include "plugin/elf.hpp"
#include "plugin/search_path.hpp"
#include "plugin/trust.hpp"

namespace odeum::plugin {

inline constexpr std::array kKinds = {"field",       "solver", "controller", "gradient",
                                      "regularizer", "block",  "objective",  "dataset",
                                      "optimizer",   "device"};

/// A plugin as its record says, without having been loaded.
struct Listed {
  std::string kind, name, version, summary, file;
  std::string unusable;  ///< why it cannot be used; empty: it can
};

/// Gives an object back to the library that made it.
struct PluginDeleter {
  void (*destroy)(void* object) = nullptr;
  template <class Interface>
  void operator()(Interface* object) const {
    destroy(object);
  }
};
template <class Interface>
using Owned = std::unique_ptr<Interface, PluginDeleter>;  ///< converts to a shared_ptr

/// The kind that an interface belongs to.
template <class Interface>
constexpr const char* kind_of();

class Registry {
 public:
  explicit Registry(std::vector<Folder> folders);

  /// What is installed, of one kind or ("") of all, by kind and name; unusable files included.
  /// Loads nothing. A ConfigError for a kind that there is not.
  std::vector<Listed> list(const std::string& kind = "") const;
  /// The usable plugin of that name, or null.
  const Listed* find(const std::string& kind, const std::string& name) const;
  /// find, with a ConfigError that says what was meant, where it was looked for and why candidates
  /// were passed over.
  const Listed& require(const std::string& kind, const std::string& name) const;
  /// The names that `find` finds.
  std::vector<std::string> names(const std::string& kind) const;
  /// The folders that were searched and the files that were passed over, a line each.
  std::string explain(const std::string& kind, const std::string& name) const;

  /// The plugin's own schema; loads it. Null where there is no such plugin; a ConfigError where it
  /// cannot be loaded or its schema() throws.
  const Schema* schema(const std::string& kind, const std::string& name) const;

  /// Makes the object that `config` describes (its kind and use). What the constructor throws
  /// arrives as a ConfigError or RunError that names the plugin and the configuration's place; a
  /// ConfigError keeps the place that it has. Interfaces of another kind are a bug.
  template <class Interface>
  Owned<Interface> create(const Config& config) const {
    auto [object, destroy] = make(config, kind_of<Interface>());
    return Owned<Interface>(static_cast<Interface*>(object), PluginDeleter{destroy});
  }

  /// Admits one file from anywhere, ahead of all folders; its components, also those that cannot
  /// be used (with the reason). To be called before anything is looked for. A ConfigError: there is
  /// no such file, or it is no plugin.
  std::vector<Listed> add_file(const std::string& file);

  /// For the validation of configurations. Refers to *this.
  config::SchemaLookup lookup() const;

  const std::vector<Folder>& folders() const { return folders_; }

 private:
  struct File {
    std::vector<FileRecord> records;
    std::vector<const PluginEntry*> entries;  // empty: not loaded
  };
  struct Found {
    std::vector<Listed> usable, passed_over;
    std::vector<std::string> looked;  // a line for each folder
  };
  using Name = std::pair<std::string, std::string>;

  Found& scan(const std::string& kind) const;
  void scan_folder(Found& found, const Folder& folder, const std::string& kind) const;
  std::vector<Listed> read_file(const std::string& path, const std::string& kind) const;
  bool given_file(const std::string& path) const;
  static void admit(Found& found, Listed listed);
  const PluginEntry& load(const Listed& listed) const;
  std::pair<void*, void (*)(void*)> make(const Config& config, const std::string& kind) const;

  const std::vector<Folder> folders_;
  std::vector<std::string> given_files_;
  const Account account_ = Account::current();
  mutable std::recursive_mutex mutex_;
  mutable std::map<std::string, Found> kinds_;
  mutable std::map<std::string, File> files_;
  mutable std::map<Name, Schema> schemas_;
};

/// The process's registry, made at the first call from set_plugin_path and the environment, and
/// never destroyed. ConfigError: a malformed ODEUM_PLUGIN_PATH.
Registry& registry();
/// The one whose `create` this thread is in, else the process's: a plugin's own components come
/// from where the plugin came from.
const Registry& creating_registry();
/// The folders of --plugin-path; to be called before registry().
void set_plugin_path(std::vector<std::string> folders);

template <class Interface>
constexpr const char* kind_of() {
  if constexpr (std::is_same_v<Interface, VectorField>)
    return "field";
  else if constexpr (std::is_same_v<Interface, Solver>)
    return "solver";
  else if constexpr (std::is_same_v<Interface, Controller>)
    return "controller";
  else if constexpr (std::is_same_v<Interface, GradientMethod>)
    return "gradient";
  else if constexpr (std::is_same_v<Interface, Regularizer>)
    return "regularizer";
  else if constexpr (std::is_same_v<Interface, Block>)
    return "block";
  else if constexpr (std::is_same_v<Interface, Objective>)
    return "objective";
  else if constexpr (std::is_same_v<Interface, Dataset>)
    return "dataset";
  else if constexpr (std::is_same_v<Interface, Optimizer>)
    return "optimizer";
  else {
    static_assert(std::is_same_v<Interface, Device>, "no plugin kind has this interface");
    return "device";
  }
}

}  // namespace odeum::plugin
