// SPDX-License-Identifier: Apache-2.0
#include "plugin/elf.hpp"

#include <elf.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <exception>
#include <type_traits>

namespace odeum::plugin {
namespace {

// A library declares a handful of plugins; what is larger is damaged.
constexpr std::uint64_t kLargestSection = 1 << 20;
constexpr std::uint64_t kLargestNames = 1 << 24;

/// What is wrong with a file, on its way out of the reader.
struct Wrong {
  std::string text;
};

template <class T>
T read_as(const ByteSource& source, std::uint64_t offset) {
  static_assert(std::is_trivially_copyable_v<T>);
  if (offset > source.size || source.size - offset < sizeof(T))
    throw Wrong{"the file is truncated"};
  T value;
  if (!source.read(offset, std::as_writable_bytes(std::span(&value, 1))))
    throw Wrong{"the file cannot be read"};
  return value;
}

std::vector<std::byte> read_range(const ByteSource& source, std::uint64_t offset,
                                  std::uint64_t size, std::uint64_t largest) {
  if (offset > source.size || source.size - offset < size) throw Wrong{"the file is truncated"};
  if (size > largest) throw Wrong{"a section of it has an impossible size"};
  std::vector<std::byte> bytes(size);
  if (size > 0 && !source.read(offset, bytes)) throw Wrong{"the file cannot be read"};
  return bytes;
}

Elf64_Ehdr read_header(const ByteSource& source) {
  if (source.size < EI_NIDENT) throw Wrong{"it is not an ELF file"};
  const auto ident = read_as<std::array<unsigned char, EI_NIDENT>>(source, 0);
  if (std::memcmp(ident.data(), ELFMAG, SELFMAG) != 0) throw Wrong{"it is not an ELF file"};
  if (ident[EI_CLASS] != ELFCLASS64) throw Wrong{"it is not a 64-bit library"};
  if (ident[EI_DATA] != ELFDATA2LSB) throw Wrong{"it is a library for a big-endian machine"};
  const auto header = read_as<Elf64_Ehdr>(source, 0);
  if (header.e_type != ET_DYN) throw Wrong{"it is not a shared library"};
  if (header.e_shentsize != sizeof(Elf64_Shdr)) throw Wrong{"its section table is damaged"};
  return header;
}

Elf64_Shdr read_section(const ByteSource& source, const Elf64_Ehdr& header, std::uint64_t index) {
  if (header.e_shoff > source.size) throw Wrong{"the file is truncated"};
  return read_as<Elf64_Shdr>(source, header.e_shoff + index * sizeof(Elf64_Shdr));
}

std::vector<std::byte> odeum_section(const ByteSource& source) {
  const Elf64_Ehdr header = read_header(source);
  if (header.e_shnum == 0 || header.e_shstrndx >= header.e_shnum)
    throw Wrong{"it has no section table"};
  const Elf64_Shdr names_header = read_section(source, header, header.e_shstrndx);
  const auto names =
      read_range(source, names_header.sh_offset, names_header.sh_size, kLargestNames);
  constexpr char wanted[] = ".odeum";
  for (std::uint64_t i = 0; i < header.e_shnum; ++i) {
    const Elf64_Shdr section = read_section(source, header, i);
    const bool fits =
        section.sh_name < names.size() && names.size() - section.sh_name >= sizeof(wanted);
    if (!fits || std::memcmp(names.data() + section.sh_name, wanted, sizeof(wanted)) != 0) continue;
    if (section.sh_type == SHT_NOBITS) throw Wrong{"its record is empty"};
    return read_range(source, section.sh_offset, section.sh_size, kLargestSection);
  }
  throw Wrong{"it has no section .odeum: it is not an odeum plugin"};
}

std::string text_at(std::span<const std::byte> record, std::size_t offset, std::size_t size) {
  const auto* begin = reinterpret_cast<const char*>(record.data()) + offset;
  const auto* end = std::find(begin, begin + size, '\0');
  const bool printable = std::all_of(
      begin, end, [](char c) { return static_cast<unsigned char>(c) >= 0x20 && c != 0x7f; });
  if (end == begin + size || !printable) throw Wrong{"its record is damaged"};
  return {begin, end};
}

bool is_plugin_name(const std::string& text) {
  return !text.empty() && text[0] >= 'a' && text[0] <= 'z' &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
         });
}

FileRecord read_record(std::span<const std::byte> bytes) {
  constexpr std::size_t smallest = offsetof(PluginRecord, kind);
  FileRecord record;
  std::uint32_t magic = 0;
  if (bytes.size() < smallest) throw Wrong{"its record is truncated"};
  std::memcpy(&magic, bytes.data() + offsetof(PluginRecord, magic), sizeof(magic));
  std::memcpy(&record.size, bytes.data() + offsetof(PluginRecord, size), sizeof(record.size));
  if (magic != kPluginMagic) throw Wrong{"its record does not begin with odeum's magic number"};
  if (record.size < smallest || record.size > bytes.size()) throw Wrong{"its record is damaged"};
  record.abi = text_at(bytes, offsetof(PluginRecord, abi), sizeof(PluginRecord::abi));
  if (record.size != sizeof(PluginRecord)) return record;
  record.kind = text_at(bytes, offsetof(PluginRecord, kind), sizeof(PluginRecord::kind));
  record.name = text_at(bytes, offsetof(PluginRecord, name), sizeof(PluginRecord::name));
  record.version = text_at(bytes, offsetof(PluginRecord, version), sizeof(PluginRecord::version));
  record.summary = text_at(bytes, offsetof(PluginRecord, summary), sizeof(PluginRecord::summary));
  if (!is_plugin_name(record.kind) || !is_plugin_name(record.name))
    throw Wrong{"its record names no plugin: '" + record.kind + "/" + record.name + "'"};
  std::copy_n(bytes.begin(), record.bytes.size(), record.bytes.begin());
  return record;
}

std::vector<FileRecord> records_of(std::span<const std::byte> section) {
  std::vector<FileRecord> records;
  // The linker may pad between the records of two object files, with zeros, to their alignment.
  constexpr std::size_t alignment = alignof(PluginRecord);
  for (std::size_t at = 0; section.size() - at >= alignment;) {
    std::uint32_t word = 0;
    std::memcpy(&word, section.data() + at, sizeof(word));
    if (word == 0) {
      at += alignment;
      continue;
    }
    records.push_back(read_record(section.subspan(at)));
    at += (records.back().size + alignment - 1) / alignment * alignment;
    at = std::min(at, section.size());
  }
  if (records.empty()) throw Wrong{"its record is empty"};
  return records;
}

/// A file descriptor that is closed.
class OpenFile {
 public:
  explicit OpenFile(const std::filesystem::path& file)
      : descriptor_(::open(file.c_str(), O_RDONLY | O_CLOEXEC)) {}
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  ~OpenFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  explicit operator bool() const { return descriptor_ >= 0; }
  std::uint64_t size() const {
    const off_t end = ::lseek(descriptor_, 0, SEEK_END);
    return end < 0 ? 0 : static_cast<std::uint64_t>(end);
  }
  bool read(std::uint64_t offset, std::span<std::byte> out) const {
    while (!out.empty()) {
      const ssize_t got = ::pread(descriptor_, out.data(), out.size(), static_cast<off_t>(offset));
      if (got <= 0) return false;
      offset += static_cast<std::uint64_t>(got);
      out = out.subspan(static_cast<std::size_t>(got));
    }
    return true;
  }

 private:
  int descriptor_;
};

}  // namespace

FileRecords read_records(const ByteSource& source) noexcept {
  FileRecords result;
  try {
    result.list = records_of(odeum_section(source));
  } catch (const Wrong& wrong) {
    result.wrong = wrong.text;
  } catch (const std::exception& error) {
    result.wrong = std::string("it cannot be read: ") + error.what();
  }
  return result;
}

FileRecords read_records(const std::filesystem::path& file) noexcept {
  const OpenFile open(file);
  if (!open) return {{}, std::string("it cannot be opened: ") + std::strerror(errno)};
  ByteSource source;
  source.size = open.size();
  source.read = [&open](std::uint64_t offset, std::span<std::byte> out) {
    return open.read(offset, out);
  };
  return read_records(source);
}

}  // namespace odeum::plugin
