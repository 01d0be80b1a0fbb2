// SPDX-License-Identifier: Apache-2.0
// Images with labels as pipelines of tests have them: a `data:` entry, and rows to feed.
#pragma once

#include <fstream>
#include <string>

#include "pipeline_of.hpp"

namespace odeum::model_tests {

/// A `data:` entry of grey images with labels 0 .. 9. What stands in its files does not matter: a
/// test feeds the pipeline with its own rows.
class LabelledImages {
 public:
  explicit LabelledImages(std::uint8_t side) : side_(side) {
    static int count = 0;
    path_ = std::filesystem::temp_directory_path() /
            ("odeum_images_" + std::to_string(::getpid()) + "_" + std::to_string(count++));
    std::filesystem::create_directories(path_);
    const auto extent = [](std::uint8_t n) { return std::string(3, '\0') + static_cast<char>(n); };
    write("images.idx", std::string("\0\0\x08\x03", 4) + extent(4) + extent(side) + extent(side) +
                            std::string(std::size_t{4} * side * side, '\1'));
    write("labels.idx", std::string("\0\0\x08\x01", 4) + extent(4) + std::string(4, '\1'));
  }
  ~LabelledImages() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  LabelledImages(const LabelledImages&) = delete;
  LabelledImages& operator=(const LabelledImages&) = delete;

  std::string yaml() const {
    return "{use: idx, train: " + (path_ / "images.idx").string() +
           ", train_labels: " + (path_ / "labels.idx").string() + ", batch: 8}";
  }
  /// `count` normal images from sample `first` on, with labels.
  model::Batch rows(std::int64_t count, std::int64_t first = 0) const {
    const std::int64_t pixels = std::int64_t{1} * side_ * side_;
    Values x;
    Values labels;
    for (std::int64_t i = first; i < first + count; ++i) {
      const Values image = normal(static_cast<std::size_t>(pixels), static_cast<std::uint64_t>(i));
      x.insert(x.end(), image.begin(), image.end());
      labels.push_back(static_cast<double>(i % 10));
    }
    model::Batch batch = rows_of(std::move(x), pixels, first);
    batch.columns.push_back(std::move(labels));
    return batch;
  }

 private:
  void write(const std::string& name, const std::string& bytes) const {
    std::ofstream(path_ / name, std::ios::binary) << bytes;
  }

  std::filesystem::path path_;
  std::uint8_t side_;
};

}  // namespace odeum::model_tests
