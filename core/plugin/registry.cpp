// SPDX-License-Identifier: Apache-2.0
#include "plugin/registry.hpp"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "config/nearest.hpp"
#include "plugin/library.hpp"
#include "plugin/trace.hpp"

namespace odeum::plugin {
namespace {

namespace fs = std::filesystem;

std::string full_name(const std::string& kind, const std::string& name) {
  return kind + "/" + name;
}

std::vector<fs::path> libraries_in(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    if (it->path().extension() == ".so") files.push_back(it->path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

void check_kind(const std::string& kind) {
  if (std::find(kKinds.begin(), kKinds.end(), kind) == kKinds.end())
    throw ConfigError("there is no plugin kind '" + kind + "'; " +
                      config::suggestion(kind, {kKinds.begin(), kKinds.end()}, "there are"));
}

}  // namespace

Registry::Registry(std::vector<Folder> folders) : folders_(std::move(folders)) {}

Registry::Found& Registry::scan(const std::string& kind) const {
  const auto [known, fresh] = kinds_.try_emplace(kind);
  if (fresh) {
    for (const std::string& file : given_files_) scan_file(known->second, file, kind);
    for (const Folder& folder : folders_) scan_folder(known->second, folder, kind);
  }
  return known->second;
}

void Registry::scan_folder(Found& found, const Folder& folder, const std::string& kind) const {
  const fs::path path = folder.path / kind;
  const std::string shown = path.string() + " (" + folder.origin + ")";
  std::error_code error;
  if (!fs::is_directory(path, error)) {
    found.looked.push_back(shown + ": there is no such folder");
    trace(found.looked.back());
    return;
  }
  for (const fs::path& level : {folder.path, path}) {
    const std::string why = why_untrusted(level, account_);
    if (why.empty()) continue;
    std::string line = shown + ": not used, ";
    if (level != path) line.append(level.string()).append(": ");
    found.looked.push_back(line.append(why));
    trace(found.looked.back());
    return;
  }
  const auto files = libraries_in(path);
  found.looked.push_back(shown + ": " + std::to_string(files.size()) +
                         (files.size() == 1 ? " file" : " files"));
  trace(found.looked.back());
  for (const fs::path& file : files) {
    const fs::path real = fs::canonical(file, error);
    if (error || !given_file(real.string())) scan_file(found, file.string(), kind);
  }
}

void Registry::scan_file(Found& found, const std::string& path, const std::string& kind) const {
  Listed unknown;
  unknown.kind = kind;
  unknown.name = fs::path(path).stem().string();
  unknown.file = path;
  unknown.unusable = why_untrusted(path, account_);
  if (!unknown.unusable.empty()) return admit(found, unknown);
  FileRecords records = read_records(fs::path(path));
  unknown.unusable = records.wrong;
  if (!unknown.unusable.empty()) return admit(found, unknown);
  for (const FileRecord& record : records.list) {
    Listed listed{kind, record.name, record.version, record.summary, path, why_other_abi(record)};
    if (listed.name.empty()) listed.name = unknown.name;
    if (record.kind != kind && given_file(path)) continue;
    if (listed.unusable.empty() && record.kind != kind)
      listed.unusable = "its record says " + full_name(record.kind, record.name) +
                        ", so its place is the folder " + record.kind;
    admit(found, std::move(listed));
  }
  files_[path].records = std::move(records.list);
}

void Registry::admit(Found& found, Listed listed) {
  if (listed.unusable.empty()) {
    const auto earlier = std::find_if(found.usable.begin(), found.usable.end(),
                                      [&](const Listed& l) { return l.name == listed.name; });
    if (earlier != found.usable.end())
      listed.unusable = full_name(listed.kind, listed.name) + " comes from " + earlier->file +
                        " already, which is searched first";
  }
  const bool usable = listed.unusable.empty();
  trace(listed.file + ": " + full_name(listed.kind, listed.name) +
        (usable ? " " + listed.version : " passed over: " + listed.unusable));
  (usable ? found.usable : found.passed_over).push_back(std::move(listed));
}

bool Registry::given_file(const std::string& path) const {
  return std::find(given_files_.begin(), given_files_.end(), path) != given_files_.end();
}

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
