// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "../images.hpp"
#include "../source.hpp"
#include "odeum/dataset.hpp"
#include "odeum/plugin.hpp"

namespace odeum::datasets {
namespace {

constexpr std::size_t kPixels = 3 * 32 * 32;
constexpr std::size_t kRecord = 1 + kPixels;
constexpr int kClasses = 10;
constexpr int kTrainingFiles = 5;

/// Appends the records of one file: a label, then red, green and blue planes, row by row.
void append(const std::filesystem::path& file, Images& images) {
  const Place place{file.string(), 0, 0};
  const std::string bytes = read_bytes(place.file);
  if (bytes.empty() || bytes.size() % kRecord != 0) {
    throw wrong(place, "has " + std::to_string(bytes.size()) +
                           " bytes, which are no whole number of records of " +
                           std::to_string(kRecord) +
                           " (label and 3 x 32 x 32 pixels): it is truncated, or not "
                           "CIFAR-10's binary version");
  }
  for (std::size_t at = 0; at < bytes.size(); at += kRecord) {
    const auto label = static_cast<std::uint8_t>(bytes[at]);
    if (label >= kClasses) {
      throw wrong(place, "the label of record " + std::to_string(at / kRecord) + " is " +
                             std::to_string(label) + "; labels are 0 .. 9");
    }
    images.labels.push_back(label);
    const auto begin = bytes.begin() + static_cast<std::ptrdiff_t>(at + 1);
    images.pixels.insert(images.pixels.end(), begin, begin + static_cast<std::ptrdiff_t>(kPixels));
    ++images.count;
  }
}

class Cifar10 final : public ImageDataset {
 public:
  static Schema schema() {
    Schema s(
        "CIFAR-10 in its binary version: data_batch_1.bin .. data_batch_5.bin for training and "
        "test_batch.bin. Columns x [3, 32, 32] and label");
    s.cite("Krizhevsky, Learning multiple layers of features from tiny images, 2009");
    s.path("folder", "where the six files lie");
    declare_image_keys(s);
    return s;
  }

  explicit Cifar10(const Config& config) : Cifar10(config, training(config)) {}

 private:
  Cifar10(const Config& config, const Images& train) : ImageDataset(config, train, test(config)) {}

  static Images training(const Config& config) {
    Images images{0, 3, 32, 32, {}, {}};
    for (int i = 1; i <= kTrainingFiles; ++i) {
      const std::string name = "data_batch_" + std::to_string(i) + ".bin";
      append(std::filesystem::path(config.path("folder")) / name, images);
    }
    return images;
  }
  static Images test(const Config& config) {
    Images images{0, 3, 32, 32, {}, {}};
    append(std::filesystem::path(config.path("folder")) / "test_batch.bin", images);
    return images;
  }
};

ODEUM_PLUGIN(dataset, "cifar10", Cifar10, "1.0.0", "CIFAR-10 in its binary version")

}  // namespace
}  // namespace odeum::datasets
