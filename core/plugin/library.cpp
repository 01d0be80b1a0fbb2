// SPDX-License-Identifier: Apache-2.0
#include "plugin/library.hpp"

#include <dlfcn.h>

#include <string>
#include <vector>

// Boost.DLL wants these two first.
#include <boost/dll/shared_library.hpp>
#include <boost/dll/shared_library_load_mode.hpp>
#include <cstring>
#include <exception>
#include <map>
#include <mutex>

#include "odeum/error.hpp"

namespace odeum::plugin {
namespace {

namespace dll = boost::dll;

constexpr const char* kEntryPoint = "odeum_plugin_entries";

[[noreturn]] void refuse(const std::filesystem::path& file, const std::string& why) {
  throw ConfigError("the plugin file " + file.string() + " cannot be used: " + why);
}

// The loader's own words, out of what Boost wraps around them.
std::string loader_text(const std::string& boost_text) {
  const std::string before = "dlerror system message: ";
  const auto begin = boost_text.find(before);
  if (begin == std::string::npos) return boost_text;
  const auto end = boost_text.rfind("): ");
  const auto from = begin + before.size();
  return boost_text.substr(from, end == std::string::npos || end < from ? end : end - from);
}

// Libraries are never unloaded: threads, thread-locals and exceptions of a plugin may outlive every
// object that it made.
dll::shared_library& keep(const std::filesystem::path& file) {
  // Of all registries together, each with a lock of its own alone.
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  static auto* const libraries = new std::map<std::filesystem::path, dll::shared_library>();
  if (const auto known = libraries->find(file); known != libraries->end()) return known->second;
  const auto mode = dll::load_mode::rtld_now | dll::load_mode::rtld_local |
                    static_cast<dll::load_mode::type>(RTLD_NODELETE);
  try {
    return libraries->emplace(file, dll::shared_library(file, mode)).first->second;
  } catch (const ConfigError&) {
    throw;
  } catch (const std::exception& error) {
    refuse(file, loader_text(error.what()));
  }
}

}  // namespace

std::vector<const PluginEntry*> load_library(const std::filesystem::path& file,
                                             const std::vector<FileRecord>& records) {
  // A bare name would be looked for in the current folder.
  if (!file.is_absolute()) bug("load_library: " + file.string() + " is not absolute");
  dll::shared_library& library = keep(file);
  if (!library.has(kEntryPoint))
    refuse(file, std::string("it lacks the symbol ") + kEntryPoint +
                     "; odeum_add_plugin() links plugins as they have to be");
  const PluginEntries table = library.get<PluginEntries()>(kEntryPoint)();
  if (table.count != records.size())
    refuse(file, "it declares " + std::to_string(table.count) + " plugins, its records are " +
                     std::to_string(records.size()) + ": build it again");
  std::vector<const PluginEntry*> entries;
  for (const FileRecord& record : records) {
    const PluginEntry* found = nullptr;
    for (std::size_t i = 0; i < table.count; ++i) {
      if (std::memcmp(table.first[i].record, record.bytes.data(), record.bytes.size()) == 0)
        found = &table.first[i];
    }
    if (!found)
      refuse(file, "what was loaded is not what its record of " + record.kind + "/" + record.name +
                       " says: the file was exchanged meanwhile, or has to be built again");
    entries.push_back(found);
  }
  return entries;
}

std::string why_other_abi(const FileRecord& record) {
  const std::string ours = ODEUM_ABI_TAG;
  const std::string advice =
      ": build the plugin again with this odeum's SDK and compiler, or use the odeum it was built "
      "for";
  if (record.abi != ours)
    return "it was built for " + record.abi + ", this odeum is " + ours + advice;
  if (record.size != sizeof(PluginRecord))
    return "its record has " + std::to_string(record.size) + " bytes, this odeum's has " +
           std::to_string(sizeof(PluginRecord)) + advice;
  return "";
}

}  // namespace odeum::plugin
