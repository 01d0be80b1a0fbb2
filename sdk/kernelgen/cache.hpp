// SPDX-License-Identifier: Apache-2.0
// Cache: built modules on disk, found by everything that they were built from.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace odeum::kernelgen {

class Cache {
 public:
  /// In `folder`; made when something is first kept, for the user alone. An empty folder keeps
  /// nothing.
  explicit Cache(std::filesystem::path folder) : folder_(std::move(folder)) {}
  bool keeps() const { return !folder_.empty(); }
  /// What was kept for this content: compared in full, not by a hash.
  std::optional<std::string> find(const std::string& content) const;
  /// Keeps `built` for it: written beside and renamed, so that a reader finds all or nothing. A
  /// folder that cannot be written to keeps nothing.
  void keep(const std::string& content, const std::string& built) const;

 private:
  std::filesystem::path file(const std::string& content) const;
  std::filesystem::path folder_;
};

/// The folder that a user's setting means: "automatic" is odeum/kernels in the user's cache folder
/// (XDG_CACHE_HOME, else .cache in the home), "none" is no cache, anything else is a folder.
std::filesystem::path cache_folder(const std::string& setting);

}  // namespace odeum::kernelgen
