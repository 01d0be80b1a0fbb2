// SPDX-License-Identifier: Apache-2.0
#include "plugin/registry.hpp"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "config/nearest.hpp"
#include "plugin/library.hpp"
#include "plugin/trace.hpp"

namespace odeum::plugin {
namespace {

namespace fs = std::filesystem;

std::string full_name(const std::string& kind, const std::string& name) {
  return kind + "/" + name;
}

/// Plugin files in the current folder, which is not searched, that the name could have meant.
std::string in_current_folder(const std::string& kind, const std::string& name) {
  std::error_code error;
  const fs::path here = fs::current_path(error);
  std::string text;
  for (const fs::path& place : {fs::path(name + ".so"), fs::path(kind) / (name + ".so")}) {
    if (error || !fs::exists(here / place, error)) continue;
    text.append("  not looked in the current folder, which has ").append(place.string());
    text.append("; --plugin-path DIR searches DIR/").append(kind).append("/*.so\n");
  }
  return text;
}

void check_kind(const std::string& kind) {
  if (std::find(kKinds.begin(), kKinds.end(), kind) == kKinds.end())
    throw ConfigError("there is no plugin kind '" + kind + "'; " +
                      config::suggestion(kind, {kKinds.begin(), kKinds.end()}, "there are"));
}

/// Whose `create` this thread is in.
thread_local const Registry* creating = nullptr;

class Creating {
 public:
  explicit Creating(const Registry& registry) : outer_(std::exchange(creating, &registry)) {}
  ~Creating() { creating = outer_; }
  Creating(const Creating&) = delete;
  Creating& operator=(const Creating&) = delete;

 private:
  const Registry* outer_;
};

}  // namespace

const Registry& creating_registry() { return creating != nullptr ? *creating : registry(); }

Registry::Registry(std::vector<Folder> folders) : folders_(std::move(folders)) {}

std::vector<Listed> Registry::add_file(const std::string& file) {
  const std::lock_guard lock(mutex_);
  if (!kinds_.empty()) bug("registry: add_file was called after something was looked for");
  std::error_code error;
  const fs::path path = fs::canonical(file, error);
  if (error) throw ConfigError(file + ": " + error.message());
  Listed unknown;
  unknown.name = path.stem().string();
  unknown.file = path.string();
  unknown.unusable = why_untrusted(path, account_);
  if (!unknown.unusable.empty()) return {unknown};
  const FileRecords records = read_records(path);
  unknown.unusable = records.wrong;
  if (!unknown.unusable.empty()) return {unknown};

  given_files_.push_back(unknown.file);
  std::vector<Listed> components;
  for (const FileRecord& record : records.list) {
    unknown.kind = record.kind;
    unknown.name = record.name;
    unknown.version = record.version;
    const bool kind = std::find(kKinds.begin(), kKinds.end(), record.kind) != kKinds.end();
    if (!kind) {
      const std::string other = why_other_abi(record);
      unknown.unusable = other.empty() ? "there is no plugin kind '" + record.kind + "'" : other;
      components.push_back(unknown);
      continue;
    }
    const Found& found = scan(record.kind);
    for (const auto* list : {&found.usable, &found.passed_over}) {
      for (const Listed& listed : *list) {
        if (listed.file == unknown.file && listed.name == record.name) components.push_back(listed);
      }
    }
  }
  return components;
}

std::vector<Listed> Registry::list(const std::string& kind) const {
  if (!kind.empty()) check_kind(kind);
  const std::lock_guard lock(mutex_);
  std::vector<Listed> all;
  for (const char* one : kKinds) {
    if (!kind.empty() && kind != one) continue;
    const Found& found = scan(one);
    std::vector<Listed> of_kind = found.usable;
    of_kind.insert(of_kind.end(), found.passed_over.begin(), found.passed_over.end());
    std::stable_sort(of_kind.begin(), of_kind.end(),
                     [](const Listed& a, const Listed& b) { return a.name < b.name; });
    all.insert(all.end(), of_kind.begin(), of_kind.end());
  }
  return all;
}

const Listed* Registry::find(const std::string& kind, const std::string& name) const {
  const std::lock_guard lock(mutex_);
  for (const Listed& listed : scan(kind).usable) {
    if (listed.name == name) return &listed;
  }
  return nullptr;
}

const Listed& Registry::require(const std::string& kind, const std::string& name) const {
  check_kind(kind);
  if (const Listed* found = find(kind, name)) return *found;
  throw ConfigError("there is no " + kind + " '" + name + "'; " +
                    config::suggestion(name, names(kind), "there are") + "\n" +
                    explain(kind, name));
}

std::vector<std::string> Registry::names(const std::string& kind) const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> names;
  for (const Listed& listed : scan(kind).usable) names.push_back(listed.name);
  std::sort(names.begin(), names.end());
  return names;
}

std::string Registry::explain(const std::string& kind, const std::string& name) const {
  const std::lock_guard lock(mutex_);
  const Found& found = scan(kind);
  std::string text;
  for (const std::string& line : found.looked) text += "  looked in " + line + "\n";
  for (const Listed& listed : found.passed_over) {
    // A file that is hidden by a better one says nothing about another name.
    const bool hidden = listed.name != name && find(kind, listed.name);
    if (!hidden) text += "  passed over " + listed.file + ": " + listed.unusable + "\n";
  }
  text += in_current_folder(kind, name);
  if (!text.empty()) text.pop_back();
  return text;
}

const PluginEntry& Registry::load(const Listed& listed) const {
  File& file = files_.at(listed.file);
  if (file.entries.empty()) {
    trace("loading " + listed.file);
    std::error_code error;
    const fs::path real = fs::canonical(listed.file, error);
    file.entries = load_library(error ? fs::path(listed.file) : real, file.records);
  }
  for (std::size_t i = 0; i < file.records.size(); ++i) {
    if (file.records[i].kind == listed.kind && file.records[i].name == listed.name)
      return *file.entries[i];
  }
  bug("registry: " + listed.file + " has no " + full_name(listed.kind, listed.name));
}

const Schema* Registry::schema(const std::string& kind, const std::string& name) const {
  const std::lock_guard lock(mutex_);
  const Name key{kind, name};
  if (const auto known = schemas_.find(key); known != schemas_.end()) return &known->second;
  const Listed* listed = find(kind, name);
  if (!listed) return nullptr;
  const PluginEntry& entry = load(*listed);
  const std::string what = "the plugin " + full_name(kind, name) + " (" + listed->file + ")";
  try {
    return &schemas_.emplace(key, entry.schema()).first->second;
  } catch (const std::exception& error) {
    throw ConfigError(what + " failed to say its schema: " + error.what());
  } catch (...) {
    throw ConfigError(what + " failed to say its schema, with an exception of an unknown type");
  }
}

std::pair<void*, void (*)(void*)> Registry::make(const Config& config,
                                                 const std::string& kind) const {
  if (config.kind() != kind)
    bug("registry: a " + kind + " is asked for, the configuration is one of a " + config.kind());
  const PluginEntry* entry = nullptr;
  {
    const std::lock_guard lock(mutex_);
    entry = &load(require(kind, config.use()));
  }
  const std::string who = "the plugin " + full_name(kind, config.use());
  const auto refuse = [&](const std::string& why) { config.fail("", who + " refused it: " + why); };
  const Creating here(*this);
  try {
    return {entry->create(config), entry->destroy};
  } catch (const ConfigError& error) {
    throw ConfigError(std::string(error.what()) + " [" + full_name(kind, config.use()) + "]");
  } catch (const RunError& error) {
    throw RunError(who + ": " + error.what());
  } catch (const std::bad_alloc&) {
    throw RunError(who + ": there is not enough memory");
  } catch (const std::exception& error) {
    refuse(error.what());
  } catch (...) {
    refuse("an exception of an unknown type");
  }
  bug("registry: unreachable");
}

config::SchemaLookup Registry::lookup() const {
  return {[this](const std::string& kind, const std::string& name) { return schema(kind, name); },
          [this](const std::string& kind) { return names(kind); },
          [this](const std::string& kind, const std::string& name) { return explain(kind, name); }};
}

namespace {

std::vector<std::string>& given_path() {
  static std::vector<std::string> path;
  return path;
}

bool& made() {
  static bool flag = false;
  return flag;
}

}  // namespace

void set_plugin_path(std::vector<std::string> folders) {
  if (made()) bug("set_plugin_path: the registry has been made already");
  given_path() = std::move(folders);
}

Registry& registry() {
  static Registry* const one = [] {
    auto made_now = std::make_unique<Registry>(search_path(Environment::current(given_path())));
    made() = true;
    return made_now.release();
  }();
  return *one;
}

}  // namespace odeum::plugin
