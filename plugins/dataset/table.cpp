// SPDX-License-Identifier: Apache-2.0
#include "table.hpp"

#include <algorithm>
#include <cmath>

#include "odeum/random.hpp"

namespace odeum::datasets {

Table::Table(std::vector<double> values, std::int64_t features, SplitRows rows)
    : values_(std::move(values)), features_(features), rows_(std::move(rows)) {}

void Table::set_jitter(std::vector<double> widths) { jitter_ = std::move(widths); }

std::span<const double> Table::row(std::int64_t index) const {
  const auto width = static_cast<std::size_t>(features_);
  return {values_.data() + static_cast<std::size_t>(index) * width, width};
}

std::int64_t Table::standardize() {
  const auto width = static_cast<std::size_t>(features_);
  const auto count = static_cast<double>(rows_.train.size());
  std::vector<double> mean(width, 0.0);
  std::vector<double> variance(width, 0.0);
  for (const std::int64_t index : rows_.train) {
    const std::span<const double> x = row(index);
    for (std::size_t j = 0; j < width; ++j) mean[j] += x[j] / count;
  }
  for (const std::int64_t index : rows_.train) {
    const std::span<const double> x = row(index);
    for (std::size_t j = 0; j < width; ++j)
      variance[j] += (x[j] - mean[j]) * (x[j] - mean[j]) / count;
  }
  for (std::size_t j = 0; j < width; ++j) {
    const double jitter = jitter_.empty() ? 0.0 : jitter_[j];
    // Uniform noise on (0, w) has mean w / 2 and variance w^2 / 12.
    mean[j] += jitter / 2.0;
    variance[j] += jitter * jitter / 12.0;
    // A mean of equal numbers can miss them by rounding, which is no spread.
    if (std::sqrt(variance[j]) <= 1e-14 * std::abs(mean[j]) || !(variance[j] > 0.0)) {
      return static_cast<std::int64_t>(j);
    }
  }
  for (double& v : variance) v = std::sqrt(v);
  mean_ = std::move(mean);
  deviation_ = std::move(variance);
  return -1;
}

void Table::read(Split split, std::uint64_t key, std::int64_t sample, std::span<double> out) const {
  const std::vector<std::int64_t>& rows = rows_.of(split);
  if (rows.empty()) bug("a row was read from a split that has none");
  const std::span<const double> x = row(rows[static_cast<std::size_t>(sample) % rows.size()]);
  std::copy(x.begin(), x.end(), out.begin());
  if (!jitter_.empty()) {
    RandomStream random(key, static_cast<std::uint64_t>(sample));
    for (std::size_t j = 0; j < jitter_.size(); ++j) {
      if (jitter_[j] > 0.0) out[j] += jitter_[j] * random.uniform();
    }
  }
  for (std::size_t j = 0; j < mean_.size(); ++j) out[j] = (out[j] - mean_[j]) / deviation_[j];
}

}  // namespace odeum::datasets
