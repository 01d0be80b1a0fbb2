// SPDX-License-Identifier: Apache-2.0
// The dataset ornstein_uhlenbeck against the process' Gaussian law.
#include <gtest/gtest.h>

#include <cmath>

#include "loaded.hpp"
#include "odeum/dataset.hpp"

namespace odeum::plugin_tests {
namespace {

using Values = std::vector<double>;

struct Rows {
  Values start;
  Values paths;
};

Rows read(const Dataset& data, Split split, const std::vector<std::int64_t>& samples) {
  const std::vector<Column> columns = data.columns();
  const std::vector<std::int64_t>& shape = columns[1].shape;
  Rows rows{Values(samples.size()),
            Values(samples.size() * static_cast<std::size_t>(shape[0] * shape[1]))};
  const std::array<std::span<double>, 2> out{rows.start, rows.paths};
  data.read(split, 7, samples, out);
  return rows;
}

TEST(OrnsteinUhlenbeckData, HasTheMeanAndTheVarianceOfTheProcessAtEachTime) {
  const std::size_t n = 20000;
  const auto data = make<Dataset>("ornstein_uhlenbeck", "count: 4\npaths: 20000\n");
  const Rows rows = read(*data, Split::train, {3});
  const double start = rows.start[0];
  EXPECT_LE(std::abs(start), 3.0);
  for (std::size_t i = 0; i < 4; ++i) {
    const double t = 2.5 * static_cast<double>(i + 1);
    // m' = 0.2 t - 0.1 m and v' = -0.2 v + (0.6 + 0.15 t)^2, by their closed forms: m = A e^(-0.1
    // t) + 2 t - 20, v = B e^(-0.2 t) + a + b t + c t^2.
    const double mean = (start + 20.0) * std::exp(-0.1 * t) + 2.0 * t - 20.0;
    const double c = 0.0225 / 0.2;
    const double b = (0.18 - 2.0 * c) / 0.2;
    const double a = (0.36 - b) / 0.2;
    const double variance = a + b * t + c * t * t - a * std::exp(-0.2 * t);
    double m = 0.0;
    double v = 0.0;
    for (std::size_t k = 0; k < n; ++k) m += rows.paths[n * i + k] / static_cast<double>(n);
    for (std::size_t k = 0; k < n; ++k) {
      v += std::pow(rows.paths[n * i + k] - m, 2) / static_cast<double>(n - 1);
    }
    // Four standard errors of a Gaussian's sample mean and variance.
    EXPECT_NEAR(m, mean, 4.0 * std::sqrt(variance / static_cast<double>(n))) << t;
    EXPECT_NEAR(v, variance, 4.0 * variance * std::sqrt(2.0 / static_cast<double>(n))) << t;
  }
}

TEST(OrnsteinUhlenbeckData, WithoutDiffusionFollowsTheDriftWhateverTheTimesAreApart) {
  for (const char* count : {"1", "10"}) {
    const auto data = make<Dataset>(
        "ornstein_uhlenbeck", "sigma: 0\nphi: 0\npaths: 1\ncount: " + std::string(count) + "\n");
    const Rows rows = read(*data, Split::test, {5});
    const double mean = (rows.start[0] + 20.0) * std::exp(-1.0);
    EXPECT_NEAR(rows.paths.back(), mean, 1e-12);  // roundings of numbers of size 20
  }
}

TEST(OrnsteinUhlenbeckData, StartsOverBehindItsLastRow) {
  const auto data = make<Dataset>("ornstein_uhlenbeck", "validation: 6\ncount: 3\npaths: 2\n");
  EXPECT_EQ(data->count(Split::validation), 6);
  const Rows first = read(*data, Split::validation, {1, 4});
  const Rows later = read(*data, Split::validation, {7, 10});
  EXPECT_EQ(first.start, later.start);
  EXPECT_EQ(first.paths, later.paths);
  EXPECT_NE(first.start[0], first.start[1]);
}

}  // namespace
}  // namespace odeum::plugin_tests
