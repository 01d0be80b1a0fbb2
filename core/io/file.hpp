// SPDX-License-Identifier: Apache-2.0
// Files as the rest of odeum reads and writes them. A file that exists is whole: it is written
// beside its place, synced and renamed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace odeum::io {

/// The file's bytes. A ConfigError names the file and the system's reason.
std::string read_file(const std::filesystem::path& file);

/// Replaces the file by `bytes`: whoever opens it, also after a crash, sees the old content or the
/// new one. Leftovers of killed writers carry the ending ".partial". RunError: cannot be written.
void write_atomically(const std::filesystem::path& file, std::string_view bytes);

/// Makes the folder's entries durable.
void sync_folder(const std::filesystem::path& folder);

/// A file that grows by whole lines. RunError: cannot be written.
class LineFile {
 public:
  /// Opens or makes the file and cuts it to its first `size` bytes; it must have that many.
  LineFile(const std::filesystem::path& file, std::uint64_t size);
  ~LineFile();
  LineFile(const LineFile&) = delete;
  LineFile& operator=(const LineFile&) = delete;

  void append(std::string_view line);  ///< without the newline
  void sync();                         ///< until here the lines are durable
  std::uint64_t size() const { return size_; }

 private:
  std::filesystem::path file_;
  int descriptor_ = -1;
  std::uint64_t size_ = 0;
};

}  // namespace odeum::io
