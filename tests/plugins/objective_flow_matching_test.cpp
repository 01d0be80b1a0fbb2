// SPDX-License-Identifier: Apache-2.0
// Flow matching against what its formulas give by hand; kRounding is a few units of float64.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "loaded.hpp"
#include "odeum/objective.hpp"
#include "tape.hpp"

namespace odeum::plugin_tests {
namespace {

using testing::HasSubstr;

constexpr double kRounding = 1e-13;
constexpr double kSpan[] = {1.0, 3.0};

/// Blocks that double the data, and a rate that is t + z / 2 over [1, 3]; z(3) = 4 x has no
/// meaning.
class DoubledData final : public Model {
 public:
  Result forward(Tensor x) override {
    ++solves;
    return {4.0 * x, full(x, {kRows}, 0.25, DType::f64)};
  }
  Tensor before_solve(Tensor x) override { return 2.0 * x; }
  Tensor velocity(Tensor t, Tensor z) override { return reshape(t, {kRows, 1}) + 0.5 * z; }
  std::array<double, 2> span() const override { return {kSpan[0], kSpan[1]}; }

  int solves = 0;
};

const std::vector<double> kData{0.5, -1.0, 2.0, 0.25, -0.75, 1.5};

struct Recorded {
  std::map<std::string, std::vector<double>> values;
  std::vector<std::string> metrics;
  std::vector<double> base;
  std::vector<double> time;
  int solves = 0;
};

Recorded record(const std::string& yaml, Mode mode = Mode::training, DType type = DType::f64,
                const std::vector<double>& data = kData,
                std::map<std::string, std::vector<double>> given = {}) {
  const auto rows = static_cast<std::int64_t>(data.size() / 2);
  Tape tape(rows, type, mode);
  tape.given = std::move(given);
  DoubledData model;
  const Tensor x = tape.input("x", {kRows, 2}, data);
  const auto losses =
      make<Objective>("flow_matching", yaml)->losses(tape.scope(), model, {{"x", x}});
  EXPECT_EQ(losses.loss.dtype(), DType::f64);
  EXPECT_EQ(losses.loss.shape(), Shape{kRows});
  Recorded result;
  result.values["loss"] = tape.evaluate(losses.loss);
  for (const auto& [name, metric] : losses.metrics) {
    result.values[name] = tape.evaluate(metric);
    result.metrics.push_back(name);
  }
  result.base = tape.handed_out("base");
  result.time = tape.handed_out("time");
  result.solves = model.solves;
  return result;
}

/// The loss of a row where the path is a x + b e with derivatives da, db by u, for 2 x and the rate
/// t + z / 2 at t = 1 + 2 u, over a span of length 2.
double loss_of_row(const Recorded& drawn, std::size_t row, double u, std::array<double, 4> path) {
  double sum = 0.0;
  for (std::size_t k = 2 * row; k < 2 * row + 2; ++k) {
    const double x = 2.0 * kData[k];
    const double e = drawn.base[k];
    const double rate = 1.0 + 2.0 * u + 0.5 * (path[0] * x + path[1] * e);
    const double error = rate - (path[2] * x + path[3] * e) / 2.0;
    sum += error * error;
  }
  return sum / 2.0;
}

TEST(FlowMatching, ComparesTheRateWithAStraightPathsVelocity) {
  // Lipman et al., equations 22 and 23, with t = 1 - u and sigma_min 0.1.
  const Recorded drawn = record("sigma_min: 0.1\n");
  for (std::size_t row = 0; row < 3; ++row) {
    const double u = drawn.time[row];
    EXPECT_NEAR(drawn.values.at("loss")[row],
                loss_of_row(drawn, row, u, {1.0 - u, 0.1 + 0.9 * u, -1.0, 0.9}), kRounding);
  }
}

TEST(FlowMatching, LeadsFromTheDataToTheBase) {
  for (const char* path : {"optimal_transport", "variance_preserving"}) {
    const Recorded start = record(std::string("path: ") + path + "\n", Mode::training, DType::f64,
                                  kData, {{"time", {0.0, 0.0, 0.0}}});
    const Recorded end = record(std::string("path: ") + path + "\n", Mode::training, DType::f64,
                                kData, {{"time", {1.0, 1.0, 1.0}}});
    // At the data the straight path has the velocity e - x, the turn pi/2 e; at the base e - x and
    // -pi/2 x.
    const double quarter = 0.5 * std::numbers::pi;
    const bool straight = std::string(path) == "optimal_transport";
    for (std::size_t row = 0; row < 3; ++row) {
      const std::array<double, 4> at_data =
          straight ? std::array{1.0, 0.0, -1.0, 1.0} : std::array{1.0, 0.0, 0.0, quarter};
      const std::array<double, 4> at_base =
          straight ? std::array{0.0, 1.0, -1.0, 1.0} : std::array{0.0, 1.0, -quarter, 0.0};
      EXPECT_NEAR(start.values.at("loss")[row], loss_of_row(start, row, 0.0, at_data), kRounding);
      EXPECT_NEAR(end.values.at("loss")[row], loss_of_row(end, row, 1.0, at_base), kRounding);
    }
  }
}

TEST(FlowMatching, HasVelocitiesThatAreTheDerivativesOfItsPaths) {
  // Along the turn, the loss with the path's own derivatives at any u.
  const Recorded drawn = record("path: variance_preserving\n");
  for (std::size_t row = 0; row < 3; ++row) {
    const double u = drawn.time[row];
    const double angle = 0.5 * std::numbers::pi * u;
    constexpr double kStep = 1e-5;  // central differences: wrong by some 1e-10
    const auto slope = [&](double (*f)(double)) {
      const double step = 0.5 * std::numbers::pi * kStep;
      return (f(angle + step) - f(angle - step)) / (2.0 * kStep);
    };
    const auto cosine = [](double a) { return std::cos(a); };
    const auto sine = [](double a) { return std::sin(a); };
    EXPECT_NEAR(
        drawn.values.at("loss")[row],
        loss_of_row(drawn, row, u, {cosine(angle), sine(angle), slope(cosine), slope(sine)}), 1e-8);
  }
}

TEST(FlowMatching, DrawsLogitNormalTimes) {
  // u = 1 / (1 + exp(-(location + scale y))).
  const Recorded drawn = record("time: logit_normal\nlocation: 0.3\nscale: 2\n");
  for (std::size_t row = 0; row < 3; ++row) {
    const double u = 1.0 / (1.0 + std::exp(-(0.3 + 2.0 * drawn.time[row])));
    EXPECT_NEAR(drawn.values.at("loss")[row], loss_of_row(drawn, row, u, {1.0 - u, u, -1.0, 1.0}),
                kRounding);
  }
}

TEST(FlowMatching, SolvesInEvaluationAlone) {
  const Recorded training = record("");
  EXPECT_EQ(training.solves, 0);
  EXPECT_EQ(training.metrics, std::vector<std::string>{"matching"});
  const Recorded nats = record("", Mode::evaluation);
  EXPECT_EQ(nats.solves, 1);
  EXPECT_EQ(nats.metrics, (std::vector<std::string>{"nll", "matching"}));
  const Recorded bits = record("density: bits_per_dim\n", Mode::evaluation);
  EXPECT_EQ(bits.metrics, (std::vector<std::string>{"nll", "bits_per_dim", "matching"}));
  const Recorded none = record("density: none\n", Mode::evaluation);
  EXPECT_EQ(none.solves, 0);
  EXPECT_EQ(none.metrics, std::vector<std::string>{"matching"});
  for (std::size_t row = 0; row < 3; ++row) {
    const double x = kData[2 * row];
    const double y = kData[2 * row + 1];
    const double nll = 8.0 * (x * x + y * y) + std::log(2.0 * std::numbers::pi) - 0.25;
    EXPECT_NEAR(nats.values.at("nll")[row], nll, 100 * kRounding);
    EXPECT_NEAR(bits.values.at("bits_per_dim")[row], nll / (2.0 * std::numbers::ln2),
                100 * kRounding);
    EXPECT_EQ(nats.values.at("matching"), training.values.at("matching"));
  }
  EXPECT_FALSE(make<Objective>("flow_matching", "density: none\n")->needs_log_determinant());
  EXPECT_TRUE(make<Objective>("flow_matching")->needs_log_determinant());
  EXPECT_TRUE(make<Objective>("flow_matching")->matches_velocity());
  EXPECT_FALSE(make<Objective>("likelihood")->matches_velocity());
}

/// Rows at u = 0 with the rate t + z / 2 = 1 + x: the loss tells which e a row was given, as its
/// velocity is (e - 2 x) / 2 in both elements.
double squared_distance(const Recorded& coupled, const std::vector<double>& data,
                        const std::vector<std::size_t>& order, std::size_t row) {
  double sum = 0.0;
  for (std::size_t k = 0; k < 2; ++k) {
    const double x = data[2 * row + k];
    const double error = 1.0 + x - 0.5 * (coupled.base[2 * order[row] + k] - 2.0 * x);
    sum += error * error;
  }
  return sum / 2.0;
}

TEST(FlowMatching, CouplesABatchByTheCheapestPermutation) {
  // All 5040 permutations of seven rows, against the losses of the one that was taken.
  std::vector<double> data;
  RandomStream random(3, 0);
  for (int i = 0; i < 14; ++i) data.push_back(random.normal());
  for (const DType type : {DType::f32, DType::f64}) {
    const Recorded coupled = record("coupling: optimal\n", Mode::training, type, data,
                                    {{"time", std::vector<double>(7, 0.0)}});
    std::vector<std::size_t> order{0, 1, 2, 3, 4, 5, 6};
    std::vector<std::size_t> best;
    double least = 1e300;
    do {
      double cost = 0.0;
      for (std::size_t i = 0; i < 14; ++i) {
        const double distance = 2.0 * data[i] - coupled.base[2 * order[i / 2] + i % 2];
        cost += distance * distance;
      }
      if (cost < least) {
        least = cost;
        best = order;
      }
    } while (std::next_permutation(order.begin(), order.end()));
    EXPECT_NE(best, (std::vector<std::size_t>{0, 1, 2, 3, 4, 5, 6}));  // the draw is no trivial one
    for (std::size_t row = 0; row < 7; ++row) {
      EXPECT_NEAR(coupled.values.at("loss")[row], squared_distance(coupled, data, best, row),
                  type == DType::f64 ? kRounding : 1e-5);
    }
  }
}

TEST(FlowMatching, CouplesInTheOrderOfOneFeature) {
  // On a line the optimal coupling is monotone; 300 rows are a group of 256 and one of 44.
  std::vector<double> data;
  RandomStream random(5, 0);
  for (int i = 0; i < 600; ++i) data.push_back(i % 2 == 0 ? random.normal() : 0.0);
  std::vector<double> base;
  for (int i = 0; i < 600; ++i) base.push_back(i % 2 == 0 ? random.normal() : 0.0);
  const Recorded coupled = record("coupling: optimal\n", Mode::training, DType::f64, data,
                                  {{"time", std::vector<double>(300, 0.0)}, {"base", base}});
  std::vector<std::size_t> order(300);
  for (const auto& [begin, end] : {std::pair{0, 256}, std::pair{256, 300}}) {
    std::vector<std::size_t> by_x, by_base;
    for (int i = begin; i < end; ++i) by_x.push_back(static_cast<std::size_t>(i));
    by_base = by_x;
    std::sort(by_x.begin(), by_x.end(), [&](auto a, auto b) { return data[2 * a] < data[2 * b]; });
    std::sort(by_base.begin(), by_base.end(),
              [&](auto a, auto b) { return base[2 * a] < base[2 * b]; });
    for (std::size_t i = 0; i < by_x.size(); ++i) order[by_x[i]] = by_base[i];
  }
  for (std::size_t row = 0; row < 300; ++row) {
    EXPECT_NEAR(coupled.values.at("loss")[row], squared_distance(coupled, data, order, row),
                kRounding * 100);
  }
}

TEST(FlowMatching, LeavesABatchWithANumberThatIsNoneAsItIs) {
  std::vector<double> data = kData;
  data[2] = std::nan("");
  const Recorded coupled =
      record("coupling: optimal\n", Mode::training, DType::f64, data, {{"time", {0.0, 0.0, 0.0}}});
  const std::vector<std::size_t> order{0, 1, 2};
  EXPECT_NEAR(coupled.values.at("loss")[0], squared_distance(coupled, data, order, 0), kRounding);
  EXPECT_TRUE(std::isnan(coupled.values.at("loss")[1]));
  EXPECT_NEAR(coupled.values.at("loss")[2], squared_distance(coupled, data, order, 2), kRounding);
}

TEST(FlowMatching, RefusesKeysOfWhatWasNotChosen) {
  const auto refusal = [](const std::string& yaml) {
    return config_error([&] { make<Objective>("flow_matching", yaml); });
  };
  EXPECT_THAT(refusal("path: variance_preserving\nsigma_min: 0.1\n"), HasSubstr("sigma_min"));
  EXPECT_THAT(refusal("location: 1\n"), HasSubstr("logit_normal"));
  EXPECT_THAT(refusal("scale: 1\n"), HasSubstr("logit_normal"));
  EXPECT_EQ(refusal("time: logit_normal\nscale: 1\n"), "");
}

}  // namespace
}  // namespace odeum::plugin_tests
