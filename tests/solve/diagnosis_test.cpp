// SPDX-License-Identifier: Apache-2.0
// What a failed or slow solve says made it so.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "problem.hpp"
#include "solve/cause.hpp"
#include "solve/slow_solve.hpp"
#include "solve/spectral_radius.hpp"
#include "solve/stability.hpp"

namespace odeum::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

Method dopri5(double rtol, double atol, std::int64_t max_steps) {
  Method method{"dopri5", "integral", tolerances(rtol, atol)};
  method.options.max_steps = max_steps;
  return method;
}

Dynamics van_der_pol(double mu) {
  return dynamics_of(2, [mu](Tensor, Tensor z, auto) {
    const auto [x, v] = split<1, 1>(z);
    return concat({v, mu * (1.0 - square(x)) * v - x});
  });
}

Dynamics linear_field(std::int64_t n, const Values& matrix) {
  return dynamics_of(n, [n, matrix](Tensor, Tensor z, auto) {
    return linear(z, constant(z, {n, n}, matrix));
  });
}

TEST(Stability, IntervalsAreThePublishedOnes) {
  // Hairer, Wanner, Solving ODEs II, table IV.2.1 and figure IV.2.1: Euler 2, order two 2, order
  // four 2.785, DOPRI5 3.3.
  const auto interval = [](const char* name) {
    return solve::real_stability_interval(*component<Solver>("solver", name)->runge_kutta());
  };
  EXPECT_NEAR(interval("euler"), 2.0, 2e-3);
  EXPECT_NEAR(interval("heun"), 2.0, 2e-3);
  EXPECT_NEAR(interval("rk4"), 2.785, 2e-3);
  EXPECT_NEAR(interval("dopri5"), 3.31, 2e-2);
}

solve::SpectralRadius::Estimate radius_of(const Dynamics& dynamics, const Values& z, double t,
                                          std::size_t row = 0) {
  solve::SpectralRadius radius(dynamics, test_device());
  const OnDevice state(*test_device(), z);
  const std::vector<View> members{state.view()};
  const auto rows =
      static_cast<std::int64_t>(z.size()) / dynamics.members.front().shape.elements_per_row();
  return radius.at(rows, t, members, {})[row];
}

TEST(SpectralRadius, IsTheLargestEigenvalueOfEachSample) {
  // Van der Pol at (2, v): eigenvalues solve l^2 + 3 mu l + 1 + 4 mu v = 0.
  const Dynamics field = van_der_pol(1000.0);
  const auto slow = radius_of(field, {2.0, 0.0, 0.0, 0.0}, 0.0);
  EXPECT_NEAR(slow.radius, (3000.0 + std::sqrt(9e6 - 4.0)) / 2.0, 1e-6);
  EXPECT_NEAR(slow.direction, -1.0, 1e-3);
  const auto growing = radius_of(field, {2.0, 0.0, 0.0, 0.0}, 0.0, 1);
  EXPECT_NEAR(growing.radius, (1000.0 + std::sqrt(1e6 - 4.0)) / 2.0, 1e-6);
  EXPECT_NEAR(growing.direction, 1.0, 1e-3);
}

TEST(SpectralRadius, OfARotationIsItsFrequency) {
  const auto estimate = radius_of(linear_field(2, {0, 5, -5, 0}), {1.0, 0.0}, 0.0);
  EXPECT_NEAR(estimate.radius, 5.0, 1e-9);
  EXPECT_NEAR(estimate.direction, 0.0, 1e-9);
  // Of eigenvalues +-i sqrt(2 * 8) the growth of one application swings between 2 and 8; twelve of
  // them average it out.
  EXPECT_NEAR(radius_of(linear_field(2, {0, 2, -8, 0}), {1.0, 0.0}, 0.0).radius, 4.0, 1e-9);
}

TEST(SpectralRadius, OfAConstantRateIsZero) {
  const Dynamics field = dynamics_of(2, [](Tensor, Tensor z, auto) { return 0.0 * z + 1.0; });
  EXPECT_EQ(radius_of(field, {1.0, 2.0}, 0.0).radius, 0.0);
}

TEST(Diagnosis, OfVanDerPolWithAnExplicitMethodNamesStiffness) {
  const Solution s =
      solve_problem(van_der_pol(1000.0), dopri5(1e-6, 1e-6, 3000), {2.0, 0.0}, {0.0, 2000.0});
  EXPECT_EQ(s.report.status, Status::max_steps);
  EXPECT_EQ(s.report.cause, Cause::stiffness);
  // Steps swing about the limit.
  EXPECT_GT(s.report.stiffness, 0.7 * s.report.stability);
  EXPECT_LT(s.report.stiffness, 3.0 * s.report.stability);
  EXPECT_THAT(s.report.message(), AllOf(HasSubstr("stiff"), HasSubstr("radau5"),
                                        HasSubstr("kvaerno5"), HasSubstr("cvode")));
}

TEST(Diagnosis, OfAJumpNamesADiscontinuity) {
  // z' = 1/2 - sign(z) slides along z = 0 from t = 2/3 on: every longer step straddles the jump.
  const Dynamics sliding =
      dynamics_of(1, [](Tensor, Tensor z, auto) { return 0.5 - 2.0 * sign(z); });
  const Solution s = solve_problem(sliding, dopri5(1e-8, 1e-8, 400), {1.0}, {0.0, 10.0});
  EXPECT_EQ(s.report.status, Status::max_steps);
  EXPECT_NEAR(s.report.t, 2.0 / 3.0, 1e-3);
  EXPECT_EQ(s.report.cause, Cause::discontinuity);
  EXPECT_THAT(s.report.message(), AllOf(HasSubstr("jumps"), HasSubstr("jump_times")));
}

TEST(Diagnosis, OfAJumpInTimeNamesADiscontinuity) {
  // A jump of 100 at t = 0.5, with steps that may not be short enough to pass it.
  Method method = dopri5(1e-8, 1e-8, 10000);
  method.options.min_step = 1e-4;
  const Dynamics jump = dynamics_of(1, [](Tensor t, Tensor z, auto) {
    return -1.0 * z + cast(100.0 * less(full(t, {1}, 0.5), t), DType::f64);
  });
  const Solution s = solve_problem(jump, method, {1.0}, {0.0, 1.0});
  EXPECT_EQ(s.report.status, Status::step_too_small);
  EXPECT_NEAR(s.report.t, 0.5, 1e-3);
  EXPECT_EQ(s.report.cause, Cause::discontinuity);
}

TEST(Diagnosis, OfATightToleranceInSinglePrecisionNamesRounding) {
  const Dynamics pendulum{.members = {{.name = "z", .shape = {kRows, 2}, .dtype = DType::f32}},
                          .constants = {},
                          .rates = [](Tensor, const State& y, std::span<const Tensor>) {
                            const auto [angle, rate] = split<1, 1>(y[0]);
                            return State{concat({rate, -sin(angle)})};
                          }};
  const float start[2] = {1.0F, 0.0F};
  double packed = 0.0;  // eight bytes are the two float32
  std::memcpy(&packed, start, sizeof start);
  // Four orders under the rounding of float32.
  const Method method = dopri5(1e-11, 1e-11, 200);
  const auto setting = setting_of(pendulum, method);
  const OnDevice initial(*test_device(), {packed});
  const OnDevice result(*test_device(), {0.0});
  const std::vector<View> in{initial.view()};
  const std::vector<View> out{result.view()};
  const Values times{0.0, 10.0};
  const SolveReport report = setting->integrator(pendulum, method.options, {})
                                 ->integrate({.rows = 1,
                                              .times = times,
                                              .initial = in,
                                              .constants = {},
                                              .results = out,
                                              .observer = {}});
  EXPECT_EQ(report.status, Status::max_steps);
  EXPECT_EQ(report.cause, Cause::rounding);
  EXPECT_THAT(report.message(), AllOf(HasSubstr("rounding"), HasSubstr("float64")));
}

TEST(Diagnosis, OfABlowUpSaysWhere) {
  // z' = z^2 from 1 is 1 / (1 - t); z' = z^3 from 1 is (1 - 2 t)^(-1/2).
  for (const int power : {2, 3}) {
    const double end = 1.0 / (power - 1);
    const Dynamics field =
        dynamics_of(1, [power](Tensor, Tensor z, auto) { return pow(z, power); });
    const Solution s = solve_problem(field, dopri5(1e-6, 1e-6, 100000), {1.0}, {0.0, 2.0});
    EXPECT_FALSE(s.report.ok());
    EXPECT_EQ(s.report.cause, Cause::blow_up) << power;
    EXPECT_NEAR(s.report.blow_up_time, end, 1e-4);
    EXPECT_THAT(s.report.message(), AllOf(HasSubstr("blows up near t = "), HasSubstr("End the")));
  }
}

TEST(Diagnosis, OfABlowUpBackInTimeSaysWhere) {
  const Dynamics field = dynamics_of(1, [](Tensor, Tensor z, auto) { return -1.0 * z * z; });
  const Solution s = solve_problem(field, dopri5(1e-6, 1e-6, 100000), {1.0}, {2.0, 0.0});
  EXPECT_EQ(s.report.cause, Cause::blow_up);
  EXPECT_NEAR(s.report.blow_up_time, 1.0, 1e-4);
}

TEST(Diagnosis, OfAnOverflowNamesIt) {
  // exp(1000 t) passes the largest number at t = 0.71 without ever being infinite.
  const Dynamics field = dynamics_of(1, [](Tensor, Tensor z, auto) { return 1000.0 * z; });
  const Solution s = solve_problem(field, dopri5(1e-3, 1e-3, 100000), {1.0}, {0.0, 2.0});
  EXPECT_EQ(s.report.status, Status::non_finite);
  EXPECT_EQ(s.report.cause, Cause::blow_up);
  EXPECT_NEAR(s.report.t, std::log(std::numeric_limits<double>::max()) / 1000.0, 0.01);
}

TEST(Diagnosis, OfAFieldWithoutValueNamesItsDomain) {
  const Dynamics field =
      dynamics_of(1, [](Tensor, Tensor z, auto) { return 0.0 * log(1.0 - z) + 1.0; });
  const Solution s = solve_problem(field, dopri5(1e-6, 1e-6, 1000), {0.0}, {0.0, 2.0});
  EXPECT_EQ(s.report.status, Status::non_finite);
  EXPECT_EQ(s.report.cause, Cause::domain);
  EXPECT_THAT(s.report.message(), HasSubstr("moderate"));
}

TEST(Diagnosis, OfAStateThatIsNoNumberDoesNotBlameTheField) {
  const Dynamics field = dynamics_of(2, [](Tensor, Tensor z, auto) { return -1.0 * z; });
  const Solution s =
      solve_problem(field, dopri5(1e-6, 1e-6, 1000), {1.0, std::nan("")}, {0.0, 2.0});
  EXPECT_EQ(s.report.status, Status::non_finite);
  EXPECT_EQ(s.report.component, 1);
  EXPECT_EQ(s.report.cause, Cause::unknown);
}

TEST(Diagnosis, OfGivenStepsThatAreTooLongNamesStability) {
  // Euler's steps of 0.1 multiply by 1 - 10 in z' = -100 z.
  const Dynamics field = dynamics_of(1, [](Tensor, Tensor z, auto) { return -100.0 * z; });
  const Solution s =
      solve_problem(field, {"euler", "constant", given_step(0.1)}, {1.0}, {0.0, 100.0});
  EXPECT_EQ(s.report.status, Status::non_finite);
  EXPECT_EQ(s.report.cause, Cause::stiffness);
  EXPECT_NEAR(s.report.stiffness, 10.0, 1e-6);
  EXPECT_THAT(s.report.message(), HasSubstr("shorter steps where they are given"));
}

TEST(Diagnosis, OfASmoothProblemNamesTheTolerance) {
  const Dynamics lotka = dynamics_of(2, [](Tensor, Tensor z, auto) {
    const auto [a, b] = split<1, 1>(z);
    return concat({a - a * b, a * b - b});
  });
  const Dynamics lorenz = dynamics_of(3, [](Tensor, Tensor s, auto) {
    const auto [x, y, z] = split<1, 1, 1>(s);
    return concat({10.0 * (y - x), x * (28.0 - z) - y, x * y - 8.0 / 3.0 * z});
  });
  const Dynamics kepler = dynamics_of(4, [](Tensor, Tensor s, auto) {
    const auto [x, y, u, v] = split<1, 1, 1, 1>(s);
    const Tensor r3 = pow(sqrt(x * x + y * y), 3);
    return concat({u, v, -x / r3, -y / r3});
  });
  struct Problem {
    const Dynamics& field;
    Values start;
  };
  const Problem problems[] = {
      {lotka, {2.0, 1.0}}, {lorenz, {1.0, 1.0, 1.0}}, {kepler, {0.1, 0.0, 0.0, std::sqrt(19.0)}}};
  for (const Problem& problem : problems) {
    for (const double tolerance : {1e-4, 1e-6, 1e-9, 1e-12}) {
      for (const int steps : {20, 200}) {
        const Solution s = solve_problem(problem.field, dopri5(tolerance, tolerance, steps),
                                         problem.start, {0.0, 1000.0});
        EXPECT_EQ(s.report.cause, Cause::accuracy) << tolerance << " " << steps;
        EXPECT_THAT(s.report.message(), HasSubstr("raise max_steps"));
      }
    }
  }
}

TEST(Diagnosis, OfASuccessThatWasSlowNamesStiffness) {
  // 3000 steps and more that z' = -1000 (z - cos t) takes for its stability, in a tenth of them for
  // its accuracy.
  const Dynamics stiff =
      dynamics_of(1, [](Tensor t, Tensor z, auto) { return -1000.0 * (z - cos(t)); });
  const Dynamics gentle =
      dynamics_of(1, [](Tensor t, Tensor z, auto) { return cos(10.0 * t) - z; });
  for (const bool is_stiff : {true, false}) {
    const Dynamics& field = is_stiff ? stiff : gentle;
    const Method method = dopri5(is_stiff ? 1e-4 : 1e-9, is_stiff ? 1e-4 : 1e-9, 100000);
    const auto setting = setting_of(field, method);
    const auto integrator = setting->integrator(field, method.options, {});
    solve::SlowSolve slow(field, setting->solver(), test_device());
    const OnDevice initial(*test_device(), {1.0});
    const OnDevice result(*test_device(), {0.0});
    const std::vector<View> in{initial.view()};
    const std::vector<View> out{result.view()};
    const Values times{0.0, is_stiff ? 2.0 : 20.0};
    SolveReport report = integrator->integrate(
        {.rows = 1,
         .times = times,
         .initial = in,
         .constants = {},
         .results = out,
         .observer = [&](const AcceptedStep& step) { slow.see(step, 1, {}); }});
    EXPECT_TRUE(report.ok());
    EXPECT_EQ(report.note(), "");
    slow.conclude(report);
    EXPECT_GT(report.accepted, 100);
    EXPECT_EQ(report.cause, is_stiff ? Cause::stiffness : Cause::unknown);
    EXPECT_GT(report.stiffness, 0.0);
    if (is_stiff) {
      EXPECT_THAT(report.note(), AllOf(HasSubstr("Stability"), HasSubstr("radau5")));
    } else {
      EXPECT_EQ(report.note(), "");
    }
  }
}

TEST(Diagnosis, OfASuccessWithMoreRejectedStepsThanAcceptedNamesJumps) {
  // A square wave: each of its 64 jumps costs more rejected steps than the smooth parts take.
  const Dynamics wave =
      dynamics_of(1, [](Tensor t, Tensor z, auto) { return sign(sin(100.0 * t)) + 0.0 * z; });
  const Method method = dopri5(1e-10, 1e-10, 100000);
  Solution s = solve_problem(wave, method, {0.0}, {0.0, 2.0});
  ASSERT_TRUE(s.report.ok());
  ASSERT_GT(s.report.rejected, s.report.accepted);
  const auto setting = setting_of(wave, method);
  solve::SlowSolve(wave, setting->solver(), test_device()).conclude(s.report);
  EXPECT_EQ(s.report.cause, Cause::discontinuity);
  EXPECT_THAT(s.report.note(), HasSubstr("jump_times"));
}

TEST(Diagnosis, IsOfTheBlamedSample) {
  // The second of three rows is stiff.
  const Dynamics field = dynamics_of(2, [](Tensor, Tensor z, auto) {
    const auto [x, rate] = split<1, 1>(z);
    return concat({-1.0 * rate * (x - 1.0), 0.0 * rate});
  });
  Method method = dopri5(1e-4, 1e-4, 400);
  const Solution s =
      solve_problem(field, method, {0.0, 1.0, 0.9, 5000.0, 0.5, 2.0}, {0.0, 10.0}, {}, 3);
  EXPECT_EQ(s.report.status, Status::max_steps);
  EXPECT_EQ(s.report.sample, 1);
  EXPECT_EQ(s.report.cause, Cause::stiffness);
}

}  // namespace
}  // namespace odeum::testing
