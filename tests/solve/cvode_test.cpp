// SPDX-License-Identifier: Apache-2.0
// Accuracy of CVODE: small and stiff problems, quadratures, types, rows, gradients.
#include "cvode.hpp"

#include <gmock/gmock.h>

#include <cmath>

namespace odeum::testing {
namespace {

using ::testing::HasSubstr;

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

TEST_F(Cvode, AdamsSolvesAStiffProblemWithNewtonsIteration) {
  const Case robertson_40 = stiff_cases().front().problem;
  for (const char* linear : {"dense", "krylov"}) {
    const Keys keys{{"method", std::string("adams")}, {"linear_solver", std::string(linear)}};
    SolveOptions options = tolerances(1e-6, 1e-6);
    const Solution s =
        solve_by({keys, options}, dynamics_of(robertson_40.features, robertson_40.field),
                 robertson_40.initial, {robertson_40.from, robertson_40.to});
    ASSERT_TRUE(s.report.ok()) << s.report.message();
    EXPECT_LT(s.report.evaluations, 20000);
    for (std::size_t i = 0; i < robertson_40.truth.size(); ++i) {
      EXPECT_NEAR(s.y[0][i], robertson_40.truth[i], kAccumulated * 1e-6 * robertson_40.truth[i]);
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
  const auto made = cvode_setting(d, form);
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
  const auto made = cvode_setting(with_quadratures(), tight(kBdf));
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

struct Loss {
  Form form;
  Values times = {0.0, 0.04, 0.1};
  std::vector<Values> initial = {kThreeRows, Values(3, 0.0), Values(3, 0.0)};
  std::vector<Values> constants = {kTheta};
  std::vector<Values> at_end = {
      {0.3, -1.0, 0.7, 0.2, -0.5, 1.1}, {0.4, -0.2, 0.9}, {0.01, 0.02, -0.01}};

  Gradients gradients() const {
    return differentiate_setting({"adjoint", {}}, cvode_setting(with_quadratures(), form), initial,
                                 times, constants, {at_end, at_end}, 3);
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

}  // namespace
}  // namespace odeum::testing
