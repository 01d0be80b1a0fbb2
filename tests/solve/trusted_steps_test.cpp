// SPDX-License-Identifier: Apache-2.0
// Given steps that the loop takes without waiting for each one's outcome.
#include <gtest/gtest.h>

#include <cmath>

#include "odeum/error.hpp"
#include "problem.hpp"

namespace odeum::testing {
namespace {

/// z' = z^2 from 1 leaves the numbers behind t = 1.
Dynamics blow_up() {
  return dynamics_of(1, [](Tensor, Tensor z, auto) { return z * z; });
}

Dynamics decay() {
  return dynamics_of(1, [](Tensor, Tensor z, auto) { return -z; });
}

SolveOptions equal_steps(std::int64_t steps) {
  SolveOptions options;
  options.steps = steps;
  return options;
}

/// Downloads of a solve with so many steps, those of its result left out.
int looks(const std::string& solver, std::int64_t steps) {
  const auto device = std::make_shared<InterpreterDevice>();
  const Solution s = solve_problem(decay(), {solver, "integral", equal_steps(steps)}, {1.0},
                                   {0.0, 1.0}, {}, 1, device);
  EXPECT_TRUE(s.report.ok());
  EXPECT_EQ(s.report.accepted, steps);
  EXPECT_EQ(static_cast<std::int64_t>(s.t.size()), steps);
  EXPECT_NEAR(s.y[0][0], std::exp(-1.0), 0.2);
  return device->downloads - 1;
}

TEST(TrustedSteps, AreLookedAtOnceHoweverManyThereAre) {
  for (const char* solver : {"euler", "kutta38", "implicit_euler"}) {
    EXPECT_EQ(looks(solver, 4), 1) << solver;
    EXPECT_EQ(looks(solver, 400), 1) << solver;
  }
  EXPECT_EQ(looks("euler", 2500), 3);  // 1024 at once
}

TEST(TrustedSteps, EndWhereStepsThatAreLookedAtWouldEnd) {
  for (const std::int64_t steps : {20, 3000}) {
    Method method{"rk4", "constant", given_step(2.0 / static_cast<double>(steps))};
    const Solution trusted = solve_problem(blow_up(), method, {1.0}, {0.0, 0.5, 2.0});
    method.options.on_failure = OnFailure::partial;
    const Solution watched = solve_problem(blow_up(), method, {1.0}, {0.0, 0.5, 2.0});
    EXPECT_EQ(trusted.report.status, Status::non_finite);
    EXPECT_EQ(trusted.report.message(), watched.report.message());
    EXPECT_EQ(trusted.report.t, watched.report.t);
    EXPECT_EQ(trusted.report.accepted, watched.report.accepted);
    EXPECT_EQ(trusted.report.evaluations, watched.report.evaluations);
    EXPECT_EQ(trusted.report.reached, 2);
    EXPECT_EQ(trusted.y[0], watched.y[0]);
  }
}

TEST(TrustedSteps, GiveTheBitsOfStepsThatAreLookedAt) {
  Method method{"kvaerno3", "pi", equal_steps(7)};
  const Solution trusted = solve_problem(decay(), method, {1.0, -3.0}, {0.0, 1.0, 3.0}, {}, 2);
  method.options.on_failure = OnFailure::partial;
  const Solution watched = solve_problem(decay(), method, {1.0, -3.0}, {0.0, 1.0, 3.0}, {}, 2);
  EXPECT_EQ(trusted.y, watched.y);
  EXPECT_EQ(trusted.t, watched.t);
  EXPECT_EQ(trusted.report.error_ratio, watched.report.error_ratio);
}

TEST(TrustedSteps, AreShownOnceThoughTheSolveFails) {
  const Solution s =
      solve_problem(blow_up(), {"rk4", "constant", given_step(0.1)}, {1.0}, {0.0, 2.0});
  EXPECT_EQ(s.report.status, Status::non_finite);
  // All of them: nobody knew of the failure until the last was queued.
  EXPECT_EQ(s.t.size(), 20U);
}

TEST(TrustedSteps, AreForgottenWhereAnObserverThrows) {
  const Dynamics dynamics = decay();
  const Method method{"rk4", "constant", given_step(0.25)};
  const auto setting = setting_of(dynamics, method);
  const auto integrator = setting->integrator(dynamics, method.options, {});
  const OnDevice start(*test_device(), {1.0}), end(*test_device(), {0.0});
  const Values times = {0.0, 1.0};
  const std::vector<View> initial = {start.view()}, results = {end.view()};
  SolveCall call{.rows = 1,
                 .times = times,
                 .initial = initial,
                 .constants = {},
                 .results = results,
                 .observer = [](const AcceptedStep&) { throw RunError("no room"); }};
  EXPECT_THROW(integrator->integrate(call), RunError);
  call.observer = nullptr;
  const SolveReport report = integrator->integrate(call);
  EXPECT_TRUE(report.ok());
  EXPECT_EQ(report.accepted, 4);
  EXPECT_NEAR(end.values()[0], std::exp(-1.0), 1e-4);
}

}  // namespace
}  // namespace odeum::testing
