// SPDX-License-Identifier: Apache-2.0
// What CVODE keeps of the contract of a step loop: save times, limits, statuses, refusals.
#include <gmock/gmock.h>

#include <cmath>

#include "cvode.hpp"
#include "solve/options.hpp"

namespace odeum::testing {
namespace {

using ::testing::HasSubstr;

TEST_F(Cvode, MeetsSaveTimesExactlyOrInterpolates) {
  const Values times = {0.0, 0.0, 0.1, 0.7, 0.7, 2.0, 5.0, 5.0};
  std::int64_t accepted[2] = {};
  for (const SaveTimes save : {SaveTimes::exact, SaveTimes::interpolated}) {
    const Solution s = solve_by(tight(kBdf, save), decay(), {1.0}, times);
    ASSERT_TRUE(s.report.ok());
    EXPECT_EQ(s.report.reached, static_cast<std::int64_t>(times.size()));
    for (std::size_t i = 1; i < times.size(); ++i) {
      EXPECT_NEAR(s.y[i - 1][0], std::exp(-times[i]), kAccumulated * 1e-9);
    }
    EXPECT_EQ(static_cast<std::int64_t>(s.t.size()), s.report.accepted);
    accepted[save == SaveTimes::interpolated] = s.report.accepted;
  }
  EXPECT_LT(accepted[1], accepted[0]);
}

TEST_F(Cvode, StepsFollowOneAnotherWithoutAGap) {
  const Solution s = solve_by(tight(kBdf), decay(), {1.0}, {0.0, 1.0, 3.0});
  ASSERT_TRUE(s.report.ok());
  EXPECT_EQ(s.t[0], 0.0);
  for (std::size_t i = 1; i < s.t.size(); ++i) {
    EXPECT_NEAR(s.t[i - 1] + s.h[i - 1], s.t[i], 1e-14);
  }
  EXPECT_DOUBLE_EQ(s.t.back() + s.h.back(), 3.0);
}

TEST_F(Cvode, BackwardTimeEqualsTheNegatedFieldForward) {
  const Dynamics forward = dynamics_of(1, [](Tensor t, Tensor z, auto) { return z * cos(t); });
  const Dynamics negated = dynamics_of(1, [](Tensor t, Tensor z, auto) { return -z * cos(-t); });
  const Solution back = solve_by(tight(kBdf), forward, {1.0}, {0.0, -1.0, -3.0});
  const Solution ahead = solve_by(tight(kBdf), negated, {1.0}, {0.0, 1.0, 3.0});
  EXPECT_EQ(back.report.accepted, ahead.report.accepted);
  EXPECT_NEAR(back.y[1][0], ahead.y[1][0], 1e-13);
}

TEST_F(Cvode, OneTimeOrASpanOfNoLengthMeansNoEvaluation) {
  const Solution one = solve_by(tight(kBdf), decay(), {1.0}, {3.0});
  EXPECT_EQ(one.report.evaluations, 0);
  EXPECT_EQ(one.report.reached, 1);
  const Solution still = solve_by(tight(kBdf), decay(), {0.75}, {2.0, 2.0});
  EXPECT_TRUE(still.report.ok());
  EXPECT_EQ(still.report.evaluations, 0);
  EXPECT_EQ(still.y[0][0], 0.75);
}

TEST_F(Cvode, BeginsAnewBehindAJump) {
  // conformance.md, section 4, "jump".
  const Dynamics jump = dynamics_of(1, [](Tensor t, Tensor z, auto) {
    const Tensor early = broadcast(less(t, full(t, {1}, 0.5)), Shape(z.shape()));
    return select(early, -0.5 * z, z * z);
  });
  Form form = tight(kBdf);
  const Solution unaware = solve_by(form, jump, {1.0}, {0.0, 1.0});
  form.options.jump_times = {0.5};
  const Solution aware = solve_by(form, jump, {1.0}, {0.0, 1.0});
  EXPECT_NEAR(aware.y[0][0], 1.275468854344905, kAccumulated * 1e-9);
  EXPECT_LT(aware.report.rejected, unaware.report.rejected);
  for (const double t : aware.t) EXPECT_NE(t, 0.5) << "a step begins at the jump itself";
}

TEST_F(Cvode, KeepsItsLimits) {
  Form form = tight(kBdf);
  form.options.max_step = 0.05;
  form.options.first_step = 1e-5;
  const Solution s = solve_by(form, decay(), {1.0}, {0.0, 2.0});
  ASSERT_TRUE(s.report.ok());
  EXPECT_EQ(s.h[0], 1e-5);
  for (const double h : s.h) EXPECT_LE(h, 0.05 * (1.0 + 1e-12));
}

TEST_F(Cvode, MaxStepsIsAStatusThatSaysWhere) {
  Form form = tight(kBdf);
  form.options.max_steps = 20;
  const Solution s = solve_by(form, dynamics_of(3, robertson), {1, 0, 0}, {0.0, 1e11});
  EXPECT_EQ(s.report.status, Status::max_steps);
  EXPECT_GE(s.report.accepted + s.report.rejected, 20);
  EXPECT_THAT(s.report.message(), HasSubstr("of 'z'"));
}

TEST_F(Cvode, ABlowUpEndsInAStatusAtItsTime) {
  const Dynamics blow_up = dynamics_of(1, [](Tensor, Tensor z, auto) { return z * z; });
  for (const Keys& keys : {kBdf, kKrylov, kAdams}) {
    Form form = tight(keys);
    form.options.max_steps = 5000;
    const Solution s = solve_by(form, blow_up, {1.0}, {0.0, 2.0});
    EXPECT_FALSE(s.report.ok());
    EXPECT_NEAR(s.report.t, 1.0, 1e-3);
    EXPECT_FALSE(s.report.message().empty());
  }
}

TEST_F(Cvode, NonFiniteNamesTheSampleAndTheComponent) {
  // Row 1 starts at 1.5 and breaks at t = 0.5, in its second component.
  const Dynamics breaks = dynamics_of(2, [](Tensor, Tensor z, auto) {
    const Tensor a = column(z, 0), b = column(z, 1);
    return concat({1.0 + 0.0 * a, log(2.0 - a) + 0.0 * b});
  });
  for (const Keys& keys : {kBdf, kAdams}) {
    const Solution s =
        solve_by(tight(keys), breaks, {0.0, 0.0, 1.5, 0.0, 0.2, 0.0}, {0.0, 0.1, 1.0}, {}, 3);
    EXPECT_EQ(s.report.status, Status::non_finite);
    EXPECT_EQ(s.report.sample, 1);
    EXPECT_EQ(s.report.component, 1);
    EXPECT_EQ(s.report.member, "z");
    EXPECT_EQ(s.report.samples, std::vector<std::int64_t>{1});
    EXPECT_EQ(s.report.reached, 2);
    EXPECT_NEAR(s.report.t, 0.5, 0.01);
    EXPECT_NEAR(s.y[0][2], 1.6, 1e-8) << "what was reached is there";
  }
  const Solution at_start = solve_by(tight(kBdf), breaks, {3.0, 0.0}, {0.0, 1.0});
  EXPECT_EQ(at_start.report.status, Status::non_finite);
  EXPECT_EQ(at_start.report.accepted, 0);
}

TEST_F(Cvode, RefusesWhatItsLoopCannotDo) {
  Form form = tight(kBdf);
  form.options.step = 0.1;
  EXPECT_THROW(solve_by(form, decay(), {1.0}, {0.0, 1.0}), ConfigError);
  form = tight(kBdf);
  form.options.step_size = StepSize::per_sample;
  EXPECT_THROW(solve_by(form, decay(), {1.0}, {0.0, 1.0}), ConfigError);
  form = tight(kBdf);
  form.options.at_min_step = AtMinStep::clip;
  EXPECT_THROW(solve_by(form, decay(), {1.0}, {0.0, 1.0}), ConfigError);
}

TEST_F(Cvode, RefusesGivenStepsAndAControllerWhereTheyAreWritten) {
  const auto solver = component<Solver>("solver", "cvode");
  const auto read = [&](const Keys& given, const std::string& controller) -> std::string {
    Config config = config_of("solver", "cvode", solve::common_solver_keys(), given);
    Config component_of;
    component_of.kind_ = "controller";
    component_of.use_ = controller;
    config.entries_["controller"].value = std::vector<Config>{component_of};
    std::vector<std::string> warnings;
    try {
      solve::options_from(config, *solver, *component<Controller>("controller", controller),
                          DType::f64, warnings);
    } catch (const ConfigError& error) {
      return error.what();
    }
    return "accepted";
  };
  EXPECT_EQ(read({}, "integral"), "accepted");
  EXPECT_THAT(read({{"step", 0.1}}, "integral"), HasSubstr("step"));
  EXPECT_THAT(read({{"steps", std::int64_t{5}}}, "integral"), HasSubstr("chooses its own steps"));
  EXPECT_THAT(read({}, "pid"), HasSubstr("controller"));
  EXPECT_THAT(read({{"at_min_step", std::string("clip")}}, "integral"), HasSubstr("error test"));
}

TEST_F(Cvode, RefusesKeysThatWouldHaveNoEffect) {
  EXPECT_THROW(component<Solver>("solver", "cvode",
                                 {{"method", std::string("adams")},
                                  {"linear_solver", std::string("dense")},
                                  {"krylov_dimension", std::int64_t{9}}}),
               ConfigError);
  EXPECT_THROW(component<Solver>("solver", "cvode", {{"krylov_dimension", std::int64_t{9}}}),
               ConfigError);
  EXPECT_THROW(component<Solver>("solver", "cvode", {{"max_order", std::int64_t{6}}}), ConfigError);
}

}  // namespace
}  // namespace odeum::testing
