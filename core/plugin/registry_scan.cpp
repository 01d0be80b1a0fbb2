// SPDX-License-Identifier: Apache-2.0
// What lies in the folders of the search path: records read, unusable files and duplicates told.
#include <algorithm>
#include <filesystem>
#include <system_error>

#include "plugin/library.hpp"
#include "plugin/registry.hpp"
#include "plugin/trace.hpp"

namespace odeum::plugin {
namespace {

namespace fs = std::filesystem;

std::string full_name(const Listed& listed) { return listed.kind + "/" + listed.name; }

std::vector<fs::path> libraries_in(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    if (it->path().extension() == ".so") files.push_back(it->path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

/// Two usable files of one folder with the same name: nothing says which is meant, so neither is
/// used. A link to the other file is the same plugin.
void refuse_duplicates(std::vector<Listed>& folder) {
  const std::vector<Listed> before = folder;
  for (Listed& listed : folder) {
    if (!listed.unusable.empty()) continue;
    for (const Listed& other : before) {
      std::error_code error;
      const bool rival = other.unusable.empty() && other.name == listed.name &&
                         other.file != listed.file &&
                         !fs::equivalent(other.file, listed.file, error);
      if (!rival) continue;
      listed.unusable =
          full_name(listed) + " is in " + other.file + " too, beside it: remove one of them";
      break;
    }
  }
}

}  // namespace

Registry::Found& Registry::scan(const std::string& kind) const {
  const auto [known, fresh] = kinds_.try_emplace(kind);
  if (fresh) {
    for (const std::string& file : given_files_) {
      for (Listed& listed : read_file(file, kind)) admit(known->second, std::move(listed));
    }
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
  const auto files = libraries_in(path);
  std::string untrusted;
  for (const fs::path& level : {folder.path, path}) {
    const std::string why = why_untrusted(level, account_);
    if (untrusted.empty() && !why.empty()) untrusted = level.string() + ": " + why;
  }
  const std::string count = std::to_string(files.size()) + (files.size() == 1 ? " file" : " files");
  found.looked.push_back(shown + ": " + (untrusted.empty() ? count : "not used, " + untrusted));
  trace(found.looked.back());
  std::vector<Listed> all;
  for (const fs::path& file : files) {
    if (!untrusted.empty()) {
      all.push_back({kind, file.stem().string(), "", "", file.string(), "its folder " + untrusted});
      continue;
    }
    const fs::path real = fs::canonical(file, error);
    if (!error && given_file(real.string())) continue;
    for (Listed& listed : read_file(file.string(), kind)) all.push_back(std::move(listed));
  }
  refuse_duplicates(all);
  for (Listed& listed : all) admit(found, std::move(listed));
}

std::vector<Listed> Registry::read_file(const std::string& path, const std::string& kind) const {
  Listed unknown;
  unknown.kind = kind;
  unknown.name = fs::path(path).stem().string();
  unknown.file = path;
  unknown.unusable = why_untrusted(path, account_);
  if (!unknown.unusable.empty()) return {unknown};
  FileRecords records = read_records(fs::path(path));
  unknown.unusable = records.wrong;
  if (!unknown.unusable.empty()) return {unknown};
  std::vector<Listed> all;
  const bool some_belong_here =
      std::any_of(records.list.begin(), records.list.end(),
                  [&](const FileRecord& record) { return record.kind == kind; });
  for (const FileRecord& record : records.list) {
    Listed listed{kind, record.name, record.version, record.summary, path, why_other_abi(record)};
    if (listed.name.empty()) listed.name = unknown.name;
    // A file with components of several kinds is found by a link in the folder of each.
    const bool elsewhere = some_belong_here || given_file(path);
    if (elsewhere && record.kind != kind && !record.kind.empty()) continue;
    if (listed.unusable.empty() && record.kind != kind)
      listed.unusable = "its record says " + record.kind + "/" + record.name +
                        ", so its place is the folder " + record.kind;
    all.push_back(std::move(listed));
  }
  files_[path].records = std::move(records.list);
  return all;
}

void Registry::admit(Found& found, Listed listed) {
  if (listed.unusable.empty()) {
    const auto earlier = std::find_if(found.usable.begin(), found.usable.end(),
                                      [&](const Listed& l) { return l.name == listed.name; });
    if (earlier != found.usable.end())
      listed.unusable =
          full_name(listed) + " comes from " + earlier->file + " already, which is searched first";
  }
  const bool usable = listed.unusable.empty();
  trace(listed.file + ": " + full_name(listed) +
        (usable ? " " + listed.version : " passed over: " + listed.unusable));
  (usable ? found.usable : found.passed_over).push_back(std::move(listed));
}

bool Registry::given_file(const std::string& path) const {
  return std::find(given_files_.begin(), given_files_.end(), path) != given_files_.end();
}

}  // namespace odeum::plugin
