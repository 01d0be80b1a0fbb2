// SPDX-License-Identifier: Apache-2.0
// Rows of numbers with splits, jitter and standardisation: what the file datasets share.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "odeum/dataset.hpp"
#include "split.hpp"

namespace odeum::datasets {

class Table {
 public:
  /// `values` is row-major with `features` numbers a row, all finite.
  Table(std::vector<double> values, std::int64_t features, SplitRows rows);

  /// Values of feature i get uniform noise in (0, widths[i]) each time they are read: for features
  /// that take few values, whose density would be infinite. To be called before `standardize`.
  void set_jitter(std::vector<double> widths);

  /// From now on features have mean 0 and deviation 1 over the training rows, jitter included.
  /// Returns the first feature that is constant there, or -1; then nothing is changed.
  std::int64_t standardize();

  std::int64_t features() const { return features_; }
  std::int64_t count(Split split) const {
    return static_cast<std::int64_t>(rows_.of(split).size());
  }

  /// Writes the features of a sample. Samples past the end of a split start over: sample i is row
  /// i mod count, with jitter of its own, drawn from RandomStream(key, i).
  void read(Split split, std::uint64_t key, std::int64_t sample, std::span<double> out) const;

 private:
  std::span<const double> row(std::int64_t index) const;

  std::vector<double> values_;
  std::int64_t features_;
  SplitRows rows_;
  std::vector<double> jitter_;
  std::vector<double> mean_;
  std::vector<double> deviation_;
};

}  // namespace odeum::datasets
