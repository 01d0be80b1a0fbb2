// SPDX-License-Identifier: Apache-2.0
#include "windows.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>

#include "odeum/error.hpp"

namespace odeum::datasets {

std::vector<Stretch> series_of(std::span<const double> numbers) {
  std::vector<Stretch> series;
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    if (i == 0 || numbers[i] != numbers[i - 1]) {
      series.push_back({static_cast<std::int64_t>(i), 0});
    }
    series.back().end = static_cast<std::int64_t>(i) + 1;
  }
  return series;
}

Windows::Windows(std::vector<double> values, std::int64_t features, const WindowRule& rule,
                 const std::vector<Stretch>& series, const SplitRule& split)
    : values_(std::move(values)), features_(features), rule_(rule) {
  if (series.size() == 1) {
    divide_rows(series.front(), split);
  } else {
    divide_series(series, split);
  }
}

std::span<const double> Windows::row(std::int64_t index) const {
  const auto width = static_cast<std::size_t>(features_);
  return {values_.data() + static_cast<std::size_t>(index) * width, width};
}

bool Windows::usable(std::int64_t begin) const {
  const auto known = [](double value) { return !std::isnan(value); };
  const std::span<const double> first = row(begin);
  if (!std::all_of(first.begin(), first.end(), known)) return false;
  for (std::int64_t k = 1; k <= rule_.rows; ++k) {
    const std::span<const double> next = row(begin + k * rule_.spacing);
    if (std::any_of(next.begin(), next.end(), known)) return true;
  }
  return false;
}

std::vector<std::int64_t> Windows::begins_in(const Stretch& stretch) const {
  std::vector<std::int64_t> begins;
  for (std::int64_t i = stretch.begin; i + rule_.reach() < stretch.end; i += rule_.stride) {
    if (usable(i)) begins.push_back(i);
  }
  return begins;
}

void Windows::divide_series(const std::vector<Stretch>& series, const SplitRule& split) {
  const SplitRows chosen = split_rows(split, static_cast<std::int64_t>(series.size()));
  const auto collect = [&](const std::vector<std::int64_t>& indices,
                           std::vector<std::int64_t>& to) {
    for (const std::int64_t index : indices) {
      const std::vector<std::int64_t> own = begins_in(series[static_cast<std::size_t>(index)]);
      to.insert(to.end(), own.begin(), own.end());
    }
  };
  collect(chosen.train, begins_.train);
  collect(chosen.validation, begins_.validation);
  collect(chosen.test, begins_.test);
}

void Windows::divide_rows(const Stretch& whole, const SplitRule& split) {
  if (split.shuffled) {
    const std::vector<std::int64_t> begins = begins_in(whole);
    const SplitRows chosen = split_rows(split, static_cast<std::int64_t>(begins.size()));
    const auto collect = [&](const std::vector<std::int64_t>& indices,
                             std::vector<std::int64_t>& to) {
      for (const std::int64_t index : indices)
        to.push_back(begins[static_cast<std::size_t>(index)]);
    };
    collect(chosen.train, begins_.train);
    collect(chosen.validation, begins_.validation);
    collect(chosen.test, begins_.test);
    return;
  }
  const SplitRows rows = split_rows(split, whole.end - whole.begin);
  const auto collect = [&](const std::vector<std::int64_t>& own) {
    if (own.empty()) return std::vector<std::int64_t>{};
    return begins_in({whole.begin + own.front(), whole.begin + own.back() + 1});
  };
  begins_ = {collect(rows.train), collect(rows.validation), collect(rows.test)};
}

std::int64_t Windows::count(Split split) const {
  return static_cast<std::int64_t>(begins_.of(split).size());
}

std::int64_t Windows::standardize() {
  const auto width = static_cast<std::size_t>(features_);
  std::vector<bool> seen(values_.size() / width, false);
  for (const std::int64_t begin : begins_.train) {
    for (std::int64_t k = 0; k <= rule_.rows; ++k)
      seen[static_cast<std::size_t>(begin + k * rule_.spacing)] = true;
  }
  std::vector<double> mean(width, 0.0);
  std::vector<double> deviation(width, 0.0);
  for (std::size_t j = 0; j < width; ++j) {
    std::vector<double> known;
    for (std::size_t i = 0; i < seen.size(); ++i) {
      if (seen[i] && !std::isnan(values_[i * width + j])) known.push_back(values_[i * width + j]);
    }
    const auto count = static_cast<double>(known.size());
    for (const double value : known) mean[j] += value / count;
    for (const double value : known) {
      deviation[j] += (value - mean[j]) * (value - mean[j]) / count;
    }
    deviation[j] = std::sqrt(deviation[j]);
    // A mean of equal numbers can miss them by rounding, which is no spread.
    if (!(deviation[j] > 1e-14 * std::abs(mean[j]))) return static_cast<std::int64_t>(j);
  }
  for (std::size_t i = 0; i < values_.size(); ++i) {
    values_[i] = (values_[i] - mean[i % width]) / deviation[i % width];
  }
  return -1;
}

void Windows::read(Split split, std::int64_t sample, const Places& to) const {
  const std::vector<std::int64_t>& begins = begins_.of(split);
  if (begins.empty()) bug("a window was read from a split that has none");
  const std::int64_t begin = begins[static_cast<std::size_t>(sample) % begins.size()];
  if (!to.first.empty()) std::copy_n(row(begin).begin(), to.first.size(), to.first.begin());
  std::size_t at = 0;
  for (std::int64_t k = 1; k <= rule_.rows; ++k) {
    for (const double value : row(begin + k * rule_.spacing)) {
      const bool missing = std::isnan(value);
      if (!to.following.empty()) to.following[at] = value;
      if (!to.known.empty()) to.known[at] = missing ? 0.0 : value;
      if (!to.observed.empty()) to.observed[at] = missing ? 0.0 : 1.0;
      ++at;
    }
  }
}

}  // namespace odeum::datasets
