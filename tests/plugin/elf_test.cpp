// SPDX-License-Identifier: Apache-2.0
// The record reader on good files, on damaged ones, and on noise.
#include "plugin/elf.hpp"

#include <elf.h>

#include <cstring>
#include <random>
#include <sstream>

#include "plugin/folders.hpp"

namespace odeum::plugin::test {
namespace {

using Bytes = std::vector<std::byte>;

Bytes bytes_of(const std::string& name) {
  std::ifstream stream(library(name), std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  const std::string all = text.str();
  Bytes bytes(all.size());
  std::memcpy(bytes.data(), all.data(), all.size());
  return bytes;
}

FileRecords read(const Bytes& bytes) {
  ByteSource source;
  source.size = bytes.size();
  source.read = [&](std::uint64_t offset, std::span<std::byte> out) {
    // The reader must never ask for more than there is.
    EXPECT_LE(offset, bytes.size());
    EXPECT_LE(out.size(), bytes.size() - offset);
    std::memcpy(out.data(), bytes.data() + offset, out.size());
    return true;
  };
  return read_records(source);
}

template <class T>
T get(const Bytes& bytes, std::size_t offset) {
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof(T));
  return value;
}

template <class T>
void put(Bytes& bytes, std::size_t offset, T value) {
  std::memcpy(bytes.data() + offset, &value, sizeof(T));
}

// Offset of the section header of `.odeum`.
std::size_t odeum_header(const Bytes& bytes) {
  const auto header = get<Elf64_Ehdr>(bytes, 0);
  const auto names =
      get<Elf64_Shdr>(bytes, header.e_shoff + header.e_shstrndx * sizeof(Elf64_Shdr)).sh_offset;
  for (std::size_t i = 0; i < header.e_shnum; ++i) {
    const std::size_t at = header.e_shoff + i * sizeof(Elf64_Shdr);
    const auto* name =
        reinterpret_cast<const char*>(bytes.data()) + names + get<Elf64_Shdr>(bytes, at).sh_name;
    if (std::strcmp(name, ".odeum") == 0) return at;
  }
  throw std::logic_error("no .odeum");
}

TEST(RecordReader, ReadsEveryRecordOfAFile) {
  const FileRecords records = read_records(library("good"));
  EXPECT_EQ(records.wrong, "");
  ASSERT_EQ(records.list.size(), 2U);
  EXPECT_EQ(records.list[0].abi, ODEUM_ABI_TAG);
  EXPECT_EQ(records.list[0].kind, "controller");
  std::vector<std::string> names = {records.list[0].name, records.list[1].name};
  EXPECT_THAT(names, testing::UnorderedElementsAre("good", "also_good"));
}

TEST(RecordReader, SaysWhatIsWrongWithAFile) {
  EXPECT_EQ(read({}).wrong, "it is not an ELF file");
  EXPECT_EQ(read(Bytes(1000, std::byte{0})).wrong, "it is not an ELF file");
  EXPECT_EQ(read_records(library("no_record")).wrong,
            "it has no section .odeum: it is not an odeum plugin");
  EXPECT_EQ(read_records(std::filesystem::path("/nowhere.so")).wrong,
            "it cannot be opened: No such file or directory");
  EXPECT_EQ(read_records(std::filesystem::path("/tmp")).wrong.empty(), false);
}

TEST(RecordReader, RefusesLibrariesOfOtherMachines) {
  Bytes bytes = bytes_of("good");
  put<unsigned char>(bytes, EI_CLASS, ELFCLASS32);
  EXPECT_EQ(read(bytes).wrong, "it is not a 64-bit library");
  bytes = bytes_of("good");
  put<unsigned char>(bytes, EI_DATA, ELFDATA2MSB);
  EXPECT_EQ(read(bytes).wrong, "it is a library for a big-endian machine");
  bytes = bytes_of("good");
  put<Elf64_Half>(bytes, offsetof(Elf64_Ehdr, e_type), ET_EXEC);
  EXPECT_EQ(read(bytes).wrong, "it is not a shared library");
}

TEST(RecordReader, RefusesDamagedTables) {
  const Bytes good = bytes_of("good");
  Bytes bytes = good;
  put<Elf64_Off>(bytes, offsetof(Elf64_Ehdr, e_shoff), ~Elf64_Off{0} - 8);
  EXPECT_EQ(read(bytes).wrong, "the file is truncated");
  bytes = good;
  put<Elf64_Half>(bytes, offsetof(Elf64_Ehdr, e_shnum), 0);
  EXPECT_EQ(read(bytes).wrong, "it has no section table");
  bytes = good;
  put<Elf64_Half>(bytes, offsetof(Elf64_Ehdr, e_shstrndx), 0xffff);
  EXPECT_EQ(read(bytes).wrong, "it has no section table");
  bytes = good;
  put<Elf64_Half>(bytes, offsetof(Elf64_Ehdr, e_shentsize), 1);
  EXPECT_EQ(read(bytes).wrong, "its section table is damaged");
  const std::size_t header = odeum_header(good);
  bytes = good;
  put<Elf64_Xword>(bytes, header + offsetof(Elf64_Shdr, sh_size), ~Elf64_Xword{0});
  EXPECT_EQ(read(bytes).wrong, "the file is truncated");
  bytes = good;
  put<Elf64_Xword>(bytes, header + offsetof(Elf64_Shdr, sh_size), 0);
  EXPECT_EQ(read(bytes).wrong, "its record is empty");
  bytes = good;
  put<Elf64_Xword>(bytes, header + offsetof(Elf64_Shdr, sh_size), 100);
  EXPECT_EQ(read(bytes).wrong, "its record is truncated");
}

TEST(RecordReader, RefusesDamagedRecords) {
  const Bytes good = bytes_of("good");
  const auto record = get<Elf64_Shdr>(good, odeum_header(good)).sh_offset;
  Bytes bytes = good;
  put<std::uint32_t>(bytes, record, 0x12345678);
  EXPECT_EQ(read(bytes).wrong, "its record does not begin with odeum's magic number");
  bytes = good;
  put<std::uint32_t>(bytes, record + offsetof(PluginRecord, size), 0);
  EXPECT_EQ(read(bytes).wrong, "its record is damaged");
  bytes = good;
  put<std::uint32_t>(bytes, record + offsetof(PluginRecord, size), 1 << 30);
  EXPECT_EQ(read(bytes).wrong, "its record is damaged");
  bytes = good;
  std::memset(bytes.data() + record + offsetof(PluginRecord, name), 'x',
              sizeof(PluginRecord::name));
  EXPECT_EQ(read(bytes).wrong, "its record is damaged") << "a name without an end";
  bytes = good;
  std::memcpy(bytes.data() + record + offsetof(PluginRecord, name), "../evil", 8);
  EXPECT_EQ(read(bytes).wrong, "its record names no plugin: 'controller/../evil'");
}

TEST(RecordReader, SurvivesAFileCutAnywhere) {
  const Bytes good = bytes_of("good");
  // The section table is the last thing in the file: every cut loses it.
  for (std::size_t size = 0; size < good.size(); size += 61) {
    const FileRecords records =
        read(Bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size)));
    EXPECT_NE(records.wrong, "") << size;
    EXPECT_TRUE(records.list.empty()) << size;
  }
}

TEST(RecordReader, SurvivesNoiseInEveryTableOfAFile) {
  const Bytes good = bytes_of("good");
  const auto header = get<Elf64_Ehdr>(good, 0);
  const auto record = get<Elf64_Shdr>(good, odeum_header(good));
  std::mt19937 random(7);
  const auto noise_in = [&](Bytes& bytes, std::size_t begin, std::size_t size) {
    for (int i = 0; i < 4; ++i) bytes[begin + random() % size] = static_cast<std::byte>(random());
  };
  int refused = 0;
  for (int trial = 0; trial < 3000; ++trial) {
    Bytes bytes = good;
    if (trial % 3 == 0) noise_in(bytes, 0, sizeof(Elf64_Ehdr));
    if (trial % 3 == 1) noise_in(bytes, header.e_shoff, header.e_shnum * sizeof(Elf64_Shdr));
    if (trial % 3 == 2) noise_in(bytes, record.sh_offset, record.sh_size);
    refused += read(bytes).wrong.empty() ? 0 : 1;
  }
  EXPECT_GT(refused, 1000) << "most noise is seen; the test is whether it is survived";
}

}  // namespace
}  // namespace odeum::plugin::test
