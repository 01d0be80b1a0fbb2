// SPDX-License-Identifier: Apache-2.0
#include "train/run_folder.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "io/file.hpp"
#include "odeum/error.hpp"

namespace odeum::train {
namespace {

namespace fs = std::filesystem;

constexpr const char* kPrefix = "step-";
constexpr const char* kSuffix = ".safetensors";

/// The step of a checkpoint's file name, or -1.
std::int64_t step_of(const fs::path& file) {
  const std::string name = file.filename().string();
  const std::string prefix = kPrefix;
  const std::string suffix = kSuffix;
  if (name.size() <= prefix.size() + suffix.size() || name.rfind(prefix, 0) != 0) return -1;
  if (name.compare(name.size() - suffix.size(), suffix.size(), suffix) != 0) return -1;
  std::int64_t step = -1;
  const char* end = name.data() + name.size() - suffix.size();
  const auto [stop, error] = std::from_chars(name.data() + prefix.size(), end, step);
  return error == std::errc() && stop == end ? step : -1;
}

/// Removes what runs of this name that were killed while they were made have left.
void remove_leftovers(const fs::path& place) {
  const std::string prefix = "." + place.filename().string() + ".partial-";
  std::error_code ignored;
  std::vector<fs::path> leftovers;
  for (const auto& entry : fs::directory_iterator(place.parent_path(), ignored)) {
    const std::string name = entry.path().filename().string();
    if (name.rfind(prefix, 0) != 0) continue;
    const int process = std::atoi(name.c_str() + prefix.size());
    if (process > 0 && ::kill(process, 0) != 0 && errno == ESRCH) leftovers.push_back(entry.path());
  }
  for (const fs::path& leftover : leftovers) fs::remove_all(leftover, ignored);
}

}  // namespace

bool RunFolder::taken(const fs::path& path) {
  std::error_code ignored;
  if (!fs::exists(fs::symlink_status(path, ignored))) return false;
  return !fs::is_directory(path, ignored) || !fs::is_empty(path, ignored);
}

RunFolder RunFolder::create(const fs::path& path, const std::string& config,
                            const std::function<void(const RunFolder&)>& fill) {
  const fs::path absolute = fs::absolute(path).lexically_normal();
  const fs::path place = absolute.has_filename() ? absolute : absolute.parent_path();
  RunFolder beside(place.parent_path() /
                   ("." + place.filename().string() + ".partial-" + std::to_string(::getpid())));
  remove_leftovers(place);
  try {
    fs::create_directories(beside.path_ / "checkpoints");
    io::write_atomically(beside.config(), config);
    fill(beside);
    io::sync_folder(beside.path_);
    if (taken(place)) throw ConfigError("the run folder " + place.string() + " exists already");
    fs::rename(beside.path_, place);
    io::sync_folder(place.parent_path());
  } catch (const fs::filesystem_error& error) {
    std::error_code ignored;
    fs::remove_all(beside.path_, ignored);
    throw ConfigError("cannot make the run folder " + place.string() + ": " +
                      error.code().message());
  } catch (...) {
    std::error_code ignored;
    fs::remove_all(beside.path_, ignored);
    throw;
  }
  return RunFolder(place);
}

RunFolder RunFolder::open(const fs::path& path) {
  RunFolder run(fs::absolute(path).lexically_normal());
  if (!fs::is_directory(run.path_)) throw ConfigError("there is no run folder " + path.string());
  if (!fs::exists(run.config())) {
    throw ConfigError(path.string() + " is no run folder: it has no config.yaml");
  }
  return run;
}

RunFolder::~RunFolder() {
  if (lock_ >= 0) ::close(lock_);
}

RunFolder::RunFolder(RunFolder&& other) noexcept
    : path_(std::move(other.path_)), lock_(std::exchange(other.lock_, -1)) {}

void RunFolder::lock() {
  lock_ = ::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (lock_ < 0 || ::flock(lock_, LOCK_EX | LOCK_NB) != 0) {
    throw ConfigError("another process is training in " + path_.string());
  }
}

fs::path RunFolder::checkpoint(std::int64_t step) const {
  char name[64];
  std::snprintf(name, sizeof name, "%s%08lld%s", kPrefix, static_cast<long long>(step), kSuffix);
  return path_ / "checkpoints" / name;
}

std::vector<std::int64_t> RunFolder::checkpoints() const {
  std::vector<std::int64_t> steps;
  std::error_code missing;
  for (const auto& entry : fs::directory_iterator(path_ / "checkpoints", missing)) {
    if (const std::int64_t step = step_of(entry.path()); step >= 0) steps.push_back(step);
  }
  std::sort(steps.begin(), steps.end());
  return steps;
}

fs::path RunFolder::final_checkpoint() const {
  if (fs::exists(best())) return best();
  const auto steps = checkpoints();
  if (steps.empty()) throw ConfigError(path_.string() + " has no checkpoint");
  return checkpoint(steps.back());
}

void RunFolder::keep_as_best(std::int64_t step) const {
  io::write_atomically(best(), io::read_file(checkpoint(step)));
}

void RunFolder::prune(std::int64_t keep) const {
  std::error_code ignored;
  auto steps = checkpoints();
  while (static_cast<std::int64_t>(steps.size()) > keep) {
    fs::remove(checkpoint(steps.front()), ignored);
    steps.erase(steps.begin());
  }
  for (const auto& entry : fs::directory_iterator(path_ / "checkpoints", ignored)) {
    if (entry.path().extension() == ".partial") fs::remove(entry.path(), ignored);
  }
}

}  // namespace odeum::train
