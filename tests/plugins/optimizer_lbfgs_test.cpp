// SPDX-License-Identifier: Apache-2.0
// L-BFGS on functions whose minimum is known.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>

#include "loaded.hpp"
#include "odeum/optimizer.hpp"

namespace odeum::plugin_tests {
namespace {

using Vector = std::vector<double>;
/// The value; writes the gradient.
using Function = std::function<double(const Vector& x, Vector& gradient)>;

class Counted final : public LossFunction {
 public:
  explicit Counted(Function function) : function_(std::move(function)) {}
  double operator()(std::span<double> parameters, std::span<double> gradient) override {
    ++calls;
    Vector g(parameters.size());
    const double value = function_({parameters.begin(), parameters.end()}, g);
    std::copy(g.begin(), g.end(), gradient.begin());
    return value;
  }
  int calls = 0;

 private:
  Function function_;
};

/// A training in miniature.
struct Descent {
  std::shared_ptr<const Optimizer> optimizer;
  Counted loss;
  Vector x;
  std::vector<Vector> slots;
  std::int64_t iterations = 0;
  std::string finished = {};
  double value = 0.0;  ///< at x

  Descent(const std::string& yaml, const Function& function, Vector start)
      : optimizer(make<Optimizer>("lbfgs", yaml)),
        loss(function),
        x(std::move(start)),
        slots(optimizer->slots().size(), Vector(x.size(), 0.0)) {}

  void step(double learning_rate = 1.0) {
    Vector gradient(x.size());
    const double begin = loss(x, gradient);
    const std::vector<std::span<double>> views(slots.begin(), slots.end());
    const auto& searching = dynamic_cast<const LineSearchOptimizer&>(*optimizer);
    const SearchReport report = searching.search({x, gradient, begin, views, learning_rate}, loss);
    iterations += report.iterations;
    finished = report.finished;
    value = loss(x, gradient);
    --loss.calls;  // this one is the test's
  }
};

double rosenbrock(const Vector& x, Vector& gradient) {
  const double valley = x[1] - x[0] * x[0];
  gradient = {-400.0 * x[0] * valley - 2.0 * (1.0 - x[0]), 200.0 * valley};
  return 100.0 * valley * valley + (1.0 - x[0]) * (1.0 - x[0]);
}

/// Half of the sum of i x_i^2, i = 1, 2, ...
double bowl(const Vector& x, Vector& gradient) {
  double sum = 0.0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    gradient[i] = static_cast<double>(i + 1) * x[i];
    sum += 0.5 * gradient[i] * x[i];
  }
  return sum;
}

TEST(Lbfgs, FindsTheMinimumOfRosenbrocksValley) {
  Descent descent("iterations: 100\nmax_evaluations: 200\n", rosenbrock, {-1.2, 1.0});
  descent.step();
  EXPECT_FALSE(descent.finished.empty());
  // A gradient of 1e-8 with the smallest curvature, 0.4, is this far from (1, 1) at most.
  constexpr double kFar = 1e-7;
  EXPECT_NEAR(descent.x[0], 1.0, kFar);
  EXPECT_NEAR(descent.x[1], 1.0, kFar);
  // Nocedal and Wright, table 6.1: BFGS takes 34 iterations from here to a gradient of 1e-5,
  // steepest descent 5264. More than 60 would be another method.
  EXPECT_LE(descent.iterations, 60);
  EXPECT_LE(descent.loss.calls, 90);
}

TEST(Lbfgs, MinimisesAQuadraticInAsManyIterationsAsDimensions) {
  // With the whole history and line searches that are all but exact it takes conjugate directions
  // (Nocedal, Wright, section 6.1): after n moves what is left is the searches' inexactness.
  const Vector start = {1, -2, 0.5, 3, 1};
  Descent descent(
      "history: 5\niterations: 5\nmax_evaluations: 100\ncurvature: 1e-9\ndecrease: 1e-10\n"
      "gradient_tolerance: 0\nchange_tolerance: 0\n",
      bowl, start);
  Vector gradient(5);
  const double before = bowl(start, gradient);
  descent.step();
  EXPECT_EQ(descent.iterations, 5);
  EXPECT_LT(descent.value, 1e-14 * before);

  Descent shorter(
      "history: 5\niterations: 4\nmax_evaluations: 100\ncurvature: 1e-9\ndecrease: 1e-10\n", bowl,
      start);
  shorter.step();
  EXPECT_GT(shorter.value, 1e-6 * before);
}

TEST(Lbfgs, GoesOnFromItsSlotsAsIfItHadNotStopped) {
  const std::string keys = "history: 4\niterations: 2\nmax_evaluations: 6\n";
  Descent whole(keys, rosenbrock, {-1.2, 1.0});
  for (int i = 0; i < 8; ++i) whole.step();
  Descent first(keys, rosenbrock, {-1.2, 1.0});
  for (int i = 0; i < 3; ++i) first.step();
  Descent second(keys, rosenbrock, first.x);
  second.slots = first.slots;
  for (int i = 3; i < 8; ++i) second.step();
  EXPECT_EQ(whole.x, second.x);
  EXPECT_EQ(whole.slots, second.slots);
  EXPECT_LT(whole.value, 1.0);
}

TEST(Lbfgs, ComesBackFromPointsWhereTheLossIsNotFinite) {
  // -log(1 - x^2) + x: undefined from |x| = 1 on, minimal where 2x / (1 - x^2) = -1.
  const auto barrier = [](const Vector& x, Vector& gradient) {
    const double inside = 1.0 - x[0] * x[0];
    gradient[0] = 2.0 * x[0] / inside + 1.0;
    return -std::log(inside) + x[0];
  };
  Descent descent("", barrier, {0.9});
  descent.step(100.0);  // the first trial is far outside
  EXPECT_NEAR(descent.x[0], 1.0 - std::sqrt(2.0), 1e-7);

  // Infinite losses with a gradient of no meaning, as after a solve that failed.
  const auto wall = [](const Vector& x, Vector& gradient) {
    gradient[0] = std::numeric_limits<double>::quiet_NaN();
    if (x[0] < 1.0) return std::numeric_limits<double>::infinity();
    gradient[0] = 2.0 * (x[0] - 1.5);
    return (x[0] - 1.5) * (x[0] - 1.5);
  };
  Descent walled("", wall, {4.0});
  walled.step(50.0);
  EXPECT_NEAR(walled.x[0], 1.5, 1e-7);
}

TEST(Lbfgs, LooksAtNoMorePointsThanItMay) {
  for (const int most : {2, 3, 7}) {
    Descent descent("iterations: 100\nmax_evaluations: " + std::to_string(most) + "\n", rosenbrock,
                    {-1.2, 1.0});
    Vector gradient(2);
    const double before = rosenbrock(descent.x, gradient);
    descent.step();
    EXPECT_LE(descent.loss.calls, most);
    EXPECT_LE(descent.value, before);
    EXPECT_TRUE(descent.finished.empty());
  }
}

TEST(Lbfgs, NeverGoesUp) {
  Descent descent("iterations: 1\n", rosenbrock, {-1.2, 1.0});
  double before = std::numeric_limits<double>::infinity();
  while (descent.finished.empty()) {
    descent.step();
    EXPECT_LE(descent.value, before);
    before = descent.value;
  }
}

TEST(Lbfgs, EndsWhereItsTolerancesSay) {
  Descent flat("gradient_tolerance: 0.5\n", bowl, {0.4, 0.2});
  flat.step();
  EXPECT_THAT(flat.finished, testing::HasSubstr("gradient_tolerance"));
  EXPECT_EQ(flat.iterations, 0);
  EXPECT_EQ(flat.x, (Vector{0.4, 0.2}));

  Descent slow("change_tolerance: 0.5\ngradient_tolerance: 0\n", rosenbrock, {-1.2, 1.0});
  for (int i = 0; i < 5 && slow.finished.empty(); ++i) slow.step();
  EXPECT_THAT(slow.finished, testing::HasSubstr("change_tolerance"));

  // The gradient points uphill of nothing: no point along it is lower.
  const auto liar = [](const Vector& x, Vector& gradient) {
    gradient[0] = -1.0;
    return std::abs(x[0]);
  };
  Descent stuck("max_evaluations: 50\n", liar, {0.0});
  stuck.step();
  EXPECT_THAT(stuck.finished, testing::HasSubstr("no lower loss"));
  EXPECT_EQ(stuck.x, (Vector{0.0}));
}

TEST(Lbfgs, RefusesConditionsThatNoPointNeedMeet) {
  EXPECT_THAT(
      config_error([] { make<Optimizer>("lbfgs", "decrease: 0.4\ncurvature: 0.3\n"); }),
      testing::AllOf(testing::HasSubstr("test.yaml:3:1"), testing::HasSubstr("above `decrease`")));
}

}  // namespace
}  // namespace odeum::plugin_tests
