// SPDX-License-Identifier: Apache-2.0
// Implicit solves that cannot be: equations without a root, and dynamics that are refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "stiff_problems.hpp"

namespace odeum::testing {
namespace {

using ::testing::HasSubstr;

/// z' = 1 + z^2: implicit Euler's equation z = z0 + h (1 + z^2) has no real root where 4 h (z0 + h)
/// > 1.
Dynamics tangent() {
  return dynamics_of(1, [](Tensor, Tensor z, auto) { return 1.0 + z * z; });
}

TEST(NewtonDiverged, EndsGivenStepsWhereTheEquationHasNoRoot) {
  // Rows at 0, 3 and 0.1; only the second has no root at h = 0.1.
  const Solution s = solve_problem(tangent(), {"implicit_euler", "constant", given_step(0.1)},
                                   {0.0, 3.0, 0.1}, {0.0, 1.0}, {}, 3);
  EXPECT_EQ(s.report.status, Status::newton_diverged);
  EXPECT_EQ(s.report.accepted, 0);
  EXPECT_EQ(s.report.sample, 1);
  EXPECT_EQ(s.report.samples, std::vector<std::int64_t>{1});
  EXPECT_EQ(s.report.h, 0.1);
  EXPECT_THAT(s.report.message(), HasSubstr("did not converge at t = 0 with step 0.1"));
  EXPECT_THAT(s.report.message(), HasSubstr("sample 1"));
  EXPECT_THAT(s.report.message(), HasSubstr("make them shorter"));
}

TEST(NewtonDiverged, ShortensAdaptiveStepsToAQuarterUntilTheyConverge) {
  // tan t up to t = 1.4; a first step of 1 has no root from 0.
  Method method{"implicit_euler", "integral", tolerances(1e-4, 1e-4)};
  method.options.first_step = 1.0;
  const Solution s = solve_problem(tangent(), method, {0.0}, {0.0, 1.4});
  ASSERT_TRUE(s.report.ok()) << s.report.message();
  EXPECT_GT(s.report.rejected, 0);
  EXPECT_NEAR(s.y[0][0] / std::tan(1.4), 1.0, 0.1);
}

TEST(NewtonDiverged, IsTheEndWhereNoStepIsShortEnough) {
  // A jump towards zero from both sides: no root on the jump, until a step moves by
  // less than the tolerance.
  const Dynamics relay = dynamics_of(1, [](Tensor, Tensor z, auto) { return -sign(z); });
  Method method{"radau5", "integral", tolerances(1e-6, 1e-6)};
  method.options.min_step = 1e-4;
  const Solution s = solve_problem(relay, method, {0.75}, {0.0, 2.0});
  EXPECT_EQ(s.report.status, Status::newton_diverged);
  EXPECT_NEAR(s.report.t, 0.75, 1e-3);
  EXPECT_EQ(s.report.sample, 0);
  EXPECT_THAT(s.report.message(), HasSubstr("jump_times"));
}

std::string refusal(const std::string& solver, const Dynamics& dynamics,
                    const std::map<std::string, Config::Value>& keys = {}) {
  return component<Solver>("solver", solver, keys)->refusal(dynamics);
}

TEST(ImplicitRefusals, NameTheOperationsThatMixSamples) {
  const Dynamics mean_field =
      dynamics_of(2, [](Tensor, Tensor z, auto) { return mean_rows(z) - z; });
  for (const char* solver : {"kvaerno5", "radau5"}) {
    EXPECT_THAT(refusal(solver, mean_field), HasSubstr("mix samples by"));
  }
  EXPECT_EQ(refusal("kvaerno5", winding()), "");
}

TEST(ImplicitRefusals, NameTheLimitOfADenseJacobianAndWhatToUseInstead) {
  const Dynamics wide = dynamics_of(300, [](Tensor, Tensor z, auto) { return -z; });
  EXPECT_THAT(refusal("implicit_euler", wide),
              ::testing::AllOf(HasSubstr("300 unknowns"), HasSubstr("jacobian_limit = 256"),
                               HasSubstr("cvode with its Krylov solver")));
  EXPECT_EQ(refusal("implicit_euler", wide, {{"jacobian_limit", std::int64_t{300}}}), "");
  EXPECT_THAT(refusal("gauss_legendre4", wide, {{"jacobian_limit", std::int64_t{300}}}),
              ::testing::AllOf(HasSubstr("all 2 stages at once"), HasSubstr("600 unknowns")));
}

TEST(ImplicitRefusals, AskForAStiffPartWhereOneIsNeeded) {
  EXPECT_THAT(refusal("kencarp4", robertson()), HasSubstr("does not say which part is stiff"));
  EXPECT_EQ(refusal("kencarp4", winding()), "");
}

// The unknowns are what rates depend on: a log-density or a cost of any width is none.
TEST(ImplicitRefusals, CountNoQuadratures) {
  Dynamics d = dynamics_of(2, [](Tensor, Tensor z, auto) { return -z; });
  d.members.push_back({.name = "costs", .shape = {kRows, 1000}, .dtype = DType::f64});
  d.rates = [](Tensor, const State& y, std::span<const Tensor>) {
    return State{-y[0], broadcast(slice(y[0], -1, 0, 1), y[1].shape())};
  };
  EXPECT_EQ(refusal("kvaerno3", d), "");
}

}  // namespace
}  // namespace odeum::testing
