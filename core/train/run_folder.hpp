// SPDX-License-Identifier: Apache-2.0
// RunFolder: the files of one training.
//
//   config.yaml      the resolved configuration
//   metrics.jsonl    one JSON object per logged step and per validation
//   timing.jsonl     seconds (and device traffic) a step, by logged step; differs from run to run
//   summary.json     what came out, written at the end
//   report.html      all of it to look at, with pictures/ (report/)
//   checkpoints/     step-00000200.safetensors, ..., best.safetensors
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace odeum::train {

class RunFolder {
 public:
  /// Makes the folder with its configuration and what `fill` writes into it. It appears whole or
  /// not at all: it is made under another name beside its place and renamed. A ConfigError where
  /// there is something at `path` already.
  static RunFolder create(const std::filesystem::path& path, const std::string& config,
                          const std::function<void(const RunFolder&)>& fill);
  /// The folder of an earlier training. A ConfigError where it is none.
  static RunFolder open(const std::filesystem::path& path);
  /// Whether there is a folder, or anything else, at that path that a new run must not touch.
  static bool taken(const std::filesystem::path& path);

  ~RunFolder();
  RunFolder(RunFolder&& other) noexcept;
  RunFolder& operator=(RunFolder&&) = delete;

  /// Keeps other processes from training in this folder, as long as this object lives. A
  /// ConfigError where one does.
  void lock();

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path config() const { return path_ / "config.yaml"; }
  std::filesystem::path metrics() const { return path_ / "metrics.jsonl"; }
  std::filesystem::path timing() const { return path_ / "timing.jsonl"; }
  std::filesystem::path summary() const { return path_ / "summary.json"; }
  std::filesystem::path report() const { return path_ / "report.html"; }
  std::filesystem::path checkpoint(std::int64_t step) const;
  std::filesystem::path best() const { return path_ / "checkpoints" / "best.safetensors"; }

  /// Steps that there are checkpoints of, ascending.
  std::vector<std::int64_t> checkpoints() const;
  /// The checkpoint that evaluation uses: the best one, else the last. A ConfigError: there is
  /// none.
  std::filesystem::path final_checkpoint() const;
  /// Makes a copy of a step's checkpoint the best one.
  void keep_as_best(std::int64_t step) const;
  /// Removes all checkpoints but the newest `keep`, and what killed writers left.
  void prune(std::int64_t keep) const;

 private:
  explicit RunFolder(std::filesystem::path path) : path_(std::move(path)) {}
  std::filesystem::path path_;
  int lock_ = -1;
};

}  // namespace odeum::train
