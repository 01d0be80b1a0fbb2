// SPDX-License-Identifier: Apache-2.0
// CVODE behind the interface of the step loop: accuracy, contract of the integrator, statuses,
// gradients, refusals. Skipped where SUNDIALS was not found.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

#include "differentiation.hpp"
#include "problems.hpp"
#include "solve/options.hpp"

namespace odeum::testing {
namespace {

using ::testing::HasSubstr;
using Keys = std::map<std::string, Config::Value>;

bool cvode_is_here() {
  return std::filesystem::exists(std::string(std::getenv("ODEUM_PLUGIN_PATH")) +
                                 "/solver/cvode.so");
}

const Keys kBdf = {}, kKrylov = {{"linear_solver", std::string("krylov")}},
           kAdams = {{"method", std::string("adams")}};

/// One of CVODE's forms with everything a solve needs.
struct Form {
  Keys keys;
  SolveOptions options;
  SaveTimes save = SaveTimes::exact;
};

std::unique_ptr<SolveSetting> setting(const Dynamics& dynamics, const Form& form) {
  return solve::make_setting(dynamics, component<Solver>("solver", "cvode", form.keys),
                             component<Controller>("controller", "integral"), form.options,
                             test_device());
}

Solution solve_by(const Form& form, const Dynamics& dynamics, const Values& initial,
                  const Values& times, const std::vector<Values>& constants = {},
                  std::int64_t rows = 1) {
  return solve_with(setting(dynamics, form), dynamics, form.options, form.save, initial, times,
                    constants, rows);
}

Form tight(const Keys& keys, SaveTimes save = SaveTimes::exact) {
  return {keys, tolerances(1e-9, 1e-9), save};
}

class Cvode : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!cvode_is_here()) GTEST_SKIP() << "no SUNDIALS here";
  }
};

Dynamics decay() {
  return dynamics_of(1, [](Tensor, Tensor z, auto) { return -z; });
}

// CVODE controls errors of steps, which add up: a thousand tolerances over these spans.
constexpr double kAccumulated = 1000.0;

TEST_F(Cvode, SolvesSmallProblemsWithEveryIteration) {
  for (const Case& c : cases()) {
    if (c.name != "A3" && c.name != "B1" && c.name != "C1" && c.name != "E2" && c.name != "sine" &&
        c.name != "sine_reversed") {
      continue;
    }
    for (const Keys& keys : {kBdf, kKrylov, kAdams}) {
      const Solution s = solve_by({keys, tolerances(1e-8, 1e-8)}, dynamics_of(c.features, c.field),
                                  c.initial, {c.from, c.to});
      ASSERT_TRUE(s.report.ok()) << c.name << ": " << s.report.message();
      EXPECT_EQ(s.report.t, c.to);
      for (std::size_t i = 0; i < c.truth.size(); ++i) {
        EXPECT_NEAR(s.y[0][i], c.truth[i], 3.0 * kAccumulated * 1e-8 * std::max(1.0, c.truth[i]))
            << c.name;
      }
    }
  }
}

TEST_F(Cvode, ATighterToleranceGivesASmallerError) {
  const Dynamics growth = dynamics_of(1, [](Tensor t, Tensor z, auto) { return z * cos(t); });
  for (const Keys& keys : {kBdf, kAdams}) {
    double last = 1.0;
    for (const double tolerance : {1e-4, 1e-7, 1e-10}) {
      const Solution s =
          solve_by({keys, tolerances(tolerance, tolerance)}, growth, {1.0}, {0.0, 20.0});
      const double error = std::abs(s.y[0][0] - 2.491650271850415);
      EXPECT_LT(error, 0.1 * last);
      last = error;
    }
  }
}

class CvodeOnStiff : public ::testing::TestWithParam<StiffCase> {};
INSTANTIATE_TEST_SUITE_P(Cvode, CvodeOnStiff, ::testing::ValuesIn(stiff_cases()),
                         [](const auto& c) { return c.param.problem.name; });

TEST_P(CvodeOnStiff, IsSolvedInFewEvaluations) {
  if (!cvode_is_here()) GTEST_SKIP() << "no SUNDIALS here";
  const auto& [problem, scale] = GetParam();
  constexpr double kTolerance = 1e-8;
  SolveOptions options;
  options.rtol = kTolerance;
  options.atol.clear();
  for (const double s : scale) options.atol.push_back(1e-2 * kTolerance * s);
  for (const Keys& keys : {kBdf, kKrylov}) {
    const Solution s = solve_by({keys, options}, dynamics_of(problem.features, problem.field),
                                problem.initial, {problem.from, problem.to});
    ASSERT_TRUE(s.report.ok()) << s.report.message();
    EXPECT_LT(s.report.evaluations, 20000);
    for (std::size_t i = 0; i < problem.truth.size(); ++i) {
      EXPECT_NEAR(s.y[0][i], problem.truth[i],
                  kAccumulated * (options.atol[i] + kTolerance * std::abs(problem.truth[i])))
          << "component " << i;
    }
  }
}

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

/// Rows of different stiffness with a log-density and a cost beside them.
Dynamics with_quadratures(DType type = DType::f64) {
  Dynamics d;
  d.members = {{.name = "z", .shape = {kRows, 2}, .dtype = type},
               {.name = "log_density", .shape = {kRows}, .dtype = type},
               {.name = "cost",
                .shape = {kRows},
                .dtype = type,
                .in_error_norm = false,
                .along_absolute_time = true}};
  d.constants = {{"theta", {2}, type}};
  d.rates = [](Tensor t, const State& y, std::span<const Tensor> c) {
    const Tensor a = column(y[0], 0), b = column(y[0], 1);
    const Tensor fast = slice(c[0], 0, 0, 1), slow = slice(c[0], 0, 1, 2);
    const Tensor f = concat({-fast * (a - cast(cos(t), a.dtype())), slow * a * b});
    return State{f, -reshape(slow * a - fast, {kRows}), sum_features(square(f))};
  };
  return d;
}
const Values kTheta = {30.0, 0.5};
const Values kThreeRows = {0.2, 1.0, -0.4, 0.8, 1.5, -1.0};

TEST_F(Cvode, IntegratesQuadraturesBesideTheStateForwardsAndBack) {
  for (const Values& times : {Values{0.0, 0.3, 1.0}, Values{0.3, 0.2, 0.15}}) {
    const Solution truth =
        solve_problem(with_quadratures(), {"dopri5", "integral", tolerances(1e-11, 1e-11)},
                      kThreeRows, times, {kTheta}, 3);
    for (const Keys& keys : {kBdf, kKrylov, kAdams}) {
      const Solution s = solve_by(tight(keys), with_quadratures(), kThreeRows, times, {kTheta}, 3);
      ASSERT_TRUE(s.report.ok()) << s.report.message();
      for (std::size_t i = 0; i < truth.y.size(); ++i) {
        for (std::size_t j = 0; j < truth.y[i].size(); ++j) {
          // A cost is not under control: its error is that of the steps that the state needs.
          EXPECT_NEAR(s.y[i][j], truth.y[i][j], 1e-5 * std::max(1.0, std::abs(truth.y[i][j])));
        }
        EXPECT_GT(s.y[i].back(), 0.0) << "a cost is positive in both directions of time";
      }
    }
  }
}

TEST_F(Cvode, AQuadratureInTheErrorNormIsHeldToItsTolerance) {
  // The state stands still, so that only the quadrature of cos(50 t) bounds the steps.
  Dynamics d = dynamics_of(1, [](Tensor, Tensor z, auto) { return 0.0 * z; });
  d.members.push_back({.name = "phase", .shape = {kRows}, .dtype = DType::f64});
  d.rates = [](Tensor t, const State& y, std::span<const Tensor>) {
    return State{0.0 * y[0], broadcast(cos(50.0 * t), {kRows})};
  };
  const auto error_when = [&](bool in_norm) {
    d.members[1].in_error_norm = in_norm;
    const Solution s = solve_by(tight(kAdams), d, {1.0, 1.0}, {0.0, 2.0}, {}, 2);
    return std::abs(s.y[0][2] - std::sin(100.0) / 50.0);
  };
  EXPECT_LT(error_when(true), kAccumulated * 1e-9);
  EXPECT_GT(error_when(false), 1e-3);
}

TEST_F(Cvode, SolvesSinglePrecisionMembersInDouble) {
  Dynamics d = with_quadratures(DType::f32);
  const Form form{kBdf, tolerances(1e-5, 1e-5), SaveTimes::exact};
  const auto made = setting(d, form);
  const auto integrator = made->integrator(d, form.options, {});
  const auto device = test_device();
  const auto floats = [&](const std::vector<float>& values) {
    std::shared_ptr<void> memory = device->allocate(values.size() * sizeof(float));
    device->upload({memory.get(), 0}, values.data(), values.size() * sizeof(float));
    return memory;
  };
  const auto z = floats({0.2F, 1.0F}), theta = floats({30.0F, 0.5F}), zero = floats({0.0F}),
             end = floats({0.0F, 0.0F}), density = floats({0.0F});
  const std::vector<View> initial = {{z.get(), 0}, {zero.get(), 0}, {zero.get(), 0}},
                          constants = {{theta.get(), 0}},
                          results = {{end.get(), 0}, {density.get(), 0}, {}};
  const Values times = {0.0, 1.0};
  const SolveReport report = integrator->integrate({.rows = 1,
                                                    .times = times,
                                                    .initial = initial,
                                                    .constants = constants,
                                                    .results = results,
                                                    .observer = {}});
  ASSERT_TRUE(report.ok()) << report.message();
  float found[2] = {};
  device->download(found, results[0], sizeof found);
  const Solution truth =
      solve_by(tight(kBdf), with_quadratures(), {0.2F, 1.0F}, times, {kTheta}, 1);
  EXPECT_NEAR(found[0], truth.y[0][0], 1e-4);
  EXPECT_NEAR(found[1], truth.y[0][1], 1e-4);
}

TEST_F(Cvode, AnIntegratorServesSolvesOfAnyNumberOfRows) {
  const auto once = [&](std::int64_t rows) {
    const Values initial(kThreeRows.begin(), kThreeRows.begin() + 2 * rows);
    return solve_by(tight(kBdf), with_quadratures(), initial, {0.0, 1.0}, {kTheta}, rows);
  };
  const auto made = setting(with_quadratures(), tight(kBdf));
  const auto integrator = made->integrator(with_quadratures(), tight(kBdf).options, {});
  const OnDevice theta(*test_device(), kTheta);
  const Values times = {0.0, 1.0};
  for (const std::int64_t rows : {1, 3, 2, 3}) {
    const Solution fresh = once(rows);
    const auto count = static_cast<std::size_t>(rows);
    const OnDevice z(*test_device(), kThreeRows), zeros(*test_device(), Values(count, 0.0)),
        end(*test_device(), Values(2 * count, 0.0));
    const std::vector<View> initial = {z.view(), zeros.view(), zeros.view()},
                            constants = {theta.view()}, results = {end.view(), {}, {}};
    const SolveReport report = integrator->integrate({.rows = rows,
                                                      .times = times,
                                                      .initial = initial,
                                                      .constants = constants,
                                                      .results = results,
                                                      .observer = {}});
    EXPECT_EQ(report.evaluations, fresh.report.evaluations) << rows;
    EXPECT_EQ(end.values(), Values(fresh.y[0].begin(), fresh.y[0].begin() + 2 * rows));
  }
}

TEST_F(Cvode, RowsThatMixAreSolvedByKrylovAndRefusedByDense) {
  // Each row relaxes to the mean of all, which stays.
  const Dynamics mixing = dynamics_of(1, [](Tensor, Tensor z, auto) {
    return 50.0 * (broadcast(mean_rows(z), Shape(z.shape())) - z);
  });
  const auto dense = component<Solver>("solver", "cvode");
  EXPECT_THAT(dense->refusal(mixing), HasSubstr("mixes samples"));
  EXPECT_THAT(dense->refusal(mixing), HasSubstr("krylov"));
  EXPECT_THROW(solve_by(tight(kBdf), mixing, {1.0, 2.0}, {0.0, 1.0}, {}, 2), ConfigError);
  EXPECT_EQ(component<Solver>("solver", "cvode", kKrylov)->refusal(mixing), "");
  const Solution s = solve_by(tight(kKrylov), mixing, {1.0, 2.0, 6.0}, {0.0, 0.1}, {}, 3);
  ASSERT_TRUE(s.report.ok());
  const double left = std::exp(-5.0);
  EXPECT_NEAR(s.y[0][0], 3.0 - 2.0 * left, kAccumulated * 1e-9);
  EXPECT_NEAR(s.y[0][2], 3.0 + 3.0 * left, kAccumulated * 1e-9);
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

struct Loss {
  Form form;
  Values times = {0.0, 0.04, 0.1};
  std::vector<Values> initial = {kThreeRows, Values(3, 0.0), Values(3, 0.0)};
  std::vector<Values> constants = {kTheta};
  std::vector<Values> at_end = {
      {0.3, -1.0, 0.7, 0.2, -0.5, 1.1}, {0.4, -0.2, 0.9}, {0.01, 0.02, -0.01}};

  Gradients gradients() const {
    return differentiate_setting({"adjoint", {}}, setting(with_quadratures(), form), initial, times,
                                 constants, {at_end, at_end}, 3);
  }
  /// By another solver.
  double value() const {
    const Gradients g = differentiate({"adjoint", {}}, with_quadratures(),
                                      {"dopri5", "integral", tolerances(1e-11, 1e-11)}, initial,
                                      times, constants, {at_end, at_end}, 3);
    double total = 0.0;
    for (std::size_t i = 0; i < g.y.size(); ++i) {
      for (std::size_t j = 0; j < g.y[i].size(); ++j) total += at_end[i % 3][j] * g.y[i][j];
    }
    return total;
  }
};

template <class Entry>
double central_difference(const Loss& loss, const Entry& entry) {
  constexpr double kStep = 1e-5;
  Loss up = loss, down = loss;
  entry(up) += kStep;
  entry(down) -= kStep;
  return (up.value() - down.value()) / (2.0 * kStep);
}

TEST_F(Cvode, TheAdjointThroughItMatchesCentralDifferences) {
  for (const Keys& keys : {kBdf, kKrylov, kAdams}) {
    const Loss loss{.form = {keys, tolerances(1e-10, 1e-10)}};
    const Gradients g = loss.gradients();
    ASSERT_TRUE(g.forward.ok()) << g.forward.message();
    ASSERT_TRUE(g.backward.ok()) << g.backward.message();
    EXPECT_GT(g.backward.evaluations, 0);
    // What decays at rate 30 grows twentyfold on the way back; costs are not under control.
    constexpr double kTolerance = 1e-6;
    for (std::size_t i = 0; i < 2; ++i) {
      EXPECT_NEAR(g.constants[0][i],
                  central_difference(loss, [i](Loss& l) -> double& { return l.constants[0][i]; }),
                  kTolerance);
    }
    for (const std::size_t i : {0U, 3U}) {
      EXPECT_NEAR(g.initial[0][i],
                  central_difference(loss, [i](Loss& l) -> double& { return l.initial[0][i]; }),
                  kTolerance);
    }
    EXPECT_NEAR(g.times[2], central_difference(loss, [](Loss& l) -> double& { return l.times[2]; }),
                kTolerance);
  }
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
}

TEST_F(Cvode, RefusesKeysThatWouldHaveNoEffect) {
  const std::string krylov = "krylov";
  EXPECT_THROW(component<Solver>("solver", "cvode",
                                 {{"method", std::string("adams")}, {"linear_solver", krylov}}),
               ConfigError);
  EXPECT_THROW(component<Solver>("solver", "cvode", {{"krylov_dimension", std::int64_t{9}}}),
               ConfigError);
  EXPECT_THROW(component<Solver>("solver", "cvode", {{"max_order", std::int64_t{6}}}), ConfigError);
}

}  // namespace
}  // namespace odeum::testing
