// SPDX-License-Identifier: Apache-2.0
// The toy densities against their own formulas. Monte Carlo tolerances are four standard errors of
// the estimate; the draws are counter-based, so a test that passes once passes always.
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <functional>
#include <numbers>

#include "loaded.hpp"
#include "samples.hpp"

namespace odeum::plugin_tests {
namespace {

constexpr double kPi = std::numbers::pi;
constexpr double kStandardErrors = 4.0;

using Density = std::function<double(double x, double y)>;

std::shared_ptr<Dataset> points(const std::string& name) { return make<Dataset>(name); }

double gauss(double dx, double dy, double deviation) {
  const double v = deviation * deviation;
  return std::exp(-(dx * dx + dy * dy) / (2.0 * v)) / (2.0 * kPi * v);
}

/// exp(-x) I0(x): the series of the library where it does not overflow, else the asymptotic one
/// (Abramowitz, Stegun 9.7.1), whose next term is below 1e-6 there.
double scaled_bessel(double x) {
  if (x < 50.0) return std::exp(-x) * std::cyl_bessel_i(0.0, x);
  const double z = 1.0 / (8.0 * x);
  return (1.0 + z + 4.5 * z * z + 37.5 * z * z * z) / std::sqrt(2.0 * kPi * x);
}

/// Circles of equal weight under noise: a mean of Rice densities.
Density circles_density(const std::vector<double>& radii, double deviation) {
  return [radii, deviation](double x, double y) {
    const double r = std::hypot(x, y);
    const double v = deviation * deviation;
    double p = 0.0;
    for (const double radius : radii) {
      p += std::exp(-(r - radius) * (r - radius) / (2.0 * v)) * scaled_bessel(r * radius / v);
    }
    return p / (2.0 * kPi * v * static_cast<double>(radii.size()));
  };
}

/// A curve under noise, by points at equal shares of its measure.
Density curve_density(const std::function<std::pair<double, double>(double)>& curve, int count,
                      double deviation) {
  std::vector<std::pair<double, double>> nodes;
  for (int i = 0; i < count; ++i) nodes.push_back(curve((i + 0.5) / count));
  return [nodes, deviation](double x, double y) {
    double p = 0.0;
    for (const auto& [cx, cy] : nodes) p += gauss(x - cx, y - cy, deviation);
    return p / static_cast<double>(nodes.size());
  };
}

/// -E ln p over the dataset's own samples, which is its entropy if they are drawn from p.
Estimate cross_entropy(const Dataset& data, const Density& density, std::int64_t n) {
  const std::vector<double> values = first_samples(data, Split::test, n);
  std::vector<double> surprise;
  for (std::size_t i = 0; i < values.size(); i += 2) {
    surprise.push_back(-std::log(density(values[i], values[i + 1])));
  }
  return estimate(surprise);
}

void expect_entropy(const std::string& name, const Density& density, std::int64_t n) {
  const auto data = points(name);
  const Estimate h = cross_entropy(*data, density, n);
  ASSERT_TRUE(data->entropy().has_value());
  EXPECT_NEAR(h.mean, *data->entropy(), kStandardErrors * h.error);
  EXPECT_LT(h.error, 0.01);
}

TEST(ToyDensities, EightGaussiansFollowTheirMixture) {
  const double s = 0.5 / 1.414;
  expect_entropy(
      "eight_gaussians",
      [s](double x, double y) {
        double p = 0.0;
        for (int k = 0; k < 8; ++k) {
          p += gauss(x - 4.0 / 1.414 * std::cos(kPi * k / 4),
                     y - 4.0 / 1.414 * std::sin(kPi * k / 4), s);
        }
        return p / 8.0;
      },
      100000);
}

TEST(ToyDensities, CirclesAndRingsFollowTheirRiceDensities) {
  expect_entropy("circles", circles_density({3.0, 1.5}, 0.24), 100000);
  expect_entropy("rings", circles_density({3.0, 2.25, 1.5, 0.75}, 0.08), 100000);
}

TEST(ToyDensities, SwissrollFollowsItsCurve) {
  const auto curve = [](double u) {
    const double t = 1.5 * kPi * (1.0 + 2.0 * u);
    return std::pair{t * std::cos(t) / 5.0, t * std::sin(t) / 5.0};
  };
  expect_entropy("swissroll", curve_density(curve, 800, 0.2), 20000);
}

TEST(ToyDensities, MoonsFollowTheirHalfCircles) {
  const auto curve = [](double u) {
    const double a = kPi * std::fmod(2.0 * u, 1.0);
    if (u < 0.5) return std::pair{2.0 * std::cos(a) - 1.0, 2.0 * std::sin(a) - 0.2};
    return std::pair{2.0 * (1.0 - std::cos(a)) - 1.0, 2.0 * (0.5 - std::sin(a)) - 0.2};
  };
  expect_entropy("moons", curve_density(curve, 800, 0.2), 20000);
}

TEST(ToyDensities, TwoSpiralsFollowTheirArms) {
  // Each coordinate is the curve's plus a uniform on (0, 1/6) plus N(0, 0.1^2): a difference of
  // two normal distribution functions.
  const auto blurred = [](double d) {
    const double scale = 0.1 * std::numbers::sqrt2;
    return 0.5 * (std::erf(d / scale) - std::erf((d - 0.5 / 3.0) / scale)) / (0.5 / 3.0);
  };
  constexpr int kNodes = 1500;
  expect_entropy(
      "two_spirals",
      [&](double x, double y) {
        double p = 0.0;
        for (int i = 0; i < kNodes; ++i) {
          const double a = 3.0 * kPi * std::sqrt((i + 0.5) / kNodes);
          for (const double arm : {1.0, -1.0}) {
            const double dx = arm * x + a * std::cos(a) / 3.0;
            const double dy = arm * y - a * std::sin(a) / 3.0;
            if (std::abs(dx) < 1.0 && std::abs(dy) < 1.0) p += blurred(dx) * blurred(dy);
          }
        }
        return p / (2.0 * kNodes);
      },
      20000);
}

TEST(ToyDensities, PinwheelFollowsItsArms) {
  // A point at polar (2 r, phi) comes from features (r cos psi, r sin psi) with
  // psi - 0.25 exp(r cos psi) = phi + 2 pi k / 5; the area shrinks by 4 |1 + 0.25 b exp(a)|.
  expect_entropy(
      "pinwheel",
      [](double x, double y) {
        const double r = std::hypot(x, y) / 2.0;
        const double phi = std::atan2(y, x);
        const auto turned = [r](double psi) { return psi - 0.25 * std::exp(r * std::cos(psi)); };
        constexpr int kCells = 600;
        double p = 0.0;
        double left = turned(-kPi);
        for (int i = 0; i < kCells; ++i) {
          const double begin = -kPi + 2.0 * kPi * i / kCells;
          const double end = -kPi + 2.0 * kPi * (i + 1) / kCells;
          const double right = turned(end);
          // All targets phi + 2 pi k / 5 between left and right; k counts arms and whole turns.
          const double step = 2.0 * kPi / 5.0;
          const double low = std::min(left, right);
          const double high = std::max(left, right);
          for (double k = std::ceil((low - phi) / step); phi + k * step < high; k += 1.0) {
            const double share = (phi + k * step - left) / (right - left);
            const double psi = begin + share * (end - begin);
            const double a = r * std::cos(psi);
            const double b = r * std::sin(psi);
            const double u = (a - 1.0) / 0.3;
            const double w = b / 0.1;
            p += std::exp(-0.5 * (u * u + w * w)) / (2.0 * kPi * 0.03) /
                 std::abs(1.0 + 0.25 * b * std::exp(a)) / 4.0 / 5.0;
          }
          left = right;
        }
        return p;
      },
      20000);
}

TEST(ToyDensities, CheckerboardIsUniformOnItsDarkSquares) {
  constexpr std::int64_t kCount = 80000;
  const auto data = points("checkerboard");
  const std::vector<double> values = first_samples(*data, Split::train, kCount);
  std::array<std::array<int, 4>, 4> seen{};
  for (std::size_t i = 0; i < values.size(); i += 2) {
    ASSERT_LE(std::abs(values[i]), 4.0);
    ASSERT_LE(std::abs(values[i + 1]), 4.0);
    const auto column = static_cast<std::size_t>(std::floor(values[i] / 2.0) + 2.0);
    const auto row = static_cast<std::size_t>(std::floor(values[i + 1] / 2.0) + 2.0);
    ++seen[column][row];
  }
  // A binomial count of 80000 draws at 1/8 has deviation 94.
  for (std::size_t column = 0; column < 4; ++column) {
    for (std::size_t row = 0; row < 4; ++row) {
      const bool dark = (column + row) % 2 == 0;
      EXPECT_NEAR(seen[column][row], dark ? 10000 : 0, dark ? kStandardErrors * 94 : 0)
          << column << ", " << row;
    }
  }
  EXPECT_DOUBLE_EQ(*data->entropy(), std::log(32.0));
}

TEST(ToyDensities, EqualPartsComeInTurn) {
  const std::vector<double> rings = first_samples(*points("rings"), Split::train, 400);
  for (std::size_t i = 0; i < 400; ++i) {
    // The noise across the ring has deviation 0.08, its radii are 0.75 apart.
    EXPECT_NEAR(std::hypot(rings[2 * i], rings[2 * i + 1]), 3.0 - 0.75 * static_cast<double>(i % 4),
                0.374);
  }
}

class EveryToy : public testing::TestWithParam<std::string> {};

TEST_P(EveryToy, GivesTheSameSampleInAnyBatch) {
  const auto data = points(GetParam());
  const std::vector<double> whole = first_samples(*data, Split::train, 64);
  const std::vector<double> some = read_column(*data, 0, Split::train, 1, {63, 5, 5});
  EXPECT_EQ(some[0], whole[126]);
  EXPECT_EQ(some[1], whole[127]);
  EXPECT_EQ(some[2], whole[10]);
  EXPECT_EQ(some[2], some[4]);
  EXPECT_NE(first_samples(*data, Split::train, 64, 2), whole);
}

TEST_P(EveryToy, HasOneColumnOfPointsWithoutEnd) {
  const auto data = points(GetParam());
  ASSERT_EQ(data->columns().size(), 1U);
  EXPECT_EQ(data->main_column(), "points");
  EXPECT_EQ(data->columns().front().shape, std::vector<std::int64_t>{2});
  for (const Split split : {Split::train, Split::validation, Split::test}) {
    EXPECT_FALSE(data->count(split).has_value());
  }
  data->read(Split::train, 1, std::vector<std::int64_t>{0, 1}, std::vector<std::span<double>>(1));
}

INSTANTIATE_TEST_SUITE_P(All, EveryToy,
                         testing::Values("swissroll", "circles", "rings", "moons",
                                         "eight_gaussians", "pinwheel", "two_spirals",
                                         "checkerboard"));

}  // namespace
}  // namespace odeum::plugin_tests
