// SPDX-License-Identifier: Apache-2.0
// Images in memory as bytes, and what the image datasets have in common: preparation when they are
// loaded (pool, pad, bits), augmentation when a training sample is read (crop, flip, erase), units.
//
// Columns: x [channels, height, width]; label {} where there are labels.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "odeum/dataset.hpp"
#include "odeum/random.hpp"

namespace odeum::datasets {

struct Images {
  std::int64_t count = 0;
  std::int64_t channels = 1;
  std::int64_t height = 0;
  std::int64_t width = 0;
  std::vector<std::uint8_t> pixels;  ///< [count, channels, height, width]
  std::vector<std::uint8_t> labels;  ///< [count], or empty

  std::int64_t elements() const { return channels * height * width; }
};

/// Images begin .. end - 1.
Images part(const Images& images, std::int64_t begin, std::int64_t end);
/// Means over squares of factor x factor pixels, rounded to whole numbers, halves up; rows and
/// columns of pixels beyond the last whole square are left out.
Images pooled(const Images& images, std::int64_t factor);
/// Zeros on each of the four sides.
Images padded(const Images& images, std::int64_t pixels);

/// The keys that an image dataset takes beside its files.
void declare_image_keys(Schema& schema);

/// Prepared training, validation and test images: what remains of a dataset is reading its files.
class ImageDataset : public Dataset {
 public:
  std::vector<Column> columns() const final;
  std::optional<std::int64_t> count(Split split) const final { return of(split).count; }
  void read(Split split, std::uint64_t key, std::span<const std::int64_t> samples,
            std::span<const std::span<double>> out) const final;

 protected:
  /// `test` may have no images. ConfigError at the key that does not fit the images.
  ImageDataset(const Config& config, const Images& train, const Images& test);

 private:
  /// Random erasing: Zhong et al., AAAI 2020, arXiv 1708.04896, algorithm 1.
  struct Erase {
    double probability = 0.0;
    double least_area = 0.0;
    double most_area = 0.0;
    double least_ratio = 1.0;
    double most_ratio = 1.0;
  };
  /// How one training sample is changed.
  struct Change {
    std::int64_t down = 0;
    std::int64_t right = 0;
    bool mirrored = false;
  };

  const Images& of(Split split) const;
  Images prepared(const Config& config, const Images& images) const;
  void read_units(const Config& config);
  void write(const Images& images, std::int64_t index, const Change& change,
             std::span<double> out) const;
  void erase(RandomStream& random, std::span<double> out) const;

  Images train_;
  Images validation_;
  Images test_;
  std::int64_t crop_ = 0;
  bool flip_ = false;
  std::optional<Erase> erase_;
  double scale_ = 1.0;
  std::vector<double> mean_;  ///< by channel
  std::vector<double> deviation_;
};

}  // namespace odeum::datasets
