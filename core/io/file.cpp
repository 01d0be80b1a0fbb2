// SPDX-License-Identifier: Apache-2.0
#include "io/file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "odeum/error.hpp"

namespace odeum::io {
namespace {

[[noreturn]] void fail(const std::filesystem::path& file, const char* verb) {
  const int reason = errno;
  throw RunError("cannot " + std::string(verb) + " " + file.string() + ": " +
                 std::strerror(reason));
}

class Descriptor {
 public:
  Descriptor(const std::filesystem::path& file, int flags)
      : value_(::open(file.c_str(), flags | O_CLOEXEC, 0666)) {}
  ~Descriptor() {
    if (value_ >= 0) ::close(value_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return value_; }
  bool open() const { return value_ >= 0; }

 private:
  int value_;
};

void write_all(int descriptor, std::string_view bytes, const std::filesystem::path& file) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      fail(file, "write");
    }
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

}  // namespace

std::string read_file(const std::filesystem::path& file) {
  const auto refuse = [&](int reason) {
    throw ConfigError(Place{file.string()},
                      "cannot be read: " + std::string(std::strerror(reason)));
  };
  const Descriptor input(file, O_RDONLY);
  if (!input.open()) refuse(errno);
  std::string bytes;
  struct stat status {};
  if (::fstat(input.get(), &status) == 0 && S_ISREG(status.st_mode)) {
    bytes.reserve(static_cast<std::size_t>(status.st_size));
  }
  char part[1 << 16];
  while (true) {
    const ssize_t got = ::read(input.get(), part, sizeof part);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) refuse(errno);
    if (got == 0) return bytes;
    bytes.append(part, static_cast<std::size_t>(got));
  }
}

void write_atomically(const std::filesystem::path& file, std::string_view bytes) {
  std::filesystem::path beside = file;
  beside += ".partial";
  {
    const Descriptor output(beside, O_WRONLY | O_CREAT | O_TRUNC);
    if (!output.open()) fail(beside, "write");
    write_all(output.get(), bytes, beside);
    if (::fsync(output.get()) != 0) fail(beside, "sync");
  }
  if (::rename(beside.c_str(), file.c_str()) != 0) fail(file, "replace");
  sync_folder(file.has_parent_path() ? file.parent_path() : ".");
}

void sync_folder(const std::filesystem::path& folder) {
  const Descriptor opened(folder, O_RDONLY | O_DIRECTORY);
  if (!opened.open()) fail(folder, "open");
  // Some file systems cannot sync a folder and say EINVAL; their renames are durable anyway.
  if (::fsync(opened.get()) != 0 && errno != EINVAL) fail(folder, "sync");
}

LineFile::LineFile(const std::filesystem::path& file, std::uint64_t size)
    : file_(file), size_(size) {
  descriptor_ = ::open(file.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
  if (descriptor_ < 0) fail(file, "write");
  struct stat status {};
  if (::fstat(descriptor_, &status) != 0) fail(file, "inspect");
  if (static_cast<std::uint64_t>(status.st_size) < size) {
    throw RunError(file.string() + " has " + std::to_string(status.st_size) +
                   " bytes, fewer than the " + std::to_string(size) +
                   " that were written when the checkpoint was made");
  }
  if (::ftruncate(descriptor_, static_cast<off_t>(size)) != 0) fail(file, "truncate");
  if (::lseek(descriptor_, 0, SEEK_END) < 0) fail(file, "seek in");
}

LineFile::~LineFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void LineFile::append(std::string_view line) {
  std::string whole(line);
  whole += '\n';
  write_all(descriptor_, whole, file_);
  size_ += whole.size();
}

void LineFile::sync() {
  if (::fsync(descriptor_) != 0) fail(file_, "sync");
}

}  // namespace odeum::io
