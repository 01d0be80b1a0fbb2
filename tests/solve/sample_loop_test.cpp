// SPDX-License-Identifier: Apache-2.0
// A step size per sample: what a sample goes through is its own affair.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "sample_problems.hpp"

namespace odeum::testing {
namespace {

using ::testing::HasSubstr;

Tensor column(Tensor z, std::int64_t i) { return slice(z, -1, i, i + 1); }

/// Van der Pol's oscillator with a stiffness of each sample's own.
Dynamics oscillator() {
  return dynamics_of(2,
                     [](Tensor, Tensor z, auto c) {
                       const Tensor x = column(z, 0), v = column(z, 1);
                       return concat({v, c[0] * (1.0 - x * x) * v - x});
                     },
                     {{"mu", {kRows, 1}, DType::f64}});
}

/// Two tanh layers of the given width, one sample harder than the next by its gain.
Dynamics network(std::int64_t features, std::int64_t width) {
  return dynamics_of(features,
                     [](Tensor t, Tensor z, auto c) {
                       const Tensor hidden = tanh(linear(z, c[1], c[2]) * c[0] + matched(t, z));
                       return linear(hidden, c[3]);
                     },
                     {{"gain", {kRows, 1}, DType::f64},
                      {"w1", {width, features}, DType::f64},
                      {"b1", {width}, DType::f64},
                      {"w2", {features, width}, DType::f64}});
}

/// Reproducible numbers in (-scale, scale).
Values scattered(std::int64_t count, double scale, std::uint64_t seed) {
  Values values;
  for (std::int64_t i = 0; i < count; ++i) {
    seed = seed * 6364136223846793005U + 1442695040888963407U;
    const double uniform = static_cast<double>(seed >> 11U) / 9007199254740992.0;
    values.push_back(scale * (2.0 * uniform - 1.0));
  }
  return values;
}

Values rows_of(const Values& all, std::int64_t row, std::int64_t width) {
  const auto first = all.begin() + row * width;
  return {first, first + width};
}

/// Solves the batch, then each sample alone, and wants the same counts and, with tolerance 0, the
/// same bits.
void expect_as_alone(const Dynamics& dynamics, const Method& method, const Values& initial,
                     const Values& times, const std::vector<Values>& constants, std::int64_t rows,
                     double tolerance = 0.0) {
  const std::int64_t features = dynamics.members[0].shape[1];
  const Solution all = solve_problem(dynamics, method, initial, times, constants, rows);
  ASSERT_TRUE(all.report.ok()) << all.report.message();
  ASSERT_EQ(all.report.by_sample.size(), static_cast<std::size_t>(rows));
  std::int64_t fewest = all.report.accepted, most = 0;
  for (std::int64_t row = 0; row < rows; ++row) {
    std::vector<Values> own = constants;
    for (std::size_t c = 0; c < own.size(); ++c) {
      if (dynamics.constants[c].shape.has_rows()) own[c] = rows_of(constants[c], row, 1);
    }
    const Solution one =
        solve_problem(dynamics, method, rows_of(initial, row, features), times, own, 1);
    const SampleReport& report = all.report.by_sample[static_cast<std::size_t>(row)];
    EXPECT_EQ(report.accepted, one.report.accepted) << "sample " << row;
    EXPECT_EQ(report.rejected, one.report.rejected) << "sample " << row;
    EXPECT_EQ(report.evaluations, one.report.evaluations) << "sample " << row;
    for (std::size_t k = 0; k < all.y.size(); ++k) {
      for (std::size_t i = 0; i < one.y[k].size(); ++i) {
        const double there = rows_of(all.y[k], row, features)[i];
        EXPECT_LE(std::abs(there - one.y[k][i]), tolerance) << "sample " << row << " time " << k;
      }
    }
    fewest = std::min(fewest, report.accepted);
    most = std::max(most, report.accepted);
  }
  // The samples differ enough for the batch to have been compacted.
  EXPECT_GT(most, 2 * fewest);
}

TEST(SampleLoop, ASampleGoesAsItWouldAlone) {
  const std::int64_t rows = 13;
  Values mu, initial;
  for (int i = 0; i < rows; ++i) {
    mu.push_back(0.2 * std::pow(1.7, i));
    initial.insert(initial.end(), {2.0, 0.1 * i});
  }
  for (const SaveTimes save : {SaveTimes::exact, SaveTimes::interpolated}) {
    for (const char* solver : {"dopri5", "tsit5", "bosh3", "fehlberg32", "fehlberg45", "cash_karp",
                               "dopri8", "vern7", "adaptive_heun", "adams_moulton"}) {
      for (const char* controller : {"integral", "pid"}) {
        if (solver != std::string("dopri5") && controller == std::string("pid")) continue;
        SCOPED_TRACE(std::string(solver) + " " + controller);
        expect_as_alone(oscillator(), per_sample(1e-5, save, solver, controller), initial,
                        {0.0, 0.3, 1.0, 1.5}, {mu}, rows);
      }
    }
  }
}

TEST(SampleLoop, ASampleSolvesItsOwnEquationsAsItWouldAlone) {
  const std::int64_t rows = 7;
  Values mu, initial;
  for (int i = 0; i < rows; ++i) {
    mu.push_back(0.5 * std::pow(4.0, i));
    initial.insert(initial.end(), {2.0, 0.1 * i});
  }
  for (const SaveTimes save : {SaveTimes::exact, SaveTimes::interpolated}) {
    for (const char* solver : {"kvaerno5", "trbdf2", "radau5", "rosenbrock23"}) {
      SCOPED_TRACE(solver);
      const Method method = per_sample(1e-5, save, solver);
      const Values times = {0.0, 0.3, 4.0};
      const Solution all = solve_problem(oscillator(), method, initial, times, {mu}, rows);
      ASSERT_TRUE(all.report.ok()) << all.report.message();
      for (std::int64_t row = 0; row < rows; ++row) {
        const Solution one = solve_problem(oscillator(), method, rows_of(initial, row, 2), times,
                                           {rows_of(mu, row, 1)}, 1);
        EXPECT_EQ(all.report.by_sample[static_cast<std::size_t>(row)].accepted,
                  one.report.accepted);
        // The inverse of a Jacobian may be rounded otherwise beside others.
        for (std::size_t k = 0; k < 2; ++k) {
          for (std::size_t i = 0; i < 2; ++i) {
            EXPECT_NEAR(rows_of(all.y[k], row, 2)[i], one.y[k][i], 1e-8);
          }
        }
      }
    }
  }
}

TEST(SampleLoop, ASampleOfANetworkGoesAsItWouldAlone) {
  // The cpu device has two orders of summation for a contraction: up to 2048 products one by one,
  // beyond that a kernel on packed blocks. Where all batches of a field stay on one side (width 3),
  // bits are equal; else they differ in the last one, which these fields amplify a million times at
  // most.
  for (const std::int64_t width : {3, 16, 64, 200}) {
    SCOPED_TRACE("width " + std::to_string(width));
    const std::int64_t rows = 37, features = 5;
    Values gain;
    for (int i = 0; i < rows; ++i) gain.push_back(std::pow(1.15, i));
    expect_as_alone(network(features, width), per_sample(1e-6), scattered(rows * features, 1.0, 1),
                    {0.0, 1.0},
                    {gain, scattered(width * features, 0.3, 2), scattered(width, 0.5, 3),
                     scattered(features * width, 0.3, 4)},
                    rows, width == 3 ? 0.0 : 1e-8);
  }
}

TEST(SampleLoop, OneSampleTakesTheStepsOfASharedOne) {
  for (const SaveTimes save : {SaveTimes::exact, SaveTimes::interpolated}) {
    const Method alone = per_sample(1e-7, save);
    Method shared = alone;
    shared.options.step_size = StepSize::shared;
    const Values times = {0.0, 0.4, 1.0, 5.0};
    const Solution a = solve_problem(oscillator(), alone, {2.0, 0.0}, times, {{3.0}});
    const Solution b = solve_problem(oscillator(), shared, {2.0, 0.0}, times, {{3.0}});
    ASSERT_TRUE(a.report.ok());
    EXPECT_EQ(a.report.accepted, b.report.accepted);
    EXPECT_EQ(a.report.rejected, b.report.rejected);
    EXPECT_EQ(a.report.evaluations, b.report.evaluations);
    EXPECT_EQ(a.report.row_evaluations, b.report.row_evaluations);
    EXPECT_EQ(a.report.t, 5.0);
    EXPECT_EQ(a.report.reached, 4);
    // The programs differ in how they are fused, so in the last bits.
    for (std::size_t k = 0; k < 3; ++k) EXPECT_NEAR(a.y[k][0], b.y[k][0], 1e-12);
  }
}

TEST(SampleLoop, OneStiffSampleAmongAThousandCostsTheOthersNothing) {
  const std::int64_t rows = 1000;
  Values rate, initial(static_cast<std::size_t>(rows), 0.0);
  for (std::int64_t i = 0; i < rows; ++i) rate.push_back(i == 417 ? 300.0 : 1.0);
  const double tolerance = 1e-6;
  const Method alone = per_sample(tolerance);
  Method shared = alone;
  shared.options.step_size = StepSize::shared;
  const Solution a = solve_problem(relaxation(), alone, initial, {0.0, 5.0}, {rate}, rows);
  const Solution b = solve_problem(relaxation(), shared, initial, {0.0, 5.0}, {rate}, rows);
  ASSERT_TRUE(a.report.ok());
  ASSERT_TRUE(b.report.ok());
  double worst = 0.0;
  for (std::int64_t i = 0; i < rows; ++i) {
    const auto k = static_cast<std::size_t>(i);
    worst = std::max(worst, std::abs(a.y[0][k] - relaxed(rate[k], 0.0, 5.0)));
  }
  EXPECT_LT(worst, 10.0 * tolerance);  // the samples' own tolerance, accumulated over the span
  std::int64_t total = 0;
  for (const SampleReport& s : a.report.by_sample) total += s.evaluations;
  // The stiff sample needs some 500 steps, as it must (stability: 3.3 / 300 a step); the others a
  // dozen. Shared stepping makes all take them.
  EXPECT_GT(b.report.row_evaluations, 20 * total);
  EXPECT_GT(b.report.row_evaluations, 20 * a.report.row_evaluations);
  EXPECT_GE(a.report.row_evaluations, total);
  // Between compactions at most half of the rows are idle.
  EXPECT_LT(a.report.row_evaluations, 2 * total);
  const auto easy = a.report.by_sample[0].evaluations;
  const auto stiff = a.report.by_sample[417].evaluations;
  EXPECT_EQ(total, 999 * easy + stiff);
  EXPECT_GT(stiff, 10 * easy);
}

TEST(SampleLoop, SamplesHaveTheirOwnTimes) {
  // Ahead, back, of no length, repeated, and with a start of its own.
  const Values own = {0.0, 1.0, 3.0, 0.0, -0.5, -2.0, 1.0, 1.0, 1.0, 0.5, 0.5, 4.0, 2.0, 2.5, 2.5};
  const Values initial = {1.0, 1.0, 1.0, 1.0, 1.0};
  const Dynamics growth =
      dynamics_of(1, [](Tensor t, Tensor z, auto) { return z * matched(cos(t), z); });
  for (const SaveTimes save : {SaveTimes::exact, SaveTimes::interpolated}) {
    const Solution s = solve_problem(growth, per_sample(1e-9, save), initial, {0.0, 0.0, 0.0}, {},
                                     5, test_device(), {}, own);
    ASSERT_TRUE(s.report.ok()) << s.report.message();
    for (std::size_t row = 0; row < 5; ++row) {
      for (std::size_t k = 1; k < 3; ++k) {
        const double from = own[3 * row], to = own[3 * row + k];
        const double truth = std::exp(std::sin(to) - std::sin(from));
        EXPECT_NEAR(s.y[k - 1][row], truth, 1e-7) << "sample " << row << " time " << k;
      }
      EXPECT_EQ(s.report.by_sample[row].t, own[3 * row + 2]);
      EXPECT_EQ(s.report.by_sample[row].reached, 3);
    }
    EXPECT_EQ(s.report.by_sample[2].accepted, 0);
    EXPECT_EQ(s.y[1][2], 1.0);
  }
}

TEST(SampleLoop, TimesOfSamplesWantStepsOfSamples) {
  Method shared = per_sample(1e-6);
  shared.options.step_size = StepSize::shared;
  EXPECT_THROW(solve_problem(relaxation(), shared, {1.0}, {0.0, 1.0}, {{1.0}}, 1, test_device(), {},
                             {0.0, 2.0}),
               std::logic_error);
  EXPECT_THROW(solve_problem(relaxation(), per_sample(1e-6), {1.0}, {0.0, 1.0}, {{1.0}}, 1,
                             test_device(), {}, {0.0, 2.0, 3.0}),
               std::logic_error);
}

TEST(SampleLoop, InterpolatesEachSampleWithinItsOwnSteps) {
  const std::int64_t rows = 9;
  Values mu, initial, times;
  for (int i = 0; i < rows; ++i) {
    mu.push_back(0.5 * i);
    initial.insert(initial.end(), {2.0, 0.0});
  }
  for (int k = 0; k <= 200; ++k) times.push_back(0.02 * k);
  const Solution few =
      solve_problem(oscillator(), per_sample(1e-9), initial, {0.0, 2.0, 4.0}, {mu}, rows);
  const Solution many = solve_problem(oscillator(), per_sample(1e-9, SaveTimes::interpolated),
                                      initial, times, {mu}, rows);
  const Solution end =
      solve_problem(oscillator(), per_sample(1e-9), initial, {0.0, 4.0}, {mu}, rows);
  ASSERT_TRUE(many.report.ok());
  EXPECT_EQ(many.report.evaluations, end.report.evaluations);
  EXPECT_EQ(many.y[199], end.y[0]);
  // The dense output is of one order less than the method.
  for (std::size_t i = 0; i < initial.size(); ++i) {
    EXPECT_NEAR(many.y[99][i], few.y[0][i], 1e-6);
  }
}

/// With members of rank 1 beside the state: a log-determinant in the norm, a cost along |t|.
Dynamics with_members(DType type) {
  Dynamics dynamics;
  dynamics.members = {{.name = "z", .shape = {kRows, 2, 3}, .dtype = type},
                      {.name = "log_determinant", .shape = {kRows}, .dtype = DType::f64},
                      {.name = "cost",
                       .shape = {kRows},
                       .dtype = DType::f64,
                       .in_error_norm = false,
                       .along_absolute_time = true}};
  dynamics.rates = [](Tensor t, const State& y, auto) {
    const Tensor speed = 1.0 + square(t);
    return State{-y[0] * matched(speed, y[0]), -6.0 * speed + 0.0 * y[1],
                 cast(sum_features(square(y[0])), DType::f64) * speed};
  };
  return dynamics;
}

TEST(SampleLoop, IntegratesMembersOfAllRanks) {
  // u = t + t^3 / 3 counts as time: z = exp(-u), cost the integral of 6 exp(-2u) du.
  const auto u = [](double t) { return t + t * t * t / 3.0; };
  const Values own = {0.0, 1.0, 0.0, -0.7, 0.5, 2.0};
  for (const SaveTimes save : {SaveTimes::exact, SaveTimes::interpolated}) {
    const Solution s = solve_problem(with_members(DType::f64), per_sample(1e-9, save),
                                     Values(18, 1.0), {0.0, 0.0}, {}, 3, test_device(), {}, own);
    ASSERT_TRUE(s.report.ok()) << s.report.message();
    for (std::size_t row = 0; row < 3; ++row) {
      const double length = u(own[2 * row + 1]) - u(own[2 * row]);
      EXPECT_NEAR(s.y[0][6 * row + 5], std::exp(-length), 1e-7);
      EXPECT_NEAR(s.y[0][18 + row], -6.0 * length, 1e-7);
      EXPECT_NEAR(s.y[0][21 + row], 3.0 * std::abs(1.0 - std::exp(-2.0 * length)), 1e-6);
    }
  }
}

TEST(SampleLoop, RefusesWhatEndsABatchAtOneTime) {
  IntegratorRequest request;
  request.until = Until::steady_state;
  const Method method = per_sample(1e-6);
  EXPECT_THROW(setting_of(relaxation(), method)->integrator(relaxation(), method.options, request),
               ConfigError);
}

TEST(SampleLoop, ABatchOfNoSamplesIsDone) {
  const Solution s = solve_problem(relaxation(), per_sample(1e-6), {}, {0.0, 1.0}, {{}}, 0);
  EXPECT_TRUE(s.report.ok());
  EXPECT_EQ(s.report.evaluations, 0);
  EXPECT_TRUE(s.report.by_sample.empty());
}

TEST(SampleLoop, ShowsEachRoundWithItsRows) {
  const Dynamics dynamics = relaxation();
  const Method method = per_sample(1e-6);
  const auto setting = setting_of(dynamics, method);
  const auto integrator = setting->integrator(dynamics, method.options, {});
  Device& device = *test_device();
  const OnDevice start(device, {0.0, 0.0, 0.0}), rate(device, {1.0, 40.0, 1.0});
  const OnDevice end(device, {0.0, 0.0, 0.0});
  const View initial = start.view(), constant = rate.view(), result = end.view();
  const Values times = {0.0, 2.0};
  Values covered(3, 0.0);
  std::vector<std::int64_t> accepted(3, 0);
  std::int64_t rounds = 0;
  std::size_t least = 3;
  const SolveReport report = integrator->integrate({.rows = 3,
                                                    .times = times,
                                                    .initial = std::span(&initial, 1),
                                                    .constants = std::span(&constant, 1),
                                                    .results = std::span(&result, 1),
                                                    .observer = [&](const AcceptedStep& round) {
                                                      EXPECT_EQ(round.index, rounds++);
                                                      least = std::min(least, round.rows.size());
                                                      for (const RowStep& row : round.rows) {
                                                        const auto s =
                                                            static_cast<std::size_t>(row.sample);
                                                        EXPECT_NEAR(row.t, covered[s], 1e-12);
                                                        if (!row.accepted) continue;
                                                        covered[s] = row.t + row.h;
                                                        ++accepted[s];
                                                      }
                                                    }});
  ASSERT_TRUE(report.ok());
  EXPECT_EQ(least, 1U);
  for (std::size_t s = 0; s < 3; ++s) {
    EXPECT_NEAR(covered[s], 2.0, 1e-12);
    EXPECT_EQ(accepted[s], report.by_sample[s].accepted);
  }
}

TEST(SampleLoop, AllocatesNothingOnceItHasSolved) {
  const auto device = std::make_shared<InterpreterDevice>();
  const Dynamics dynamics = relaxation();
  const Method method = per_sample(1e-4);
  const auto setting = setting_of(dynamics, method, device);
  const auto integrator = setting->integrator(dynamics, method.options, {});
  const OnDevice start(*device, Values(4, 0.0)), rate(*device, {1.0, 1.0, 20.0, 1.0});
  const OnDevice end(*device, Values(4, 0.0));
  const View initial = start.view(), constant = rate.view(), result = end.view();
  const Values times = {0.0, 1.0};
  SolveCall call{.rows = 4,
                 .times = times,
                 .initial = std::span(&initial, 1),
                 .constants = std::span(&constant, 1),
                 .results = std::span(&result, 1),
                 .observer = {}};
  EXPECT_TRUE(integrator->integrate(call).ok());
  const int before = device->allocations;
  EXPECT_TRUE(integrator->integrate(call).ok());
  call.rows = 3;
  EXPECT_TRUE(integrator->integrate(call).ok());
  EXPECT_EQ(device->allocations, before);
  EXPECT_NEAR(end.values()[2], relaxed(20.0, 0.0, 1.0), 1e-3);
}

std::string refusal(const Dynamics& dynamics, const Method& method) {
  try {
    setting_of(dynamics, method)->integrator(dynamics, method.options, {});
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "";
}

TEST(SampleLoop, RefusesRatesThatMixSamples) {
  const Dynamics centred = dynamics_of(1, [](Tensor, Tensor z, auto) {
    return broadcast(reshape(mean_rows(z), {1, 1}), z.shape()) - z;
  });
  EXPECT_THAT(refusal(centred, per_sample(1e-6)), HasSubstr("mix samples"));
}

TEST(SampleLoop, RefusesSumsOverSamples) {
  Dynamics summed = relaxation();
  summed.members.push_back({.name = "total", .shape = {1}, .dtype = DType::f64});
  summed.rates = [](Tensor, const State& y, std::span<const Tensor> c) {
    return State{-c[0] * y[0], reshape(sum_rows(y[0]), {1})};
  };
  EXPECT_THAT(refusal(summed, per_sample(1e-6)),
              ::testing::AllOf(HasSubstr("'total'"), HasSubstr("gauss_legendre")));
}

TEST(SampleLoop, RefusesMethodsWithoutStepControl) {
  EXPECT_THAT(refusal(relaxation(), per_sample(1e-6, SaveTimes::exact, "rk4", "constant")),
              HasSubstr("controls its steps"));
}

}  // namespace
}  // namespace odeum::testing
