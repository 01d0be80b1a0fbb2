// SPDX-License-Identifier: Apache-2.0
// Controllers: what they decide for an error ratio, and what that does to a solve.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "problem.hpp"
#include "program/interpreter.hpp"

namespace odeum::testing {
namespace {

struct Decision {
  double accept, next_h;
  Values memory;
};

Decision decide(const Controller& controller, double ratio, double h, const Values& memory,
                int order) {
  Recording recording;
  ControlInputs in{.error_ratio = recording.input("ratio", {1}, DType::f64),
                   .h = recording.input("h", {1}, DType::f64),
                   .memory = {},
                   .order = order};
  std::vector<program::Array> arrays = {program::Array::of(DType::f64, {1}, {ratio}),
                                        program::Array::of(DType::f64, {1}, {h})};
  for (const double value : memory) {
    in.memory.push_back(recording.input("memory", {1}, DType::f64));
    arrays.push_back(program::Array::of(DType::f64, {1}, {value}));
  }
  const ControlOutputs out = controller.decide(in);
  std::vector<Tensor> outputs = {out.accept, out.next_h};
  outputs.insert(outputs.end(), out.memory.begin(), out.memory.end());
  const auto results = program::interpret(recording.program(outputs), 1, arrays);
  Decision decision{results[0].values[0], results[1].values[0], {}};
  for (std::size_t i = 2; i < results.size(); ++i) decision.memory.push_back(results[i].values[0]);
  return decision;
}

TEST(Integral, TakesTheStepThatWouldHaveMetTheTolerance) {
  const auto integral = component<Controller>("controller", "integral");
  // safety 0.9, factors 0.2 to 10, not under 1 after an accepted step: torchdiffeq's rules.
  EXPECT_NEAR(decide(*integral, 0.5, 0.1, {}, 5).next_h, 0.1 * 0.9 * std::pow(0.5, -0.2), 1e-15);
  EXPECT_NEAR(decide(*integral, 4.0, 0.1, {}, 5).next_h, 0.1 * 0.9 * std::pow(4.0, -0.2), 1e-15);
  EXPECT_EQ(decide(*integral, 0.95, 0.1, {}, 5).next_h, 0.1);
  EXPECT_NEAR(decide(*integral, 1e-12, -0.1, {}, 5).next_h, -1.0, 1e-15);
  EXPECT_NEAR(decide(*integral, 1e12, -0.1, {}, 5).next_h, -0.02, 1e-15);
  EXPECT_EQ(decide(*integral, 1.0, 0.1, {}, 5).accept, 1.0);
  EXPECT_EQ(decide(*integral, 1.0 + 1e-12, 0.1, {}, 5).accept, 0.0);
}

TEST(Integral, RejectsWhatIsNotANumber) {
  const auto integral = component<Controller>("controller", "integral");
  for (const double ratio :
       {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    const Decision d = decide(*integral, ratio, 1.0, {}, 5);
    EXPECT_EQ(d.accept, 0.0);
    EXPECT_NEAR(d.next_h, 0.2, 1e-15);
  }
  EXPECT_NEAR(decide(*integral, 0.0, 1.0, {}, 5).next_h, 10.0, 1e-15);
}

TEST(Constant, AcceptsEverythingAndKeepsTheStep) {
  const auto constant = component<Controller>("controller", "constant");
  EXPECT_FALSE(constant->adaptive());
  const Decision d = decide(*constant, 1e9, -0.25, {}, 1);
  EXPECT_EQ(d.accept, 1.0);
  EXPECT_EQ(d.next_h, -0.25);
}

TEST(Pid, MultipliesPowersOfTheLastThreeRatios) {
  const auto pid = component<Controller>("controller", "pid",
                                         {{"pcoeff", 0.3}, {"icoeff", 0.4}, {"dcoeff", 0.1}});
  const Values memory = {0.6, 0.8};
  const Decision d = decide(*pid, 0.2, 1.0, memory, 5);
  const double factor =
      0.9 * std::pow(0.2, -0.8 / 5) * std::pow(0.6, 0.5 / 5) * std::pow(0.8, -0.1 / 5);
  EXPECT_NEAR(d.next_h, factor, 1e-14);
  EXPECT_EQ(d.memory, (Values{0.2, 0.6}));
}

TEST(Pid, ForgetsRejectedStepsAndNeverLengthensThem) {
  const auto pid = component<Controller>("controller", "pid");
  const Decision d = decide(*pid, 5.0, 1.0, {0.6, 0.8}, 5);
  EXPECT_EQ(d.accept, 0.0);
  EXPECT_LT(d.next_h, 0.9);
  EXPECT_EQ(d.memory, (Values{0.6, 0.8}));
  EXPECT_EQ(decide(*pid, std::nan(""), 1.0, {0.6, 0.8}, 5).accept, 0.0);
}

TEST(Pid, WithTheIntegralAloneIsTheIntegralController) {
  const auto pid = component<Controller>("controller", "pid", {{"pcoeff", 0.0}, {"icoeff", 1.0}});
  const auto integral = component<Controller>("controller", "integral");
  for (const double ratio : {0.01, 0.5, 0.99, 1.5, 40.0}) {
    EXPECT_NEAR(decide(*pid, ratio, 1.0, {0.3, 0.4}, 5).next_h,
                decide(*integral, ratio, 1.0, {}, 5).next_h, 1e-14)
        << ratio;
  }
}

TEST(Pi, FollowsTheFormulaOfDopri5) {
  const auto pi = component<Controller>("controller", "pi");
  // a = 0.7 / 5, b = 0.4 / 5; the second memory says that nothing was rejected.
  const Decision d = decide(*pi, 0.5, 0.1, {0.3, 0.0}, 5);
  EXPECT_NEAR(d.next_h, 0.1 * 0.9 * std::pow(0.5, -0.14) * std::pow(0.3, 0.08), 1e-15);
  EXPECT_EQ(d.memory, (Values{0.5, 0.0}));
  // DOPRI5's own beta of 0.04 at k = 5: its exponents are 0.2 - 0.75 beta and beta.
  const auto dopri5 = component<Controller>("controller", "pi", {{"beta", 0.2}});
  EXPECT_NEAR(decide(*dopri5, 0.5, 0.1, {0.3, 0.0}, 5).next_h,
              0.1 * 0.9 * std::pow(0.5, -0.17) * std::pow(0.3, 0.04), 1e-15);
  EXPECT_EQ(decide(*pi, 1e-9, 0.1, {0.3, 0.0}, 5).memory, (Values{1e-4, 0.0}));
}

TEST(Pi, ShortensARejectedStepByItsOwnErrorAndDoesNotGrowAfterwards) {
  const auto pi = component<Controller>("controller", "pi");
  const Decision d = decide(*pi, 4.0, 1.0, {0.3, 0.0}, 5);
  EXPECT_EQ(d.accept, 0.0);
  EXPECT_NEAR(d.next_h, 0.9 * std::pow(4.0, -0.14), 1e-15);
  EXPECT_EQ(d.memory, (Values{0.3, 1.0}));
  const Decision after = decide(*pi, 1e-3, 1.0, d.memory, 5);
  EXPECT_EQ(after.next_h, 1.0);
  EXPECT_EQ(after.memory, (Values{1e-3, 0.0}));
  EXPECT_GT(decide(*pi, 1e-3, 1.0, after.memory, 5).next_h, 1.0);
  const Decision lost = decide(*pi, std::nan(""), -1.0, {0.3, 0.0}, 5);
  EXPECT_EQ(lost.accept, 0.0);
  EXPECT_NEAR(lost.next_h, -0.2, 1e-15);
}

// Hairer, Wanner, Solving ODEs II, IV.2: where stability limits the steps, elementary control keeps
// hitting the limit and PI control does not.
TEST(Pi, RejectsFewerStepsThanElementaryControlWhereStabilityLimitsThem) {
  const Dynamics stiff =
      dynamics_of(1, [](Tensor t, Tensor z, auto) { return -200.0 * (z - cos(t)); });
  const auto rejected = [&](const char* controller) {
    const Solution s =
        solve_problem(stiff, {"dopri5", controller, tolerances(1e-5, 1e-5)}, {1.0}, {0.0, 10.0});
    EXPECT_TRUE(s.report.ok());
    return s.report.rejected;
  };
  EXPECT_LT(2 * rejected("pi"), rejected("integral"));
}

TEST(Pid, SolvesToTheTolerance) {
  const Dynamics field = dynamics_of(1, [](Tensor t, Tensor z, auto) { return z * cos(t); });
  const Solution s =
      solve_problem(field, {"dopri5", "pid", tolerances(1e-8, 1e-8)}, {1.0}, {0.0, 20.0});
  ASSERT_TRUE(s.report.ok());
  EXPECT_NEAR(s.y[0][0], std::exp(std::sin(20.0)), 50 * 1e-8 * std::exp(1.0));
}

TEST(Subdivide, RedoesARejectedStepInEqualOnesAndAcceptsThem) {
  const auto subdivide = component<Controller>("controller", "subdivide", {{"factor_max", 1.0}});
  // Of order 2 with safety 0.9: a ratio of 4 wants steps of 0.45, so three.
  Decision d = decide(*subdivide, 4.0, -0.6, {0.0, 0.0}, 2);
  EXPECT_EQ(d.accept, 0.0);
  EXPECT_NEAR(d.next_h, -0.2, 1e-15);
  EXPECT_EQ(d.memory, (Values{3.0, -0.6}));
  for (const double left : {2.0, 1.0, 0.0}) {
    d = decide(*subdivide, 50.0, -0.2, d.memory, 2);
    EXPECT_EQ(d.accept, 1.0);
    EXPECT_EQ(d.memory, (Values{left, -0.6}));
    EXPECT_EQ(d.next_h, left > 0.0 ? -0.2 : -0.6) << "behind the last one the whole again";
  }
  // Accepted at once: as it was, or longer where the error allows.
  d = decide(*subdivide, 0.99, 0.5, {0.0, 0.0}, 2);
  EXPECT_EQ(d.accept, 1.0);
  EXPECT_EQ(d.next_h, 0.5);
  EXPECT_EQ(d.memory[0], 0.0);
  const auto longer = component<Controller>("controller", "subdivide");
  EXPECT_NEAR(decide(*longer, 0.01, 0.5, {0.0, 0.0}, 2).next_h, 4.5, 1e-14);
}

TEST(Subdivide, DividesIntoNoMorePartsThanItMay) {
  const auto subdivide = component<Controller>("controller", "subdivide");
  for (const double ratio : {1e12, std::numeric_limits<double>::infinity(), std::nan("")}) {
    const Decision d = decide(*subdivide, ratio, 1.0, {0.0, 0.0}, 2);
    EXPECT_EQ(d.accept, 0.0);
    EXPECT_NEAR(d.next_h, 0.1, 1e-15);
  }
  // Not a number among the parts: what is left is divided again.
  const Decision d = decide(*subdivide, std::nan(""), 0.1, {4.0, 1.0}, 2);
  EXPECT_EQ(d.accept, 0.0);
  EXPECT_NEAR(d.next_h, 0.01, 1e-15);
  EXPECT_EQ(d.memory, (Values{10.0, 0.1}));
}

TEST(Subdivide, HoldsTheErrorOfAUnitOfTimeToTheTolerance) {
  // Algorithm 1 of Allauzen et al. for Fehlberg 3(2): r = error / h, h' = 0.9 h sqrt(eps / r). A
  // ratio of 2 over h = 1/2 is r = 4 eps, and n = ceil(1 / 0.45).
  const auto subdivide =
      component<Controller>("controller", "subdivide", {{"criterion", std::string("unit_step")}});
  EXPECT_NEAR(decide(*subdivide, 2.0, 0.5, {0.0, 0.0}, 3).next_h, 0.5 / 3.0, 1e-15);
  EXPECT_EQ(decide(*subdivide, 0.75, 0.5, {0.0, 0.0}, 3).accept, 0.0);
  EXPECT_EQ(decide(*subdivide, 0.5, 0.5, {0.0, 0.0}, 3).accept, 1.0);
}

TEST(Subdivide, SolvesEachIntervalInOneStepOrInEqualParts) {
  // z' = -4 z from 1 by Heun with Euler's error 8 h^2 z at the first attempt: ratio 80 at atol 0.1
  // over h = 1, so the ten parts that are allowed, each (1 - 0.4 + 0.08).
  const Dynamics decay = dynamics_of(1, [](Tensor, Tensor z, auto) { return -4.0 * z; });
  Method method{"adaptive_heun", "subdivide", {}};
  method.options.rtol = 0.0;
  method.options.atol = {0.1};
  method.options.first_step = 1.0;
  for (const StepSize size : {StepSize::shared, StepSize::per_sample}) {
    method.options.step_size = size;
    const Solution solution = solve_problem(decay, method, {1.0}, {0.0, 1.0});
    ASSERT_TRUE(solution.report.ok()) << solution.report.message();
    EXPECT_EQ(solution.report.rejected, 1);
    EXPECT_EQ(solution.report.accepted, 10);
    EXPECT_NEAR(solution.y.back()[0], std::pow(0.68, 10), 1e-14);
  }
}

}  // namespace
}  // namespace odeum::testing
