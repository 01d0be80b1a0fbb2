// SPDX-License-Identifier: Apache-2.0
// Stiff fields and fields in two parts, against closed formulas in float64.
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <numbers>

#include "loaded.hpp"
#include "odeum/field.hpp"
#include "tape.hpp"

namespace odeum::plugin_tests {
namespace {

// A few units of rounding.
constexpr double kRounding = 1e-13;

struct RatesOf {
  std::vector<double> whole, rest, stiff;
};
RatesOf rates(const std::string& name, const std::string& yaml, const std::vector<double>& state) {
  Tape tape(1);
  const auto field = make<VectorField>(name, yaml);
  const Tensor t = tape.input("t", {1}, {0.0});
  const Tensor z = tape.input("z", {kRows, static_cast<std::int64_t>(state.size())}, state);
  RatesOf result{tape.evaluate((*field)(tape.scope(), t, z)), {}, {}};
  if (field->has_stiff_part()) {
    result.rest = tape.evaluate(field->rest(tape.scope(), t, z));
    result.stiff = tape.evaluate(field->stiff_part(tape.scope(), t, z));
  }
  return result;
}

void expect_near(const std::vector<double>& values, const std::vector<double>& truth) {
  ASSERT_EQ(values.size(), truth.size());
  for (std::size_t i = 0; i < truth.size(); ++i) {
    EXPECT_NEAR(values[i], truth[i], kRounding * (1.0 + std::abs(truth[i]))) << i;
  }
}

TEST(Robertson, ReactsAtThreeRatesAndConservesTheSum) {
  const double a = 0.7, b = 1e-5, c = 0.3;
  const double decay = 0.04 * a, back = 1e4 * b * c, fast = 3e7 * b * b;
  const RatesOf r = rates("robertson", "", {a, b, c});
  expect_near(r.whole, {back - decay, decay - back - fast, fast});
  EXPECT_NEAR(r.whole[0] + r.whole[1] + r.whole[2], 0.0, 1e-17);
  expect_near(rates("robertson", "k1: 1\nk2: 2\nk3: 3\n", {1, 2, 3}).whole,
              {18 - 1, 1 - 18 - 8, 8});
}

TEST(Brusselator, RestsAtItsFixedPoint) {
  expect_near(rates("brusselator", "a: 2\nb: 5\n", {2, 2.5}).whole, {0, 0});
  expect_near(rates("brusselator", "", {1.5, 3}).whole,
              {1 + 2.25 * 3 - 4 * 1.5, 3 * 1.5 - 2.25 * 3});
}

TEST(VanDerPol, HasItsSecondEquationAsTheStiffPart) {
  const RatesOf r = rates("van_der_pol", "mu: 1000\n", {2, 0.5});
  expect_near(r.rest, {0.5, 0});
  expect_near(r.stiff, {0, -1502});
  expect_near(r.whole, {0.5, -1502});
}

// Fourier modes are eigenvectors of the differences on a ring.
TEST(AdvectionDiffusionReaction, HasTheEigenvaluesOfCentralDifferences) {
  constexpr std::size_t kPoints = 16;
  constexpr double kLength = 2.0, kSpeed = 1.5, kDiffusivity = 0.3;
  const double dx = kLength / kPoints;
  const double k = 3.0 * 2.0 * std::numbers::pi / kLength;
  std::vector<double> wave(kPoints), slope(kPoints), bend(kPoints);
  for (std::size_t i = 0; i < kPoints; ++i) {
    const double x = dx * static_cast<double>(i);
    wave[i] = std::sin(k * x);
    slope[i] = -kSpeed * std::sin(k * dx) / dx * std::cos(k * x);
    bend[i] = -kDiffusivity * 2.0 * (1.0 - std::cos(k * dx)) / (dx * dx) * std::sin(k * x);
  }
  const RatesOf r = rates("advection_diffusion_reaction",
                          "length: 2\nspeed: 1.5\ndiffusivity: 0.3\ngrowth: 0\n", wave);
  expect_near(r.rest, slope);
  expect_near(r.stiff, bend);
  for (std::size_t i = 0; i < kPoints; ++i) {
    EXPECT_NEAR(r.whole[i], slope[i] + bend[i], kRounding * 100.0);
  }
}

TEST(AdvectionDiffusionReaction, GrowsLogisticallyWhereItIsFlat) {
  const RatesOf r = rates("advection_diffusion_reaction", "growth: 3\n", {0.25, 0.25, 0.25, 0.25});
  const double growth = 3.0 * 0.25 * 0.75;
  expect_near(r.whole, {growth, growth, growth, growth});
  expect_near(r.stiff, {0, 0, 0, 0});
}

}  // namespace
}  // namespace odeum::plugin_tests
