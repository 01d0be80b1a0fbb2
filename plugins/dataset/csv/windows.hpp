// SPDX-License-Identifier: Apache-2.0
// Windows of time series: a state, and the states that follow it.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "../split.hpp"
#include "odeum/dataset.hpp"

namespace odeum::datasets {

struct WindowRule {
  std::int64_t rows = 0;     ///< states that follow
  std::int64_t spacing = 1;  ///< rows from one state to the next
  std::int64_t stride = 1;   ///< rows from one window to the next

  /// Rows from a window's first state to its last.
  std::int64_t reach() const { return rows * spacing; }
};

/// Rows begin .. end - 1 of a file, consecutive in time.
struct Stretch {
  std::int64_t begin = 0;
  std::int64_t end = 0;
};

/// Stretches of equal numbers.
std::vector<Stretch> series_of(std::span<const double> numbers);

class Windows {
 public:
  /// `values` is row-major with `features` numbers a row; not-a-number: missing. Windows lie in one
  /// of `series`. Those that begin with a missing number, or have nothing behind their beginning,
  /// are left out. Several series are assigned to splits whole. One alone is cut by a contiguous
  /// rule, and windows across a cut are left out; a shuffled rule assigns its windows, which then
  /// have to lie apart.
  Windows(std::vector<double> values, std::int64_t features, const WindowRule& rule,
          const std::vector<Stretch>& series, const SplitRule& split);

  std::int64_t features() const { return features_; }
  std::int64_t following() const { return rule_.rows; }
  std::int64_t count(Split split) const;

  /// From now on features have mean 0 and deviation 1 over what is known of the rows of training
  /// windows, each row once. Returns the first feature that is constant there, or -1; then nothing
  /// is changed.
  std::int64_t standardize();

  /// Where a window goes; empty: not wanted.
  struct Places {
    std::span<double> first;      ///< its first state
    std::span<double> following;  ///< those behind it, one after another
    std::span<double> known;      ///< the same with 0 for what is missing
    std::span<double> observed;   ///< 1, and 0 for what is missing
  };
  /// Samples past the end of a split start over.
  void read(Split split, std::int64_t sample, const Places& to) const;

 private:
  std::span<const double> row(std::int64_t index) const;
  std::vector<std::int64_t> begins_in(const Stretch& stretch) const;
  bool usable(std::int64_t begin) const;
  void divide_series(const std::vector<Stretch>& series, const SplitRule& split);
  void divide_rows(const Stretch& whole, const SplitRule& split);

  std::vector<double> values_;
  std::int64_t features_;
  WindowRule rule_;
  SplitRows begins_;  ///< first rows of the splits' windows
};

}  // namespace odeum::datasets
