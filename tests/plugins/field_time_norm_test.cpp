// SPDX-License-Identifier: Apache-2.0
// Temporal adaptive batch normalisation against Algorithm 1 of its paper, in float64; kRounding is
// some units of it.
#include <gtest/gtest.h>

#include <cmath>
#include <utility>

#include "loaded.hpp"
#include "odeum/transforms.hpp"
#include "tape.hpp"

namespace odeum::plugin_tests {
namespace {

constexpr double kRounding = 1e-13;
constexpr double kEpsilon = 1e-5;  // of the normalisation
constexpr std::int64_t kPoints = 11;
const std::vector<double> kIdentity{0, 0, 0, 0, 1, 0, 0, 0, 0};

using Values = std::vector<double>;

/// One convolution that hands a channel through, normalised; relu sees what alpha has lifted.
std::shared_ptr<VectorField> one_layer(const std::string& norm = "") {
  return make<VectorField>("cnn",
                           "channels: []\nstrides: [1]\nnorm: {intervals: 10" + norm + "}\n");
}

void hand_through(Tape& tape) {
  tape.given["layer0.weight"] = kIdentity;
  tape.given["layer0.time"] = Values(9, 0.0);
  tape.given["layer0.bias"] = {0.0};
  tape.given["layer0.gamma"] = Values(kPoints, 1.0);
  tape.given["layer0.alpha"] = Values(kPoints, 50.0);
}

Values linear_in_time(double begin, double slope) {
  Values values;
  for (std::int64_t i = 0; i < kPoints; ++i) values.push_back(begin + slope * 0.1 * double(i));
  return values;
}

const Values kImages{1.0, -2.0, 3.0, 0.5, 2.0, 4.0, -1.0, 0.25};  // two of 1 x 2 x 2

double mean_of(const Values& x) {
  double sum = 0.0;
  for (const double v : x) sum += v;
  return sum / double(x.size());
}
double variance_of(const Values& x) {
  double sum = 0.0;
  for (const double v : x) sum += (v - mean_of(x)) * (v - mean_of(x));
  return sum / double(x.size());
}

void expect_near(const Values& values, const Values& truth) {
  ASSERT_EQ(values.size(), truth.size());
  for (std::size_t i = 0; i < truth.size(); ++i) {
    EXPECT_NEAR(values[i], truth[i], kRounding * (1.0 + std::abs(truth[i]))) << i;
  }
}

Values evaluated(Tape& tape, const VectorField& field, const Shape& time, Values times) {
  const Tensor t = tape.input("t", time, std::move(times));
  const Tensor z = tape.input("z", {kRows, 1, 2, 2}, kImages);
  return tape.evaluate(field(tape.scope(), t, z));
}

TEST(TimeNorm, IsExactForQuantitiesLinearInTime) {
  Tape tape(2);
  hand_through(tape);
  tape.given["layer0.mean"] = linear_in_time(0.3, 2.0);
  tape.given["layer0.variance"] = linear_in_time(1.0 - kEpsilon, 3.0);
  tape.given["layer0.gamma"] = linear_in_time(0.5, -0.25);
  tape.given["layer0.alpha"] = linear_in_time(50.0, 7.0);
  const double t = 0.537;
  Values truth;
  for (const double x : kImages) {
    truth.push_back((x - 0.3 - 2.0 * t) / std::sqrt(1.0 + 3.0 * t) * (0.5 - 0.25 * t) + 50.0 +
                    7.0 * t);
  }
  expect_near(evaluated(tape, *one_layer(), {1}, {t}), truth);
}

TEST(TimeNorm, TakesTheNearerEndForTimesOutsideItsGrid) {
  for (const auto& [outside, end] : {std::pair{-0.7, 0.0}, {1.9, 1.0}}) {
    Tape there(2);
    Tape here(2);
    for (Tape* tape : {&there, &here}) {
      hand_through(*tape);
      tape->given["layer0.mean"] = linear_in_time(0.3, 2.0);
      tape->given["layer0.variance"] = linear_in_time(1.0, 3.0);
    }
    expect_near(evaluated(there, *one_layer(), {1}, {outside}),
                evaluated(here, *one_layer(), {1}, {end}));
  }
}

TEST(TimeNorm, NormalisesByTheBatchInTraining) {
  Tape tape(2, DType::f64, Mode::training);
  hand_through(tape);
  Values truth;
  for (const double x : kImages) {
    truth.push_back((x - mean_of(kImages)) / std::sqrt(variance_of(kImages) + kEpsilon) + 50.0);
  }
  expect_near(evaluated(tape, *one_layer(), {1}, {0.42}), truth);
}

TEST(TimeNorm, MovesTheTwoPointsBesideATimeByMomentumTimesTheirWeights) {
  Tape tape(2, DType::f64, Mode::training);
  hand_through(tape);
  evaluated(tape, *one_layer(), {1}, {0.42});
  ASSERT_EQ(tape.observed.size(), 2U);
  Values weights(kPoints, 0.0);
  weights[4] = 0.1 * 0.8;
  weights[5] = 0.1 * 0.2;
  for (const model::Observation& one : tape.observed) {
    expect_near(tape.evaluate(one.weight), weights);
  }
  EXPECT_EQ(tape.observed[0].buffer, "layer0.mean");
  EXPECT_EQ(tape.observed[1].buffer, "layer0.variance");
  expect_near(tape.evaluate(tape.observed[0].value), {mean_of(kImages)});
  expect_near(tape.evaluate(tape.observed[1].value), {variance_of(kImages)});
}

TEST(TimeNorm, ReadsPointsNeverVisitedFromThoseThatWere) {
  const auto field = one_layer(", start: first_visit");
  // Points 2 and 6 have been seen, at t = 0.2 and 0.6, with means 1 and 3 and variance 4.
  const auto mean_at = [&](double t) {
    Tape tape(2);
    hand_through(tape);
    Values visits(kPoints, 0.0);
    Values means(kPoints, 0.0);
    Values variances(kPoints, 0.0);
    visits[2] = 0.1;
    visits[6] = 0.5;
    means[2] = 0.1 * 1.0;
    means[6] = 0.5 * 3.0;
    for (const int i : {2, 6}) variances[i] = visits[i] * (4.0 - kEpsilon);
    tape.given["layer0.visits"] = visits;
    tape.given["layer0.mean"] = means;
    tape.given["layer0.variance"] = variances;
    return kImages[0] - 2.0 * (evaluated(tape, *field, {1}, {t})[0] - 50.0);
  };
  const double kLifted = 200 * kRounding;  // of sums with 50
  EXPECT_NEAR(mean_at(0.2), 1.0, kLifted);
  EXPECT_NEAR(mean_at(0.3), 1.5, kLifted);
  EXPECT_NEAR(mean_at(0.47), 2.35, kLifted);
  EXPECT_NEAR(mean_at(0.6), 3.0, kLifted);
  EXPECT_NEAR(mean_at(0.05), 1.0, kLifted);
  EXPECT_NEAR(mean_at(0.95), 3.0, kLifted);
}

TEST(TimeNorm, HasMeanZeroAndVarianceOneWhereNothingWasSeen) {
  Tape tape(2);
  hand_through(tape);
  for (const char* name : {"visits", "mean", "variance"}) {
    tape.given[std::string("layer0.") + name] = Values(kPoints, 0.0);
  }
  Values truth;
  for (const double x : kImages) truth.push_back(x / std::sqrt(1.0 + kEpsilon) + 50.0);
  expect_near(evaluated(tape, *one_layer(", start: first_visit"), {1}, {0.42}), truth);
}

TEST(TimeNorm, TakesATimeForEverySampleOutsideTraining) {
  for (const std::string start : {"", ", start: first_visit"}) {
    const auto at = [&](const Shape& shape, const Values& times) {
      Tape tape(2);
      hand_through(tape);
      tape.given["layer0.mean"] = linear_in_time(0.3, 2.0);
      tape.given["layer0.variance"] = linear_in_time(1.0, 3.0);
      tape.given["layer0.visits"] = {0, 0.5, 0, 0, 0.25, 1, 1, 0, 0, 1, 0};
      return evaluated(tape, *one_layer(start), shape, times);
    };
    const Values both = at({kRows, 1}, {0.23, 0.81});
    const Values first = at({1}, {0.23});
    const Values second = at({1}, {0.81});
    for (std::size_t i = 0; i < 4; ++i) EXPECT_NEAR(both[i], first[i], 100 * kRounding);
    for (std::size_t i = 4; i < 8; ++i) EXPECT_NEAR(both[i], second[i], 100 * kRounding);
  }
}

TEST(TimeNorm, SendsGradientToTheTwoPointsBesideATimeAlone) {
  Tape tape(2, DType::f64, Mode::training);
  hand_through(tape);
  const auto field = one_layer();
  const Tensor t = tape.input("t", {1}, {0.42});
  const Tensor z = tape.input("z", {kRows, 1, 2, 2}, kImages);
  const std::vector<Tensor> rate{(*field)(tape.scope(), t, z)};
  const std::vector<Tensor> alpha{
      tape.scope().parameter("layer0.alpha", {kPoints, 1}, Initializer::constant(0.0))};
  const std::vector<Tensor> ones{ones_like(rate.front())};
  Values truth(kPoints, 0.0);
  truth[4] = 8 * 0.8;
  truth[5] = 8 * 0.2;
  const Values found = tape.evaluate(vjp(rate, alpha, ones).front());
  for (std::size_t i = 0; i < truth.size(); ++i) EXPECT_NEAR(found[i], truth[i], 10 * kRounding);
}

TEST(TimeNorm, HasTheVariantsThatThePaperComparesWith) {
  Tape running(2);
  hand_through(running);
  running.given["layer0.gamma"] = {2.0};
  running.given["layer0.alpha"] = {50.0};
  running.given["layer0.mean"] = {0.5};
  running.given["layer0.variance"] = {4.0 - kEpsilon};
  Values truth;
  for (const double x : kImages) truth.push_back((x - 0.5) / 2.0 * 2.0 + 50.0);
  expect_near(evaluated(running, *one_layer(", statistics: time_independent"), {1}, {0.42}), truth);

  for (const Mode mode : {Mode::training, Mode::evaluation}) {
    Tape batch(2, DType::f64, mode);
    hand_through(batch);
    batch.given["layer0.gamma"] = {1.0};
    batch.given["layer0.alpha"] = {50.0};
    truth.clear();
    for (const double x : kImages) {
      truth.push_back((x - mean_of(kImages)) / std::sqrt(variance_of(kImages) + kEpsilon) + 50.0);
    }
    expect_near(evaluated(batch, *one_layer(", statistics: mini_batch"), {1}, {0.42}), truth);
    EXPECT_TRUE(batch.observed.empty());
  }

  Tape none(2);
  hand_through(none);
  truth.clear();
  for (const double x : kImages) truth.push_back(std::max(x, 0.0));
  expect_near(evaluated(none, *one_layer(", statistics: none"), {1}, {0.42}), truth);
}

TEST(PopulationNorm, HasStatisticsOfItsOwnForEachTimeAndOneAffineMap) {
  const auto field = one_layer(", statistics: population");
  for (const std::int64_t point : {0, 4, 10}) {
    Tape tape(2);
    hand_through(tape);
    tape.given["layer0.gamma"] = {2.0};
    tape.given["layer0.alpha"] = {50.0};
    Values means;
    for (std::int64_t i = 0; i < kPoints; ++i) means.push_back(double(i * i));
    tape.given["layer0.mean"] = means;
    tape.given["layer0.variance"] = Values(kPoints, 4.0 - kEpsilon);
    Values truth;
    for (const double x : kImages) truth.push_back(x - double(point * point) + 50.0);
    // On the point, and anywhere nearer to it than to the next.
    for (const double off : {0.0, -0.04, 0.04}) {
      const Values found = evaluated(tape, *field, {1}, {0.1 * double(point) + off});
      for (std::size_t i = 0; i < truth.size(); ++i) {
        EXPECT_NEAR(found[i], std::max(truth[i], 0.0), 100 * kRounding) << point << " " << off;
      }
    }
  }
}

TEST(PopulationNorm, MovesTheNearestPointAlone) {
  Tape tape(2, DType::f64, Mode::training);
  hand_through(tape);
  tape.given["layer0.gamma"] = {1.0};
  tape.given["layer0.alpha"] = {50.0};
  evaluated(tape, *one_layer(", statistics: population"), {1}, {0.7});
  ASSERT_EQ(tape.observed.size(), 2U);
  Values weights(kPoints, 0.0);
  weights[7] = 0.1;
  for (const model::Observation& one : tape.observed) {
    expect_near(tape.evaluate(one.weight), weights);
  }
  expect_near(tape.evaluate(tape.observed[0].value), {mean_of(kImages)});
}

TEST(PopulationNorm, ReadsPointsNeverVisitedFromTheNearestThatWas) {
  const auto field = one_layer(", statistics: population, start: first_visit");
  const auto mean_at = [&](const Shape& shape, const Values& times) {
    Tape tape(2);
    hand_through(tape);
    tape.given["layer0.gamma"] = {1.0};
    tape.given["layer0.alpha"] = {50.0};
    Values visits(kPoints, 0.0);
    Values means(kPoints, 0.0);
    Values variances(kPoints, 0.0);
    for (const int i : {2, 7}) {
      visits[i] = 0.1 * i;
      means[i] = visits[i] * i;
      variances[i] = visits[i] * (1.0 - kEpsilon);
    }
    tape.given["layer0.visits"] = visits;
    tape.given["layer0.mean"] = means;
    tape.given["layer0.variance"] = variances;
    const Values found = evaluated(tape, *field, shape, times);
    return Values{kImages[0] - found[0] + 50.0, kImages[4] - found[4] + 50.0};
  };
  const double kLifted = 200 * kRounding;  // of sums with 50
  for (const auto& [time, mean] :
       {std::pair{0.2, 2.0}, {0.0, 2.0}, {0.44, 2.0}, {0.46, 7.0}, {0.7, 7.0}, {1.0, 7.0}}) {
    EXPECT_NEAR(mean_at({1}, {time})[0], mean, kLifted) << time;
  }
  const Values both = mean_at({kRows, 1}, {0.1, 0.9});
  EXPECT_NEAR(both[0], 2.0, kLifted);
  EXPECT_NEAR(both[1], 7.0, kLifted);
}

TEST(TimeNorm, SaysWhereItsFieldHasKinks) {
  const std::vector<double> kinks = one_layer()->kinks();
  ASSERT_EQ(kinks.size(), 9U);
  EXPECT_NEAR(kinks.front(), 0.1, kRounding);
  EXPECT_NEAR(kinks.back(), 0.9, kRounding);
  const std::vector<double> jumps = one_layer(", statistics: population")->kinks();
  ASSERT_EQ(jumps.size(), 10U);
  EXPECT_NEAR(jumps.front(), 0.05, kRounding);
  EXPECT_NEAR(jumps.back(), 0.95, kRounding);
  EXPECT_TRUE(one_layer(", statistics: time_independent")->kinks().empty());
}

TEST(Cnn, SaysWhatIsWrongWithItsStrides) {
  const auto error = [](const std::string& yaml) {
    return config_error([&] { make<VectorField>("cnn", yaml); });
  };
  EXPECT_NE(error("channels: [4]\nstrides: [1]\n").find("1 strides for 2 layers"),
            std::string::npos);
  EXPECT_NE(error("channels: [4]\nstrides: [2, 1]\n").find("double as often"), std::string::npos);
  EXPECT_NE(error("channels: [4]\nstrides: [3, -2]\n").find("1, 2 or -2"), std::string::npos);
}

TEST(Unet, SaysWhichSizesItTakes) {
  const auto field = make<VectorField>("unet", "channels: [2, 3, 4]\n");
  Tape tape(1);
  const Tensor t = tape.input("t", {1}, {0.0});
  const Tensor z = tape.input("z", {kRows, 1, 6, 6}, Values(36, 0.0));
  try {
    (*field)(tape.scope(), t, z);
    FAIL() << "6 x 6 cannot be halved twice";
  } catch (const std::invalid_argument& error) {
    EXPECT_NE(std::string(error.what()).find("multiples of 4"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace odeum::plugin_tests
