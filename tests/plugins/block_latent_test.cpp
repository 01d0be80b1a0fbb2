// SPDX-License-Identifier: Apache-2.0
// An encoder's blocks, recurrent and diagonal_gaussian, against their formulas in plain loops;
// kRounding is some units of float64.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>
#include <numbers>

#include "loaded.hpp"
#include "odeum/block.hpp"
#include "odeum/transforms.hpp"
#include "tape.hpp"

namespace odeum::plugin_tests {
namespace {

using testing::HasSubstr;

constexpr double kRounding = 1e-13;
using Values = std::vector<double>;

Values numbers(std::size_t count, std::uint64_t key) {
  RandomStream random(key, 0);
  Values values(count);
  for (double& value : values) value = random.normal();
  return values;
}

void expect_near(const Values& found, const Values& truth) {
  ASSERT_EQ(found.size(), truth.size());
  for (std::size_t i = 0; i < truth.size(); ++i) EXPECT_NEAR(found[i], truth[i], kRounding) << i;
}

constexpr std::size_t kHidden = 3;

/// What the block gives for one series with `features` numbers a time; its parameters in `tape`.
Values last_state(Tape& tape, const std::string& yaml, std::int64_t features, const Values& x) {
  const auto block = make<Block>("recurrent", "hidden: 3\n" + yaml);
  const auto times = static_cast<std::int64_t>(x.size()) / features;
  const Tensor y = block->forward(tape.scope(), tape.input("x", {kRows, times, features}, x)).value;
  EXPECT_EQ(y.shape().elements_per_row(), block->output_shape({times, features})[0]);
  return tape.evaluate(y);
}

/// Entries [begin, begin + kHidden) of W x.
Values product(const Values& weight, const Values& x, std::size_t begin = 0) {
  Values result(kHidden, 0.0);
  for (std::size_t i = 0; i < kHidden; ++i) {
    for (std::size_t j = 0; j < x.size(); ++j)
      result[i] += weight[(begin + i) * x.size() + j] * x[j];
  }
  return result;
}

/// One step of the cell tanh with what the tape has handed out.
Values moved(const Tape& tape, const Values& x, const Values& h) {
  const Values of_x = product(tape.handed_out("input_weight"), x);
  const Values of_h = product(tape.handed_out("state_weight"), h);
  Values next(kHidden);
  for (std::size_t i = 0; i < kHidden; ++i)
    next[i] = std::tanh(of_x[i] + of_h[i] + tape.handed_out("bias")[i]);
  return next;
}

double logistic(double x) { return 1.0 / (1.0 + std::exp(-x)); }

TEST(Recurrent, IsTheStateBehindTheLastTime) {
  Tape tape(1);
  const Values x = numbers(8, 1);
  const Values found = last_state(tape, "", 2, x);
  Values h(kHidden, 0.0);
  for (std::size_t k = 0; k < 4; ++k) h = moved(tape, {x[2 * k], x[2 * k + 1]}, h);
  expect_near(found, h);
}

TEST(Recurrent, InReverseIsThatOfTheSeriesTurnedRound) {
  Tape forwards(1);
  Tape backwards(1);
  const Values x = numbers(8, 1);
  const Values turned = {x[6], x[7], x[4], x[5], x[2], x[3], x[0], x[1]};
  expect_near(last_state(backwards, "reverse: true\n", 2, x), last_state(forwards, "", 2, turned));
}

TEST(Recurrent, OfAGatedUnitIsChosFormula) {
  Tape tape(1);
  const Values x = numbers(6, 3);
  const Values found = last_state(tape, "cell: gru\n", 2, x);
  const Values& w = tape.handed_out("input_weight");
  const Values& u = tape.handed_out("state_weight");
  const Values& b = tape.handed_out("bias");
  Values h(kHidden, 0.0);
  for (std::size_t k = 0; k < 3; ++k) {
    const Values now = {x[2 * k], x[2 * k + 1]};
    const Values before = h;
    for (std::size_t i = 0; i < kHidden; ++i) {
      const auto of_x = [&](std::size_t gate) {
        return product(w, now, gate * kHidden)[i] + b[gate * kHidden + i];
      };
      const auto of_h = [&](std::size_t gate) { return product(u, before, gate * kHidden)[i]; };
      const double reset = logistic(of_x(0) + of_h(0));
      const double update = logistic(of_x(1) + of_h(1));
      const double candidate =
          std::tanh(of_x(2) + reset * (of_h(2) + tape.handed_out("state_bias")[i]));
      h[i] = (1.0 - update) * candidate + update * before[i];
    }
  }
  expect_near(found, h);
}

TEST(Recurrent, KeepsItsStateWhereNothingWasObservedAndReadsNothingThere) {
  for (const char* cell : {"tanh", "gru"}) {
    const std::string yaml = std::string("observed: last_feature\ncell: ") + cell + "\n";
    constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();
    Tape with_gaps(1);
    Tape without(1);
    expect_near(last_state(with_gaps, yaml, 2, {0.3, 1, kNothing, 0, -0.5, 1, kNothing, 0}),
                last_state(without, std::string("cell: ") + cell + "\n", 1, {0.3, -0.5}));
  }
}

TEST(Recurrent, OfASeriesWithoutObservationIsZero) {
  Tape tape(1);
  expect_near(last_state(tape, "observed: last_feature\n", 2, {5, 0, 6, 0}), {0, 0, 0});
}

TEST(Recurrent, ReadsTheTimeSinceTheLastObservationAndTellsTheTimeToTheEnd) {
  Tape tape(1);
  // Observed at the times 1, 2 and 5 of 0 .. 6.
  const Values found = last_state(tape, "observed: last_feature\ntime_differences: 0.25\n", 2,
                                  {9, 0, 0.3, 1, -0.4, 1, 9, 0, 9, 0, 0.7, 1, 9, 0});
  Values h = moved(tape, {0.3, 0.0}, Values(kHidden, 0.0));
  h = moved(tape, {-0.4, 0.25}, h);
  h = moved(tape, {0.7, 0.75}, h);
  h.push_back(0.25);
  expect_near(found, h);
}

TEST(Recurrent, MeasuresTimesAlongItsRun) {
  Tape tape(1);
  const Values found =
      last_state(tape, "observed: last_feature\ntime_differences: 0.25\nreverse: true\n", 2,
                 {9, 0, 9, 0, 0.3, 1, 9, 0, -0.4, 1, 9, 0});
  Values h = moved(tape, {-0.4, 0.0}, Values(kHidden, 0.0));
  h = moved(tape, {0.3, 0.5}, h);
  h.push_back(0.5);
  expect_near(found, h);
}

TEST(Recurrent, HasTheDerivativesOfDifferencesThroughGapsAndTimes) {
  const auto block = make<Block>(
      "recurrent", "hidden: 3\ncell: gru\nobserved: last_feature\ntime_differences: 0.25\n");
  const Values x = {0.3, 1, 9, 0, -0.5, 1, 0.1, 1};
  Tape start(1);
  block->forward(start.scope(), start.input("x", {kRows, 4, 2}, x));
  const auto run = [&](double moved_by, Values* slope) {
    Tape tape(1);
    for (const char* name : {"input_weight", "state_weight", "bias", "state_bias"})
      tape.given[name] = start.handed_out(name);
    tape.given["state_weight"][4] += moved_by;
    const Tensor y = block->forward(tape.scope(), tape.input("x", {kRows, 4, 2}, x)).value;
    const Tensor weight = tape.scope().parameter("state_weight", {9, 3}, {});
    const std::array outputs{sum_rows(sum_features(square(y)))};
    const std::array inputs{weight};
    const std::array seeds{ones_like(outputs[0])};
    if (slope != nullptr) *slope = tape.evaluate(vjp(outputs, inputs, seeds).front());
    return tape.evaluate(outputs[0]).front();
  };
  Values slope;
  run(0.0, &slope);
  // Central differences: h^2 and rounding / h.
  const double difference = (run(1e-5, nullptr) - run(-1e-5, nullptr)) / 2e-5;
  EXPECT_GT(std::abs(difference), 1e-3);
  EXPECT_NEAR(slope[4], difference, 1e-8);
}

TEST(Recurrent, RefusesWhatItCannotRead) {
  const auto plain = make<Block>("recurrent");
  EXPECT_THAT(config_error([&] { plain->output_shape({4}); }), HasSubstr("[times, features]"));
  const auto masked = make<Block>("recurrent", "observed: last_feature\n");
  EXPECT_THAT(config_error([&] { masked->output_shape({4, 1}); }), HasSubstr("no other one"));
  EXPECT_THAT(config_error([&] { make<Block>("recurrent", "time_differences: 0.1\n"); }),
              HasSubstr("observed: last_feature"));
}

// Two rows of two means and two logarithms of variances.
const Values kPosteriors = {0.5, -1.0, -0.8, 0.3, 0.0, 2.0, 0.0, -3.0};

/// The divergence of N(mean, e^l) from N(0, 1) by the trapezoidal rule over ten deviations, which
/// is exact to rounding for such integrands.
double divergence(double mean, double l) {
  constexpr int kParts = 2000;
  const double deviation = std::exp(0.5 * l);
  double sum = 0.0;
  for (int i = 0; i <= kParts; ++i) {
    const double u = -10.0 + 20.0 * i / kParts;
    const double z = mean + deviation * u;
    const double q = std::exp(-0.5 * u * u) / std::sqrt(2.0 * std::numbers::pi);
    sum += q * (0.5 * z * z - 0.5 * u * u - 0.5 * l) * 20.0 / kParts;
  }
  return sum;
}

TEST(DiagonalGaussian, CostsItsDivergenceFromThePrior) {
  Tape tape(2);
  const auto block = make<Block>("diagonal_gaussian");
  const Block::Output output =
      block->forward(tape.scope(), tape.input("x", {kRows, 4}, kPosteriors));
  expect_near(tape.evaluate(output.cost), {divergence(0.5, -0.8) + divergence(-1.0, 0.3),
                                           divergence(0.0, 0.0) + divergence(2.0, -3.0)});
}

TEST(DiagonalGaussian, DrawsAroundItsMeanInTraining) {
  Tape tape(2, DType::f64, Mode::training);
  tape.given["draw"] = {1.0, -2.0, 0.5, 0.0};
  const auto block = make<Block>("diagonal_gaussian");
  EXPECT_EQ(block->output_shape({4}), (Shape{2}));
  const Block::Output output =
      block->forward(tape.scope(), tape.input("x", {kRows, 4}, kPosteriors));
  EXPECT_EQ(tape.item("draw").distribution, Distribution::normal);
  expect_near(tape.evaluate(output.value),
              {0.5 + std::exp(-0.4), -1.0 - 2.0 * std::exp(0.15), 0.5, 2.0});
}

TEST(DiagonalGaussian, IsItsMeanOutsideOfTrainingUnlessToldToDraw) {
  Tape tape(2);
  const Tensor x = tape.input("x", {kRows, 4}, kPosteriors);
  expect_near(tape.evaluate(make<Block>("diagonal_gaussian")->forward(tape.scope(), x).value),
              {0.5, -1.0, 0.0, 2.0});
  tape.given["draw"] = {1.0, 0.0, 0.0, 0.0};
  const auto drawing = make<Block>("diagonal_gaussian", "draw: always\n");
  expect_near(tape.evaluate(drawing->forward(tape.scope(), x).value),
              {0.5 + std::exp(-0.4), -1.0, 0.0, 2.0});
}

TEST(DiagonalGaussian, TakesTheLastAxisOfAnyShape) {
  Tape tape(1);
  const auto block = make<Block>("diagonal_gaussian");
  EXPECT_EQ(block->output_shape({2, 4}), (Shape{2, 2}));
  const Block::Output output =
      block->forward(tape.scope(), tape.input("x", {kRows, 2, 4}, kPosteriors));
  expect_near(tape.evaluate(output.value), {0.5, -1.0, 0.0, 2.0});
  EXPECT_EQ(tape.evaluate(output.cost).size(), 1U);
  EXPECT_THAT(config_error([&] { block->output_shape({3}); }), HasSubstr("even number"));
}

}  // namespace
}  // namespace odeum::plugin_tests
