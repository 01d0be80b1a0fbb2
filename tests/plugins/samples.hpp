// SPDX-License-Identifier: Apache-2.0
// What dataset tests read.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <string>
#include <vector>

#include "odeum/dataset.hpp"

namespace odeum::plugin_tests {

inline std::vector<std::int64_t> range(std::int64_t begin, std::int64_t end) {
  std::vector<std::int64_t> samples(static_cast<std::size_t>(end - begin));
  std::iota(samples.begin(), samples.end(), begin);
  return samples;
}

/// One column of the given samples, row-major.
inline std::vector<double> read_column(const Dataset& data, std::size_t column, Split split,
                                       std::uint64_t key,
                                       const std::vector<std::int64_t>& samples) {
  const std::vector<Column> columns = data.columns();
  std::size_t width = 1;
  for (const std::int64_t extent : columns[column].shape) width *= static_cast<std::size_t>(extent);
  std::vector<double> values(samples.size() * width);
  std::vector<std::span<double>> out(columns.size());
  out[column] = values;
  data.read(split, key, samples, out);
  return values;
}

/// The main column of samples 0 .. n - 1.
inline std::vector<double> first_samples(const Dataset& data, Split split, std::int64_t n,
                                         std::uint64_t key = 1) {
  return read_column(data, 0, split, key, range(0, n));
}

/// Mean of numbers and the standard error of that mean.
struct Estimate {
  double mean = 0.0;
  double error = 0.0;
};
inline Estimate estimate(const std::vector<double>& values) {
  const auto n = static_cast<double>(values.size());
  double mean = 0.0;
  for (const double v : values) mean += v / n;
  double variance = 0.0;
  for (const double v : values) variance += (v - mean) * (v - mean) / (n - 1.0);
  return {mean, std::sqrt(variance / n)};
}

}  // namespace odeum::plugin_tests
