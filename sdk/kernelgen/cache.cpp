// SPDX-License-Identifier: Apache-2.0
#include "kernelgen/cache.hpp"

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <random>
#include <system_error>

namespace odeum::kernelgen {
namespace {

namespace fs = std::filesystem;

constexpr const char* kHead = "odeum kernels 1\n";

std::uint64_t hash(const std::string& text) {  // FNV-1a
  std::uint64_t value = 14695981039346656037ULL;
  for (const char c : text) value = (value ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  return value;
}

std::string opening(const std::string& content) {
  return kHead + std::to_string(content.size()) + "\n" + content;
}

/// Tells whether the bytes behind it are all there.
std::string sealed(const std::string& built) {
  return std::to_string(built.size()) + " " + std::to_string(hash(built));
}

}  // namespace

fs::path cache_folder(const std::string& setting) {
  if (setting == "none") return {};
  if (setting != "automatic") return setting;
  const char* cache = std::getenv("XDG_CACHE_HOME");
  if (cache != nullptr && cache[0] == '/') return fs::path(cache) / "odeum" / "kernels";
  const char* home = std::getenv("HOME");
  if (home == nullptr || home[0] != '/') return {};
  return fs::path(home) / ".cache" / "odeum" / "kernels";
}

fs::path Cache::file(const std::string& content) const {
  char name[32];
  std::snprintf(name, sizeof name, "%016llx", static_cast<unsigned long long>(hash(content)));
  return folder_ / name;
}

std::optional<std::string> Cache::find(const std::string& content) const {
  if (folder_.empty()) return std::nullopt;
  std::ifstream in(file(content), std::ios::binary);
  if (!in) return std::nullopt;
  const std::string kept{std::istreambuf_iterator<char>(in), {}};
  const std::string start = opening(content);
  if (kept.size() <= start.size() || kept.compare(0, start.size(), start) != 0) return std::nullopt;
  // Drivers trust binaries: what is not whole never reaches them.
  const std::size_t end = kept.find('\n', start.size());
  if (end == std::string::npos) return std::nullopt;
  std::string built = kept.substr(end + 1);
  if (kept.compare(start.size(), end - start.size(), sealed(built)) != 0) return std::nullopt;
  return built;
}

void Cache::keep(const std::string& content, const std::string& built) const {
  if (folder_.empty() || built.empty()) return;
  std::error_code error;
  if (!fs::is_directory(folder_, error)) {
    fs::create_directories(folder_, error);
    if (!error) fs::permissions(folder_, fs::perms::owner_all, error);
    if (error) return;
  }
  const fs::path place = file(content);
  const fs::path beside = place.string() + "." + std::to_string(std::random_device{}());
  {
    std::ofstream out(beside, std::ios::binary);
    out << opening(content) << sealed(built) << "\n" << built;
    if (!out.flush()) error = std::make_error_code(std::errc::io_error);
  }
  if (!error) fs::rename(beside, place, error);
  if (error) fs::remove(beside, error);
}

}  // namespace odeum::kernelgen
