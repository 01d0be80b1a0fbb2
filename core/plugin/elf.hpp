// SPDX-License-Identifier: Apache-2.0
// Reads the records of a plugin file without loading it: the section `.odeum` of a 64-bit ELF
// library. Nothing in the file is trusted: every offset is checked, no input makes it throw.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "odeum/abi.hpp"

namespace odeum::plugin {

/// One record as it stands in the file. Only `abi` is known of a record of another size than
/// this odeum's; `kind` to `summary` are empty then.
struct FileRecord {
  std::uint32_t size = 0;
  std::string abi, kind, name, version, summary;
  std::array<std::byte, sizeof(PluginRecord)> bytes{};
};

struct FileRecords {
  std::vector<FileRecord> list;
  std::string wrong;  ///< why there is none to trust: "not an ELF file"; empty: all is well
};

/// Random access to a file's bytes.
struct ByteSource {
  std::uint64_t size = 0;
  /// Fills `out` from `offset`; false when it cannot. Only asked for ranges inside `size`.
  std::function<bool(std::uint64_t offset, std::span<std::byte> out)> read;
};

FileRecords read_records(const ByteSource& source) noexcept;
FileRecords read_records(const std::filesystem::path& file) noexcept;

}  // namespace odeum::plugin
