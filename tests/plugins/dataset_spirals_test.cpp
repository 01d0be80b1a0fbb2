// SPDX-License-Identifier: Apache-2.0
// The dataset spirals against the curves of the published script and the laws of its draws.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <numbers>
#include <numeric>

#include "loaded.hpp"
#include "odeum/dataset.hpp"

namespace odeum::plugin_tests {
namespace {

using testing::HasSubstr;
using Values = std::vector<double>;

constexpr double kRounding = 1e-12;
constexpr double kSpace = 6.0 * std::numbers::pi / 499.0;

struct Rows {
  Values x, known, observed, truth;
  std::size_t times;  ///< of known
};

Rows read(const Dataset& data, const std::vector<std::int64_t>& samples,
          Split split = Split::train) {
  const std::vector<Column> columns = data.columns();
  const auto of = [&](std::size_t c) {
    return Values(samples.size() *
                  static_cast<std::size_t>(columns[c].shape[0] * columns[c].shape[1]));
  };
  Rows rows{of(0), of(1), of(2), of(3), static_cast<std::size_t>(columns[1].shape[0])};
  const std::array<std::span<double>, 4> out{rows.x, rows.known, rows.observed, rows.truth};
  data.read(split, 7, samples, out);
  return rows;
}

std::vector<std::int64_t> first(std::int64_t count) {
  std::vector<std::int64_t> samples(static_cast<std::size_t>(count));
  std::iota(samples.begin(), samples.end(), 0);
  return samples;
}

/// The angle of the counter-clockwise spiral or the other one's, by the distance from its centre;
/// NaN where the point does not lie on it.
double angle_of(double x, double y, bool reversed) {
  const double centre = reversed ? -5.0 : 5.0;
  const double radius = std::hypot(x - centre, y);
  const double turned = reversed ? 15.0 / radius : radius / 0.3;
  const bool on = std::hypot(x - centre - radius * std::cos(turned),
                             y - radius * std::sin(turned)) < kRounding * 1e3;
  if (!on) return std::nan("");
  return reversed ? 6.0 * std::numbers::pi + 1.0 - turned : turned;
}

TEST(SpiralsData, LieOnOneOfTwoSpiralsFromTimeToTime) {
  constexpr std::int64_t kSamples = 400;
  const Rows rows = read(*make<Dataset>("spirals"), first(kSamples));
  int clockwise = 0;
  double least = 1e9;
  double most = 0.0;
  for (std::size_t i = 0; i < kSamples; ++i) {
    const double* truth = &rows.truth[i * rows.times * 2];
    const bool reversed = std::isnan(angle_of(truth[0], truth[1], false));
    clockwise += reversed ? 1 : 0;
    const double start = angle_of(truth[0], truth[1], reversed);
    least = std::min(least, start / kSpace);
    most = std::max(most, start / kSpace);
    for (std::size_t k : {1U, 99U, 199U}) {
      // The distance's rounding, over the slope of 50 * 0.3 / angle.
      EXPECT_NEAR(angle_of(truth[2 * k], truth[2 * k + 1], reversed),
                  start + static_cast<double>(k) * kSpace, 1e-9);
    }
  }
  // Four deviations of a fair coin; starts are of [100, 300).
  EXPECT_NEAR(clockwise, 0.5 * kSamples, 4.0 * std::sqrt(kSamples / 4.0));
  EXPECT_GE(least, 100.0 - 1e-6);
  EXPECT_LE(most, 299.0 + 1e-6);
  EXPECT_GT(most - least, 190.0);
}

TEST(SpiralsData, OfTheTestGoOnAsFarAsTheTrainingHasSeen) {
  const auto latest = [](const std::string& yaml) {
    const Rows rows = read(*make<Dataset>("spirals", yaml), first(1000), Split::test);
    double most = 0.0;
    for (std::size_t i = 0; i < 1000; ++i) {
      const double* end = &rows.truth[(i + 1) * rows.times * 2 - 2];
      const double angle = angle_of(end[0], end[1], false);
      if (!std::isnan(angle)) most = std::max(most, angle / kSpace);
    }
    return most;
  };
  // The last point of the training that is no time ahead: 299 + 99.
  EXPECT_NEAR(latest(""), 398.0, 2.0);
  EXPECT_NEAR(latest("beyond: new\n"), 498.0, 2.0);
}

TEST(SpiralsData, WithoutTimesAheadStartWhereThePublishedScriptStarts) {
  const Rows rows = read(*make<Dataset>("spirals", "ahead: 0\n"), first(1000));
  double most = 0.0;
  for (std::size_t i = 0; i < 1000; ++i) {
    const double angle = angle_of(rows.truth[i * 200], rows.truth[i * 200 + 1], false);
    if (!std::isnan(angle)) most = std::max(most, angle / kSpace);
  }
  EXPECT_GT(most, 390.0);
  EXPECT_LE(most, 399.0 + 1e-6);
}

TEST(SpiralsData, AreMeasuredWithTheNoiseThatIsAskedFor) {
  constexpr std::int64_t kSamples = 100;
  const Rows rows = read(*make<Dataset>("spirals", "noise: 0.2\n"), first(kSamples));
  double squares = 0.0;
  for (std::size_t i = 0; i < rows.known.size(); ++i) {
    EXPECT_EQ(rows.observed[i], 1.0);
    squares += std::pow(rows.known[i] - rows.truth[i], 2);
  }
  const auto n = static_cast<double>(rows.known.size());
  // Four standard errors of a Gaussian's variance.
  EXPECT_NEAR(squares / n, 0.04, 4.0 * 0.04 * std::sqrt(2.0 / n));
  const Rows exact = read(*make<Dataset>("spirals", "noise: 0\n"), first(3));
  EXPECT_EQ(exact.known, exact.truth);
}

TEST(SpiralsData, AreObservedAtAsManyTimesAsSaidEachEquallyOften) {
  constexpr std::int64_t kSamples = 2000;
  const Rows rows = read(*make<Dataset>("spirals", "observed: 30\nahead: 20\n"), first(kSamples));
  std::array<double, 120> often{};
  for (std::size_t i = 0; i < kSamples; ++i) {
    double count = 0.0;
    for (std::size_t k = 0; k < 120; ++k) {
      const std::size_t at = (i * 120 + k) * 2;
      const double seen = rows.observed[at];
      EXPECT_EQ(rows.observed[at + 1], seen);
      often[k] += seen;
      EXPECT_TRUE(seen == 1.0 || rows.known[at] == 0.0);
      if (k >= 100) continue;
      count += seen;
      const std::size_t in_x = (i * 100 + k) * 3;
      EXPECT_EQ(rows.x[in_x], rows.known[at]);
      EXPECT_EQ(rows.x[in_x + 1], rows.known[at + 1]);
      EXPECT_EQ(rows.x[in_x + 2], seen);
    }
    ASSERT_EQ(count, 30.0);
  }
  // Five deviations of counts with probability 0.3: of 100 of them less than one in 10^4 is beyond.
  for (std::size_t k = 0; k < 100; ++k)
    EXPECT_NEAR(often[k], 0.3 * kSamples, 5.0 * std::sqrt(0.21 * kSamples)) << k;
  for (std::size_t k = 100; k < 120; ++k) EXPECT_EQ(often[k], kSamples);
}

TEST(SpiralsData, StartOverBehindTheLastRow) {
  const auto data = make<Dataset>("spirals", "train: 6\n");
  EXPECT_EQ(data->count(Split::train), 6);
  EXPECT_EQ(read(*data, {1, 4}).known, read(*data, {7, 10}).known);
}

TEST(SpiralsData, RefuseMoreTimesThanThereAre) {
  EXPECT_THAT(config_error([] { make<Dataset>("spirals", "observed: 101\n"); }),
              HasSubstr("more than the 100 times"));
  EXPECT_THAT(config_error([] { make<Dataset>("spirals", "points: 400\n"); }),
              HasSubstr("at least 401"));
}

}  // namespace
}  // namespace odeum::plugin_tests
