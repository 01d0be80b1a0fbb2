// SPDX-License-Identifier: Apache-2.0
#include "train/evaluation.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "train/fingerprint.hpp"
#include "train/gradient_reference.hpp"
#include "train/progress_line.hpp"

namespace odeum::train {
namespace {

TEST(Statistic, IsTheMeanAndItsStandardError) {
  // Deviation of 1, 2, 3, 4 with n - 1: sqrt(5/3); over the root of 4.
  const Statistic s = statistic({1, 2, 3, 4});
  EXPECT_DOUBLE_EQ(s.mean, 2.5);
  EXPECT_DOUBLE_EQ(s.stderr_, std::sqrt(5.0 / 3.0) / 2.0);
}

TEST(Statistic, SurvivesALargeMean) {
  const Statistic s = statistic({1e9 + 1, 1e9 + 2, 1e9 + 3});
  EXPECT_DOUBLE_EQ(s.mean, 1e9 + 2);
  EXPECT_DOUBLE_EQ(s.stderr_, std::sqrt(1.0 / 3.0));
}

TEST(Fingerprint, IsThePublishedHash) {
  // FNV-1a, 64 bits: the test vectors of draft-eastlake-fnv for "" and "foobar".
  EXPECT_EQ(fingerprint(""), "cbf29ce484222325");
  EXPECT_EQ(fingerprint("foobar"), "85944171f73967e8");
}

TEST(Duration, IsWrittenAsAClockDoes) {
  EXPECT_EQ(duration_text(0.4), "0:00");
  EXPECT_EQ(duration_text(65), "1:05");
  EXPECT_EQ(duration_text(7209), "2:00:09");
}

TEST(GradientReference, ComparesAGradientWithDifferences) {
  // L = x^2 y + sin z.
  const auto loss = [](const std::vector<double>& v) {
    return v[0] * v[0] * v[1] + std::sin(v[2]);
  };
  const std::vector<double> at{1.5, -2.0, 0.3};
  const std::vector<double> gradient{2 * 1.5 * -2.0, 1.5 * 1.5, std::cos(0.3)};
  GradientCheck check;
  compare_with_differences(loss, at, gradient, check);
  EXPECT_EQ(check.directions, 3);
  // Step 1e-4: the third derivative's share is below 1e-8 of the largest component.
  EXPECT_LT(check.differences_error, 1e-8);
  std::vector<double> wrong = gradient;
  wrong[1] += 0.06;
  compare_with_differences(loss, at, wrong, check);
  EXPECT_NEAR(check.differences_error, 0.06 / 6.0, 1e-6);
  EXPECT_NEAR(relative_error(wrong, gradient),
              0.06 / std::sqrt(36 + 1.5 * 1.5 * 1.5 * 1.5 + std::cos(0.3) * std::cos(0.3)), 1e-12);
}

TEST(GradientReference, ManyVariablesAreComparedAlongSigns) {
  std::vector<double> at(100, 0.5);
  const auto loss = [](const std::vector<double>& v) {
    double sum = 0.0;
    for (std::size_t i = 0; i < v.size(); ++i) sum += static_cast<double>(i) * v[i] * v[i];
    return sum;
  };
  std::vector<double> gradient(100);
  for (std::size_t i = 0; i < 100; ++i) gradient[i] = static_cast<double>(i);
  GradientCheck check;
  compare_with_differences(loss, at, gradient, check);
  EXPECT_EQ(check.directions, 8);
  EXPECT_LT(check.differences_error, 1e-7);
  gradient[99] = 0.0;
  compare_with_differences(loss, at, gradient, check);
  EXPECT_GT(check.differences_error, 1e-2);
}

}  // namespace
}  // namespace odeum::train
