// SPDX-License-Identifier: Apache-2.0
// The integration loop: landing, counting, directions, limits, statuses.
#include <gtest/gtest.h>

#include <cmath>

#include "problem.hpp"

namespace odeum::testing {
namespace {

Dynamics decay() {
  return dynamics_of(1, [](Tensor, Tensor z, auto) { return -z; });
}

TEST(StepLoop, EulerOnAGridOfTenStepsCompoundsTenTimes) {
  const Method euler{"euler", "constant", given_step(0.1)};
  const Dynamics growth = dynamics_of(1, [](Tensor, Tensor z, auto) { return 1.0 * z; });
  const Solution s = solve_problem(growth, euler, {1.0}, {0.0, 1.0});
  EXPECT_TRUE(s.report.ok());
  EXPECT_EQ(s.report.accepted, 10);
  EXPECT_EQ(s.report.evaluations, 10);
  EXPECT_NEAR(s.y[0][0], std::pow(1.1, 10), 1e-13);  // conformance.md, section 4, "grid"
}

TEST(StepLoop, Dopri5CostsTwoEvaluationsAndSixAnAttempt) {
  const Method dopri5{"dopri5", "integral", tolerances(1e-8, 1e-8)};
  const Solution s = solve_problem(decay(), dopri5, {1.0}, {0.0, 20.0});
  ASSERT_TRUE(s.report.ok()) << s.report.message();
  EXPECT_EQ(s.report.evaluations, 2 + 6 * (s.report.accepted + s.report.rejected));
  EXPECT_NEAR(s.y[0][0], std::exp(-20.0), 50 * 1e-8);
}

}  // namespace
}  // namespace odeum::testing
