// SPDX-License-Identifier: Apache-2.0
// The field wong_zakai against the rate of the Karhunen-Loeve expansion of the Wiener process over
// a span of length T: dW_K/dt = sqrt(2/T) sum_k xi_k cos((k - 1/2) pi s / T). kRounding is a few
// units of float64's; tests/model/wong_zakai_test.cpp solves it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "loaded.hpp"
#include "odeum/field.hpp"
#include "tape.hpp"

namespace odeum::plugin_tests {
namespace {

using testing::HasSubstr;
using Values = std::vector<double>;
constexpr double kRounding = 1e-13;

/// For term k, from 0, at s behind the span's start.
double wave_rate(std::size_t k, double length, double s) {
  return std::sqrt(2.0 / length) *
         std::cos((static_cast<double>(k) + 0.5) * std::numbers::pi * s / length);
}

/// dx/dt = 3 + 2 t - x + (0.5 + 4 t + 7 x) dW_K/dt.
const std::string kEquation =
    "drift: {use: linear, matrix: -1, bias: 3, slope: 2}\n"
    "diffusion: {use: linear, matrix: 7, bias: 0.5, slope: 4}\n"
    "terms: 3\n";

double drift(double t, double x) { return 3.0 + 2.0 * t - x; }
double diffusion(double t, double x) { return 0.5 + 4.0 * t + 7.0 * x; }

TEST(WongZakai, IsTheDriftPlusTheDiffusionTimesTheRateOfTheExpansion) {
  // One unit vector of noise a row, each row at a time of its own, in a span from 1 to 5.
  const Values t{1.0, 2.5, 5.0};
  const Values x{0.3, -1.0, 2.0};
  Tape tape(3);
  tape.given = {{"xi", {1, 0, 0, 0, 1, 0, 0, 0, 1}}, {"span", {1.0, 5.0}}};
  const auto field = make<VectorField>("wong_zakai", kEquation);
  const Values rate = tape.evaluate(
      (*field)(tape.scope(), tape.input("t", {kRows, 1}, t), tape.input("x", {kRows, 1}, x)));
  for (std::size_t k = 0; k < 3; ++k) {
    const double truth = drift(t[k], x[k]) + diffusion(t[k], x[k]) * wave_rate(k, 4.0, t[k] - 1.0);
    EXPECT_NEAR(rate[k], truth, kRounding * (1.0 + std::abs(truth))) << k;
  }
  EXPECT_EQ(tape.item("xi").kind, model::Item::Kind::noise);
  EXPECT_EQ(tape.item("xi").distribution, Distribution::normal);
  EXPECT_EQ(tape.item("xi").shape, (Shape{kRows, 1, 3}));
}

TEST(WongZakai, HasTheSameNoiseInASolveBackwards) {
  const auto rate = [](const Values& span) {
    Tape tape(1);
    tape.given = {{"xi", {0.4, -1.1, 2.0}}, {"span", span}};
    const auto field = make<VectorField>("wong_zakai", kEquation);
    return tape.evaluate(
        (*field)(tape.scope(), tape.input("t", {1}, {2.2}), tape.input("x", {kRows, 1}, {0.7})));
  };
  EXPECT_EQ(rate({1.0, 5.0}), rate({5.0, 1.0}));
}

TEST(WongZakai, GivesEachComponentANoiseOfItsOwn) {
  Tape tape(1);
  tape.given = {{"xi", {1, 0, 0, 1}}, {"span", {0.0, 2.0}}};
  const auto field = make<VectorField>("wong_zakai",
                                       "drift: {use: linear, matrix: [0, 1, -1, 0]}\n"
                                       "diffusion: {use: linear, matrix: [2, 0, 0, 3]}\n"
                                       "terms: 2\n");
  EXPECT_EQ(field->features(), 2);
  const Values rate = tape.evaluate((*field)(tape.scope(), tape.input("t", {1}, {0.5}),
                                             tape.input("x", {kRows, 2}, {1.5, -0.5})));
  EXPECT_NEAR(rate[0], -0.5 + 2.0 * 1.5 * wave_rate(0, 2.0, 0.5), kRounding);
  EXPECT_NEAR(rate[1], -1.5 + 3.0 * -0.5 * wave_rate(1, 2.0, 0.5), kRounding);
}

TEST(WongZakai, TakesSeveralPathsEachWithDriftDiffusionAndNoiseOfItsOwn) {
  // Two rows of three paths, at one time and at a time for each row.
  const Values x{0.1, 0.2, 0.3, -0.4, -0.5, -0.6};
  Values xi;
  for (std::size_t i = 0; i < 18; ++i) xi.push_back(0.1 * static_cast<double>(i) - 1.0);
  for (const Values& t : {Values{0.5}, Values{0.5, 1.5}}) {
    Tape tape(2);
    tape.given = {{"xi", xi}, {"span", {0.0, 2.0}}};
    const auto field = make<VectorField>("wong_zakai", kEquation + "paths: true\n");
    const Tensor time = t.size() == 1 ? tape.input("t", {1}, t) : tape.input("t", {kRows, 1}, t);
    const Values rate =
        tape.evaluate((*field)(tape.scope(), time, tape.input("x", {kRows, 3, 1}, x)));
    for (std::size_t i = 0; i < 6; ++i) {
      const double at = t[t.size() == 1 ? 0 : i / 3];
      double noise = 0.0;
      for (std::size_t k = 0; k < 3; ++k) noise += xi[3 * i + k] * wave_rate(k, 2.0, at);
      const double truth = drift(at, x[i]) + diffusion(at, x[i]) * noise;
      EXPECT_NEAR(rate[i], truth, kRounding * (1.0 + std::abs(truth))) << i;
    }
  }
}

TEST(WongZakai, RecordsPathsWithTheSameParametersHoweverManyThereAre) {
  for (const bool paths : {false, true}) {
    Tape tape(1);
    tape.given = {{"span", {0.0, 1.0}}};
    std::string yaml = "drift: {use: mlp, hidden: [5]}\ndiffusion: {use: mlp, hidden: [5]}\n";
    if (paths) yaml += "paths: true\n";
    const auto field = make<VectorField>("wong_zakai", yaml);
    const Shape state = paths ? Shape{kRows, 4, 2} : Shape{kRows, 2};
    const Tensor x =
        tape.input("x", state, Values(static_cast<std::size_t>(state.elements_per_row()), 0.5));
    EXPECT_EQ((*field)(tape.scope(), tape.input("t", {1}, {0.5}), x).shape(), state);
    for (const char* part : {"drift", "diffusion"}) {
      EXPECT_EQ(tape.item(std::string(part) + ".layer0.weight").shape, (Shape{5, 2}));
    }
  }
}

TEST(WongZakai, TellsPartsThatDoNotFitAndPathsThatAreNone) {
  EXPECT_THAT(config_error([] {
                make<VectorField>("wong_zakai",
                                  "drift: {use: linear, matrix: [0, 1, -1, 0]}\n"
                                  "diffusion: {use: linear, matrix: 1}\n");
              }),
              testing::AllOf(HasSubstr("test.yaml:3:"), HasSubstr("1 components"),
                             HasSubstr("the drift has 2")));
  EXPECT_THAT(config_error([] {
                make<VectorField>("wong_zakai", "diffusion: {use: linear, matrix: [1, 2]}\n");
              }),
              testing::AllOf(HasSubstr("diffusion"), HasSubstr("no square")));
  Tape tape(1);
  tape.given = {{"span", {0.0, 1.0}}};
  const auto field = make<VectorField>("wong_zakai", "paths: true\n");
  const Tensor t = tape.input("t", {1}, {0.5});
  EXPECT_THROW((*field)(tape.scope(), t, tape.input("x", {kRows, 2}, {1, 2})),
               std::invalid_argument);
  const auto normalised =
      make<VectorField>("wong_zakai", "drift: {use: unet, channels: [3, 4]}\npaths: true\n");
  Tape training(1, DType::f64, Mode::training);
  const Tensor now = training.input("t", {1}, {0.5});
  const Tensor images = training.input("images", {kRows, 2, 3, 4, 4}, Values(96, 0.5));
  try {
    (*normalised)(training.scope(), now, images);
    ADD_FAILURE() << "batch statistics of one path";
  } catch (const std::invalid_argument& error) {
    EXPECT_THAT(error.what(), HasSubstr("statistics of the batch"));
  }
}

}  // namespace
}  // namespace odeum::plugin_tests
