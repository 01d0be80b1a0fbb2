// SPDX-License-Identifier: Apache-2.0
// Gradients of solves in which every sample has its own steps.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "differentiation.hpp"
#include "odeum/error.hpp"
#include "unwritten_device.hpp"

namespace odeum::testing {
namespace {

using ::testing::HasSubstr;

GradientOf backprop() { return {"backprop", {}}; }

Method stepping(StepSize step_size, double tolerance = 1e-7, const std::string& solver = "dopri5") {
  Method method{solver, "integral", tolerances(tolerance, tolerance)};
  method.options.step_size = step_size;
  return method;
}

/// Oscillators whose rate is each sample's own, with a shared matrix, a log-determinant and a cost.
Dynamics driven() {
  Dynamics d;
  d.members = {{.name = "z", .shape = {kRows, 2}, .dtype = DType::f64},
               {.name = "log_determinant", .shape = {kRows}, .dtype = DType::f64},
               {.name = "cost",
                .shape = {kRows},
                .dtype = DType::f64,
                .in_error_norm = false,
                .along_absolute_time = true}};
  d.constants = {{"theta", {2, 2}, DType::f64}, {"rate", {kRows, 1}, DType::f64}};
  d.rates = [](Tensor t, const State& y, std::span<const Tensor> c) {
    const Tensor push = c[1] * dot("ri,oi->ro", sin(y[0]), c[0]) + matched(cos(t), y[0]);
    return State{push, sum_features(cos(y[0])), 0.5 * sum_features(square(push))};
  };
  return d;
}

struct Batch {
  std::int64_t rows;
  Values times = {0.0, 0.3, 0.3, 1.0};
  Values row_times;
  std::vector<Values> initial, constants;
  std::vector<std::vector<Values>> cotangents;

  explicit Batch(std::int64_t samples = 7) : rows(samples) {
    const auto n = static_cast<std::size_t>(rows);
    const auto wave = [](std::size_t count, double phase) {
      Values v(count);
      for (std::size_t i = 0; i < count; ++i) v[i] = std::sin(1.7 * static_cast<double>(i) + phase);
      return v;
    };
    initial = {wave(2 * n, 0.3), wave(n, 0.6), Values(n, 0.0)};
    Values rate;
    for (int i = 0; i < rows; ++i) rate.push_back(0.3 * std::pow(2.0, (3 * i) % 7));
    constants = {{-0.3, 1.0, -1.0, -0.2}, rate};
    for (int k = 0; k < 3; ++k) {
      cotangents.push_back({wave(2 * n, 0.7 + k), wave(n, 0.1 + k), wave(n, 0.2 + k)});
    }
  }
  Batch sample(std::int64_t row) const {
    Batch one = *this;
    one.rows = 1;
    const auto part = [&](const Values& all) {
      const auto width = static_cast<std::int64_t>(all.size()) / rows;
      return Values(all.begin() + row * width, all.begin() + (row + 1) * width);
    };
    for (Values& v : one.initial) v = part(v);
    one.constants[1] = part(constants[1]);
    for (auto& at : one.cotangents) {
      for (Values& v : at) v = part(v);
    }
    one.row_times.clear();
    if (!row_times.empty()) one.times = part(row_times);
    return one;
  }
  Gradients gradients(const Method& method, int repeats = 1) const {
    return differentiate(backprop(), driven(), method, initial, times, constants, cotangents, rows,
                         test_device(), repeats, row_times);
  }
};

/// The batch's gradients against those of its samples alone, by the loop with a shared step.
void expect_as_alone(const Batch& batch, const std::string& solver) {
  const Gradients all = batch.gradients(stepping(StepSize::per_sample, 1e-7, solver));
  ASSERT_TRUE(all.forward.ok()) << all.forward.message();
  ASSERT_TRUE(all.backward.ok());
  Values theta(4, 0.0), times(batch.times.size(), 0.0);
  std::int64_t steps = 0;
  // Two programs for the same steps: rounding, amplified by the field.
  const auto near = [](double value, double truth) {
    EXPECT_NEAR(value, truth, 1e-9 * (1.0 + std::abs(truth)));
  };
  for (std::int64_t row = 0; row < batch.rows; ++row) {
    SCOPED_TRACE("sample " + std::to_string(row));
    const auto r = static_cast<std::size_t>(row);
    const Gradients one = batch.sample(row).gradients(stepping(StepSize::shared, 1e-7, solver));
    EXPECT_EQ(all.forward.by_sample[r].accepted, one.forward.accepted);
    steps = std::max(steps, one.forward.accepted);
    for (std::size_t i = 0; i < 2; ++i) near(all.initial[0][2 * r + i], one.initial[0][i]);
    near(all.initial[1][r], one.initial[1][0]);
    near(all.constants[1][r], one.constants[1][0]);
    for (std::size_t i = 0; i < 4; ++i) theta[i] += one.constants[0][i];
    for (std::size_t i = 0; i < times.size(); ++i) {
      times[i] += one.times[i];
      if (!batch.row_times.empty()) near(all.row_times[r * times.size() + i], one.times[i]);
    }
  }
  for (std::size_t i = 0; i < 4; ++i) near(all.constants[0][i], theta[i]);
  for (std::size_t i = 0; i < times.size() && batch.row_times.empty(); ++i) {
    near(all.times[i], times[i]);
  }
}

TEST(SampleGradient, OfABatchIsThatOfItsSamples) {
  for (const char* solver : {"dopri5", "tsit5", "bosh3", "vern7", "adams_moulton"}) {
    SCOPED_TRACE(solver);
    expect_as_alone(Batch(), solver);
  }
}

TEST(SampleGradient, ReachesEachSamplesOwnTimes) {
  Batch batch;
  batch.row_times.clear();
  for (int row = 0; row < batch.rows; ++row) {
    const double from = 0.1 * row, length = row % 2 == 0 ? 0.9 : -0.6;
    for (const double share : {0.0, 0.5, 0.5, 1.0})
      batch.row_times.push_back(from + share * length);
  }
  // One of no length: its result's cotangents are its start's.
  for (std::size_t i = 16; i < 20; ++i) batch.row_times[i] = 2.0;
  expect_as_alone(batch, "dopri5");
}

TEST(SampleGradient, ReadsNothingOfASampleOfNoLengthThatWasNotWritten) {
  Batch batch;
  for (int row = 0; row < batch.rows; ++row) {
    for (const double share : {0.0, 0.5, 0.5, 1.0})
      batch.row_times.push_back(row == 1 ? 2.0 : 0.2 * share);
  }
  const Gradients g =
      differentiate(backprop(), driven(), stepping(StepSize::per_sample), batch.initial,
                    batch.times, batch.constants, batch.cotangents, batch.rows,
                    std::make_shared<UnwrittenDevice>(), 1, batch.row_times);
  ASSERT_TRUE(g.forward.ok()) << g.forward.message();
  for (const Values& slopes : g.constants) {
    for (const double slope : slopes) EXPECT_TRUE(std::isfinite(slope));
  }
}

TEST(SampleGradient, GoesThroughTheStartsBehindJumps) {
  // z' = theta z before t = 1 and 2 theta z behind it; steps end at 0.4, too.
  const Dynamics steeper =
      dynamics_of(1,
                  [](Tensor t, Tensor z, auto c) {
                    return c[0] * z * matched(2.0 - less(t, full(t, {1}, 1.0)), z);
                  },
                  {{"theta", {1}, DType::f64}});
  Method method = stepping(StepSize::per_sample, 1e-10);
  method.options.jump_times = {1.0};
  method.options.step_times = {0.4};
  const Values own = {0.0, 1.5, 0.5, 2.0, 1.2, 0.7}, length = {2.0, 2.5, -0.7};
  const double theta = 0.3;
  Values ends;
  double of_theta = 0.0;
  for (std::size_t i = 0; i < 3; ++i) {
    ends.push_back(std::exp(theta * length[i]));
    of_theta += length[i] * ends[i];
  }
  const Gradients g = differentiate(backprop(), steeper, method, {{1.0, 1.0, 1.0}}, {0.0, 0.0},
                                    {{theta}}, {{{1.0, 1.0, 1.0}}}, 3, test_device(), 1, own);
  ASSERT_TRUE(g.forward.ok()) << g.forward.message();
  EXPECT_NEAR(g.constants[0][0], of_theta, 1e-8);
  const Values slopes = {1.0, 2.0, 1.0, 2.0, 2.0, 1.0};
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_NEAR(g.initial[0][i], ends[i], 1e-8);
    EXPECT_NEAR(g.row_times[2 * i], -theta * slopes[2 * i] * ends[i], 1e-8);
    EXPECT_NEAR(g.row_times[2 * i + 1], theta * slopes[2 * i + 1] * ends[i], 1e-8);
  }
}

TEST(SampleGradient, IsTheSameOnEveryRepetition) {
  const Batch batch;
  const Gradients once = batch.gradients(stepping(StepSize::per_sample));
  const Gradients thrice = batch.gradients(stepping(StepSize::per_sample), 3);
  EXPECT_EQ(once.constants, thrice.constants);
  EXPECT_EQ(once.initial, thrice.initial);
  EXPECT_EQ(once.times, thrice.times);
}

// conformance.md, section 5: dz/dt = a z, L = z(T)^2.
TEST(SampleGradient, OfLinearGrowthIsTheClosedForm) {
  const double a = 0.2, end = 3.0;
  const Dynamics growth = dynamics_of(1, [](Tensor, Tensor z, auto c) { return c[0] * z; },
                                      {{"theta", {1}, DType::f64}});
  const Values z0 = {10.0, -1.0, 0.01};
  Values seeds;
  double theta = 0.0;
  for (const double z : z0) {
    seeds.push_back(2.0 * z * std::exp(a * end));
    theta += end * seeds.back() * seeds.back() / 2.0;
  }
  const Gradients g = differentiate(backprop(), growth, stepping(StepSize::per_sample, 1e-10), {z0},
                                    {0.0, end}, {{a}}, {{seeds}}, 3);
  EXPECT_NEAR(g.constants[0][0] / theta, 1.0, 1e-8);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_NEAR(g.initial[0][i] / (seeds[i] * std::exp(a * end)), 1.0, 1e-8);
  }
}

// Methods whose equations are each sample's own find the gradient of the solution, backprop that of
// the steps taken: equal to the tolerance, amplified by the span.
TEST(SampleGradient, OfEquationsBySampleAgreesWithBackprop) {
  Batch batch;
  const Method method = stepping(StepSize::per_sample, 1e-10);
  const Gradients exact = batch.gradients(method);
  const std::vector<GradientOf> methods = {{"gauss_legendre", {{"nodes", std::string("adaptive")}}},
                                           {"forward", {}}};
  for (const GradientOf& gradient : methods) {
    SCOPED_TRACE(gradient.plugin);
    const Gradients g = differentiate(gradient, driven(), method, batch.initial, batch.times,
                                      batch.constants, batch.cotangents, batch.rows);
    ASSERT_TRUE(g.forward.ok()) << g.forward.message();
    ASSERT_TRUE(g.backward.ok()) << g.backward.message();
    for (std::size_t c = 0; c < 2; ++c) {
      for (std::size_t i = 0; i < exact.constants[c].size(); ++i) {
        EXPECT_NEAR(g.constants[c][i], exact.constants[c][i],
                    1e-6 * (1.0 + std::abs(exact.constants[c][i])));
      }
    }
    for (std::size_t i = 0; i < exact.initial[0].size(); ++i) {
      EXPECT_NEAR(g.initial[0][i], exact.initial[0][i],
                  1e-6 * (1.0 + std::abs(exact.initial[0][i])));
    }
  }
}

TEST(SampleGradient, KeepsNoMoreThanTheRowsUnderWay) {
  Batch batch(200);
  batch.constants[1].assign(200, 0.3);
  batch.constants[1][83] = 40.0;
  const Gradients g = batch.gradients(stepping(StepSize::per_sample));
  ASSERT_TRUE(g.forward.ok());
  const SampleReport& slow = g.forward.by_sample[83];
  EXPECT_GT(slow.accepted, 8 * g.forward.by_sample[0].accepted);
  EXPECT_LE(g.backward.accepted, slow.accepted + slow.rejected);
  // State, log-determinant, cost and their rates of every sample at every step of the slow one.
  const std::size_t all = static_cast<std::size_t>(g.backward.accepted) * 200 * 8 * sizeof(double);
  EXPECT_LT(5 * g.kept_bytes, all);
}

std::string refusal(const GradientOf& gradient) {
  const Method method = stepping(StepSize::per_sample);
  return component<GradientMethod>("gradient", gradient.plugin, gradient.keys)
      ->refusal(*component<Solver>("solver", method.solver), method.options, driven());
}

TEST(SampleGradient, SaysWhatCannotBeKeptAndWhatCannotBeSummed) {
  EXPECT_EQ(refusal(backprop()), "");
  EXPECT_THAT(refusal({"backprop", {{"keep", std::string("residuals")}}}),
              HasSubstr("keep: steps"));
  EXPECT_THAT(refusal({"adjoint", {}}), HasSubstr("sum over all samples at one time"));
}

}  // namespace
}  // namespace odeum::testing
