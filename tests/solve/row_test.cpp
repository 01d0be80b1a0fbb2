// SPDX-License-Identifier: Apache-2.0
// Rows of attempts: what a device is given before the host has seen what became of the first.
#include <cmath>

#include "odeum/error.hpp"
#include "solve/rows.hpp"

namespace odeum::testing {
namespace {

TEST(Rows, GiveTheBitsAndReportsOfAttemptsOneByOne) {
  for (const RowCase& one : row_cases()) {
    const Solution alone = in_rows(one, 1, test_device());
    for (const std::int64_t together : {2, 5}) {
      expect_same(alone, in_rows(one, together, test_device()),
                  one.name + ", " + std::to_string(together));
    }
  }
}

TEST(Rows, GiveTheBitsOfEveryGradientMethod) {
  const Method adaptive{"dopri5", "pi", tolerances(1e-6, 1e-6)};
  for (const GradientOf& gradient :
       {backprop("steps"), backprop("stages"), backprop("residuals"), kFrugal,
        GradientOf{"adjoint", {}}, GradientOf{"interpolated", {}}, GradientOf{"symplectic", {}},
        GradientOf{"gauss_legendre", {{"nodes", std::string("steps")}}},
        GradientOf{"forward", {}}}) {
    expect_same(gradient_in_rows(gradient, adaptive, 1, test_device()),
                gradient_in_rows(gradient, adaptive, 4, test_device()), name_of(gradient));
  }
  SolveOptions seven;
  seven.steps = 7;
  for (const GradientOf& gradient : {backprop("residuals"), GradientOf{"adjoint", {}}}) {
    const Method given{"rk4", "constant", seven};
    expect_same(gradient_in_rows(gradient, given, 1, test_device()),
                gradient_in_rows(gradient, given, 4, test_device()), name_of(gradient));
  }
  const Method reversible{"reversible_heun", "constant", seven};
  expect_same(gradient_in_rows({"reversible", {}}, reversible, 1, test_device()),
              gradient_in_rows({"reversible", {}}, reversible, 4, test_device()), "reversible");
}

/// z' = z^2 from 1 leaves the numbers behind t = 1.
TEST(Rows, EndWhereTheSolutionLeavesTheNumbers) {
  const Dynamics blow_up = dynamics_of(1, [](Tensor, Tensor z, auto) { return z * z; });
  for (const bool adaptive : {true, false}) {
    Method method{"dopri5", "integral", adaptive ? tolerances(1e-6, 1e-6) : given_step(0.07)};
    const Solution alone = solve_problem(blow_up, method, {1.0, 0.5}, {0.0, 3.0}, {}, 2);
    EXPECT_FALSE(alone.report.ok());
    EXPECT_EQ(alone.report.sample, 0);
    method.steps_at_once = 6;
    const Solution row = solve_problem(blow_up, method, {1.0, 0.5}, {0.0, 3.0}, {}, 2);
    // Results behind the failure are whatever the steps made of them.
    EXPECT_EQ(numbers_of(row.report), numbers_of(alone.report)) << adaptive;
    EXPECT_EQ(row.report.message(), alone.report.message()) << adaptive;
    EXPECT_EQ(row.report.samples, alone.report.samples) << adaptive;
  }
}

int downloads(std::int64_t steps_at_once, int solves) {
  const auto device = std::make_shared<InterpreterDevice>();
  const Dynamics decay = dynamics_of(1, [](Tensor, Tensor z, auto) { return -z; });
  Method method{"dopri5", "integral", tolerances(1e-8, 1e-8)};
  method.steps_at_once = steps_at_once;
  const auto setting = setting_of(decay, method, device);
  const auto integrator = setting->integrator(decay, method.options, {});
  const OnDevice start(*device, {1.0}), end(*device, {0.0});
  const Values times = {0.0, 2.0};
  const std::vector<View> initial = {start.view()}, results = {end.view()};
  const SolveCall call{.rows = 1,
                       .times = times,
                       .initial = initial,
                       .constants = {},
                       .results = results,
                       .observer = {}};
  for (int i = 1; i < solves; ++i) integrator->integrate(call);
  device->downloads = 0;
  const SolveReport report = integrator->integrate(call);
  EXPECT_EQ(report.accepted + report.rejected, 18);
  return device->downloads;
}

TEST(Rows, AreLookedAtOnceEach) {
  // One for the first step's size; 18 attempts.
  EXPECT_EQ(downloads(1, 1), 1 + 18);
  // A second solve knows how many attempts to ask for.
  EXPECT_EQ(downloads(8, 2), 3);
  EXPECT_EQ(downloads(100, 2), 1);
}

TEST(Rows, KeepNoMoreThanAGradientsMemoryHasRoomFor) {
  // Room for exactly the steps taken: a row that reached past it would have backprop solve again.
  const Method method{"dopri5", "integral", tolerances(1e-6, 1e-6)};
  const Gradients free = gradient_in_rows(backprop("stages"), method, 1, test_device());
  const double megabytes = static_cast<double>(free.kept_bytes) / 1048576.0;
  const GradientOf bounded{"backprop", {{"memory", megabytes}}};
  const Gradients alone = gradient_in_rows(bounded, method, 1, test_device());
  const Gradients row = gradient_in_rows(bounded, method, 6, test_device());
  expect_same(alone, row, "bounded");
  EXPECT_EQ(row.kept_bytes, alone.kept_bytes);
}

}  // namespace
}  // namespace odeum::testing
