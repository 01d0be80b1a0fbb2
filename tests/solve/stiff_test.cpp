// SPDX-License-Identifier: Apache-2.0
// Stiff problems: damping and stiff accuracy, published values, batches.
#include <gtest/gtest.h>

#include <algorithm>
#include <numbers>

#include "stiff_problems.hpp"

namespace odeum::testing {
namespace {

double relative_error(const Values& y, const Values& truth) {
  double error = 0.0;
  for (std::size_t i = 0; i < truth.size(); ++i) {
    error = std::max(error, std::abs(y[i] / truth[i] - 1.0));
  }
  return error;
}

bool only_a_stable(const std::string& solver) {
  return solver == "implicit_midpoint" || solver == "trapezoid" || solver.starts_with("gauss");
}

/// Tolerances of each component alike in relation to its size.
Method stiff_method(const std::string& solver, double rtol, const Values& atol) {
  Method method{solver, "integral", tolerances(rtol, 1.0)};
  method.options.atol = atol;
  return method;
}

class EveryStiffSolver : public ::testing::TestWithParam<StatedMethod> {};
INSTANTIATE_TEST_SUITE_P(Solvers, EveryStiffSolver, ::testing::ValuesIn(implicit_methods()),
                         [](const auto& method) { return method.param.name; });

// h lambda = -1e6: an A-stable method keeps a disturbance of size 1 from growing, an L-stable one
// brings it down by about 1 / (h lambda) a step or more. The equation is linear, so the disturbance
// is the difference of two solutions.
TEST_P(EveryStiffSolver, StaysStableAndDampsAsItSays) {
  const double lambda = -1e6;
  Method method{GetParam().name, "constant", given_step(1.0)};
  const Solution s =
      solve_problem(prothero_robinson(lambda), method, {1.0, 0.0}, {0.0, 3.0}, {}, 2);
  ASSERT_TRUE(s.report.ok()) << s.report.message();
  const double off = std::abs(s.y[0][0] - s.y[0][1]);
  if (only_a_stable(GetParam().name)) {
    EXPECT_NEAR(off, 1.0, 1e-4) << "a symmetric method does not damp";
  } else {
    EXPECT_LT(off, 1e-5);
  }
}

// On the smooth solution steps far longer than 1 / lambda are exact up to the stages' order: the
// error constant does not grow with lambda. Thirty tolerances; three hundred for symmetric methods,
// which keep the stiff component's error of every step.
TEST_P(EveryStiffSolver, FollowsTheSmoothSolutionOfProtheroAndRobinson) {
  const double tolerance = 1e-5;
  for (const double lambda : {-1e2, -1e6}) {
    const Solution s = solve_problem(
        prothero_robinson(lambda), {GetParam().name, "integral", tolerances(tolerance, tolerance)},
        {0.0}, {0.0, 5.0});
    ASSERT_TRUE(s.report.ok()) << s.report.message();
    EXPECT_NEAR(s.y[0][0], std::sin(5.0), (only_a_stable(GetParam().name) ? 300 : 30) * tolerance)
        << lambda;
    EXPECT_LT(s.report.accepted, 5000) << lambda;  // an explicit method takes 2.5 million at 1e6
  }
}

struct Budget {
  const char* solver;
  double error;  ///< relative, at rtol 1e-6
};
class EveryLStableSolver : public ::testing::TestWithParam<Budget> {};
// The errors seen, with half a decade to spare. They are of the whole solve, over hundreds of
// steps.
INSTANTIATE_TEST_SUITE_P(Solvers, EveryLStableSolver,
                         ::testing::Values(Budget{"trbdf2", 3e-4}, Budget{"kvaerno3", 2e-5},
                                           Budget{"kvaerno5", 3e-5}, Budget{"radau5", 1e-6}),
                         [](const auto& budget) { return budget.param.solver; });

// conformance.md, section 3: twelve digits at t = 40, published ones at 1e11.
TEST_P(EveryLStableSolver, SolvesRobertsonsKineticsAtFortyAndATenthOfATrillion) {
  const double rtol = 1e-6;
  const Solution early = solve_problem(
      robertson(), stiff_method(GetParam().solver, rtol, {1e-8, 1e-12, 1e-8}), {1, 0, 0}, {0, 40});
  ASSERT_TRUE(early.report.ok()) << early.report.message();
  EXPECT_LT(
      relative_error(early.y[0], {0.7158270687194051, 9.185534764557764e-6, 0.2841637457458304}),
      GetParam().error);
  EXPECT_NEAR(early.y[0][0] + early.y[0][1] + early.y[0][2], 1.0, 1e-12);  // linear invariant

  const Solution late =
      solve_problem(robertson(), stiff_method(GetParam().solver, rtol, {1e-14, 1e-19, 1e-8}),
                    {1, 0, 0}, {0, 1e11});
  ASSERT_TRUE(late.report.ok()) << late.report.message();
  EXPECT_LT(relative_error(late.y[0],
                           {0.2083340149701255e-7, 0.8333360770334713e-13, 0.9999999791665050}),
            GetParam().error);
}

// conformance.md, section 3, published: the solution passes two layers of width 1e-3.
TEST_P(EveryLStableSolver, SolvesVanDerPolsOscillatorOfAThousand) {
  const Solution s = solve_problem(
      van_der_pol(1000), stiff_method(GetParam().solver, 1e-6, {1e-6, 1e-9}), {2, 0}, {0, 2000});
  ASSERT_TRUE(s.report.ok()) << s.report.message();
  EXPECT_LT(relative_error(s.y[0], {1.706167732170469, -0.8928097010248125e-3}), GetParam().error);
}

// Its stiff part treated implicitly, the rest explicitly: the steps are as long as an implicit
// method's.
TEST(ImplicitExplicit, SolvesVanDerPolsOscillatorByItsStiffPart) {
  for (const char* solver : {"kencarp3", "kencarp4", "kencarp5"}) {
    const Solution s = solve_problem(van_der_pol(1000), stiff_method(solver, 1e-6, {1e-6, 1e-9}),
                                     {2, 0}, {0, 2000});
    ASSERT_TRUE(s.report.ok()) << s.report.message();
    EXPECT_LT(relative_error(s.y[0], {1.706167732170469, -0.8928097010248125e-3}), 1e-4) << solver;
    EXPECT_LT(s.report.accepted, 10000) << solver;
  }
}

// Advection and diffusion of one Fourier mode on a ring of 64 points, by central differences: the
// mode is an eigenvector of both. Diffusion's largest eigenvalue is -820, the mode's -1: an
// explicit method of the same order takes steps for the former all the way.
TEST(ImplicitExplicit, TakesStepsForWhatHappensAndNotForTheFinestGridWave) {
  constexpr std::int64_t kPoints = 64;
  constexpr double kSpeed = 1.0, kDiffusivity = 0.05, kEnd = 2.0;
  const double dx = 1.0 / kPoints, k = 2.0 * std::numbers::pi;
  const Dynamics ring = split_dynamics_of(kPoints, [=](Tensor, Tensor u) {
    const Tensor ahead = concat({slice(u, -1, 1, kPoints), slice(u, -1, 0, 1)});
    const Tensor behind =
        concat({slice(u, -1, kPoints - 1, kPoints), slice(u, -1, 0, kPoints - 1)});
    return std::pair{(-kSpeed / (2.0 * dx)) * (ahead - behind),
                     (kDiffusivity / (dx * dx)) * (ahead - 2.0 * u + behind)};
  });
  const double decay = -2.0 * kDiffusivity * (1.0 - std::cos(k * dx)) / (dx * dx);
  const double turn = kSpeed * std::sin(k * dx) / dx;
  Values start, truth;
  for (std::int64_t i = 0; i < kPoints; ++i) {
    const double x = dx * static_cast<double>(i);
    start.push_back(std::sin(k * x));
    truth.push_back(std::exp(decay * kEnd) * std::sin(k * x - turn * kEnd));
  }
  const auto solved = [&](const char* solver) {
    const Solution s =
        solve_problem(ring, {solver, "integral", tolerances(1e-6, 1e-6)}, start, {0.0, kEnd});
    EXPECT_TRUE(s.report.ok()) << s.report.message();
    double error = 0.0;
    for (std::size_t i = 0; i < truth.size(); ++i) {
      error = std::max(error, std::abs(s.y[0][i] - truth[i]));
    }
    EXPECT_LT(error, 2e-5) << solver;
    return s.report.accepted;
  };
  EXPECT_LT(solved("kencarp4"), 150);
  EXPECT_LT(solved("kencarp5"), 150);
  EXPECT_GT(solved("dopri5"), 450);  // 2 * 820 / 3.3, its interval of stability
}

TEST(ImplicitSolvers, GiveEveryRowWhatItGetsAlone) {
  const Values initial = {2.0, 0.0, -1.5, 0.3, 0.5, 1.0};
  for (const StatedMethod& stated : implicit_methods()) {
    Method method{stated.name, "constant", given_step(0.01)};
    const Solution all = solve_problem(van_der_pol(20), method, initial, {0.0, 0.3}, {}, 3);
    for (std::size_t row = 0; row < 3; ++row) {
      const Solution one = solve_problem(van_der_pol(20), method,
                                         {initial[2 * row], initial[2 * row + 1]}, {0.0, 0.3});
      EXPECT_EQ(all.y[0][2 * row], one.y[0][0]) << stated.name;
      EXPECT_EQ(all.y[0][2 * row + 1], one.y[0][1]) << stated.name;
    }
  }
}

TEST(ImplicitSolvers, RunBackInTime) {
  for (const StatedMethod& stated : implicit_methods()) {
    const Solution there = solve_problem(
        winding(), {stated.name, "integral", tolerances(1e-6, 1e-6)}, winding_at(1.0), {1.0, 0.0});
    ASSERT_TRUE(there.report.ok()) << stated.name << ": " << there.report.message();
    // Errors of one tolerance a step, added up.
    const double allowed = 10.0 * std::pow(1e-6, stated.order / (stated.order + 1.0));
    EXPECT_NEAR(there.y[0][0], 1.0, allowed) << stated.name;
    EXPECT_NEAR(there.y[0][1], 0.0, allowed) << stated.name;
  }
}

// Five evaluations a stage, three stages a step, and the carried one.
TEST(ImplicitSolvers, CountTheirEvaluations) {
  Method method{"kvaerno3", "constant", given_step(0.1)};
  const Solution s = solve_problem(winding(), method, {1.0, 0.0}, {0.0, 1.0});
  EXPECT_EQ(s.report.accepted, 10);
  EXPECT_EQ(s.report.evaluations, 1 + 10 * 3 * 5);
}

}  // namespace
}  // namespace odeum::testing
