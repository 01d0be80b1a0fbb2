// SPDX-License-Identifier: Apache-2.0
// Methods that preserve structure: steps that can be undone, energies that do not drift.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "problem.hpp"
#include "solve/rates.hpp"

namespace odeum::testing {
namespace {

using ::testing::HasSubstr;

/// z = (angle, rate), energy rate^2/2 - cos(angle).
Dynamics pendulum() {
  return dynamics_of(2, [](Tensor, Tensor z, auto) {
    const auto [angle, rate] = split<1, 1>(z);
    return concat({rate, -sin(angle)});
  });
}
double energy(const Values& z) { return 0.5 * z[1] * z[1] - std::cos(z[0]); }

/// A pendulum whose length swings, with the accumulated divergence of a damping and a cost.
Dynamics driven_pendulum() {
  Dynamics d = pendulum();
  d.members.push_back({.name = "log_density", .shape = {kRows}, .dtype = DType::f64});
  d.members.push_back({.name = "cost",
                       .shape = {kRows},
                       .dtype = DType::f64,
                       .in_error_norm = false,
                       .along_absolute_time = true});
  d.rates = [](Tensor t, const State& y, auto) {
    const auto [angle, rate] = split<1, 1>(y[0]);
    const Tensor damping = 0.1 * square(angle);
    const Tensor f = concat({rate, -sin(angle) * (1.0 + 0.3 * cos(t)) - damping * rate});
    return State{f, sum_features(damping), sum_features(square(f))};
  };
  return d;
}

struct Reversible {
  const char* solver;
  std::map<std::string, Config::Value> keys;
};

/// Records (t, h, members, carry) to (members, carry) of a step, or of its undoing.
struct Walk {
  std::unique_ptr<Executable> start, step, undo;
  std::size_t members = 0, state = 0;

  Walk(const Dynamics& dynamics, const Reversible& method) {
    const auto solver = component<Solver>("solver", method.solver, method.keys);
    const SolveOptions options;
    members = dynamics.members.size();
    std::vector<Shape> carried;
    {
      Recording recording;
      const Tensor t = recording.input("t", {1}, DType::f64);
      const State y = declare(recording, dynamics);
      solve::CountedRates rates(dynamics, options, {});
      const std::vector<Tensor> carry = solver->start(rates, t, y);
      for (const Tensor& c : carry) carried.push_back(c.shape());
      start = test_device()->compile(optimize(recording.program(carry)),
                                     {.name = "start", .outputs = {}});
    }
    state = members + carried.size();
    for (auto* program : {&step, &undo}) {
      Recording recording;
      StepInputs in;
      in.t = recording.input("t", {1}, DType::f64);
      in.h = recording.input("h", {1}, DType::f64);
      in.y = declare(recording, dynamics);
      for (const Shape& shape : carried) {
        in.carry.push_back(recording.input("carry", shape, DType::f64));
      }
      solve::CountedRates rates(dynamics, options, {});
      const StepOutputs out = program == &step ? solver->step(rates, in) : solver->undo(rates, in);
      std::vector<Tensor> outputs = out.y;
      outputs.insert(outputs.end(), out.carry.begin(), out.carry.end());
      *program = test_device()->compile(optimize(recording.program(outputs)),
                                        {.name = "step", .outputs = {}});
    }
  }
  static State declare(Recording& recording, const Dynamics& dynamics) {
    State y;
    for (const Member& m : dynamics.members) y.push_back(recording.input(m.name, m.shape, m.dtype));
    return y;
  }
  static std::vector<Values> run(Executable& program, const std::vector<Values>& inputs,
                                 const std::vector<std::size_t>& sizes) {
    Device& device = *test_device();
    std::vector<OnDevice> in, out;
    std::vector<View> in_views, out_views;
    for (const Values& v : inputs) in.emplace_back(device, v);
    for (const std::size_t n : sizes) out.emplace_back(device, Values(n, 0.0));
    for (const OnDevice& v : in) in_views.push_back(v.view());
    for (const OnDevice& v : out) out_views.push_back(v.view());
    program.run(1, in_views, out_views);
    std::vector<Values> result;
    for (const OnDevice& v : out) result.push_back(v.values());
    return result;
  }
};

class EveryReversible : public ::testing::TestWithParam<Reversible> {};
INSTANTIATE_TEST_SUITE_P(Methods, EveryReversible,
                         ::testing::Values(Reversible{"leapfrog", {}},
                                           Reversible{"leapfrog", {{"eta", 0.9}}},
                                           Reversible{"reversible_heun", {}}),
                         [](const auto& method) {
                           return method.param.solver + std::to_string(method.index);
                         });

TEST_P(EveryReversible, ComesBackToWhereItBeganFromAHundredSteps) {
  const Dynamics dynamics = driven_pendulum();
  EXPECT_TRUE(component<Solver>("solver", GetParam().solver)->reversible());
  Walk walk(dynamics, GetParam());
  std::vector<std::size_t> sizes = {2, 1, 1};
  // A velocity of each member; or the companion of z, and all rates.
  std::vector<std::size_t> carried = sizes;
  if (std::string(GetParam().solver) == "reversible_heun") carried = {2, 2, 1, 1};
  ASSERT_EQ(carried.size() + walk.members, walk.state);
  std::vector<Values> state = {{1.0, 0.5}, {0.0}, {0.0}};
  std::vector<Values> arguments = state;
  arguments.insert(arguments.begin(), Values{0.0});
  for (const Values& c : Walk::run(*walk.start, arguments, carried)) state.push_back(c);
  sizes.insert(sizes.end(), carried.begin(), carried.end());
  const std::vector<Values> began = state;

  // Steps of changing length, forth and back.
  Values t = {0.0};
  Values h;
  for (int i = 0; i < 100; ++i) {
    h.push_back(0.05 + 0.03 * std::sin(0.7 * i));
    arguments = state;
    arguments.insert(arguments.begin(), {{t.back()}, {h.back()}});
    state = Walk::run(*walk.step, arguments, sizes);
    t.push_back(t.back() + h.back());
  }
  EXPECT_GT(std::abs(state[0][0] - began[0][0]), 0.1);
  for (int i = 99; i >= 0; --i) {
    arguments = state;
    const auto at = static_cast<std::size_t>(i);
    arguments.insert(arguments.begin(), {{t[at + 1]}, {h[at]}});
    state = Walk::run(*walk.undo, arguments, sizes);
  }
  // With eta 0.9 undoing magnifies the velocity's roundings by 1 / (2 eta - 1) a step: 5e9 in all.
  const double roundings = GetParam().keys.empty() ? 1e-12 : 1e-4;
  for (std::size_t m = 0; m < state.size(); ++m) {
    for (std::size_t i = 0; i < state[m].size(); ++i) {
      EXPECT_NEAR(state[m][i], began[m][i], roundings) << "value " << m;
    }
  }
}

TEST(SemiImplicitEuler, KeepsTheEnergyOfAPendulumThatEulerLosesTrackOf) {
  const Values start = {1.0, 0.0};
  Values times = {0.0};
  for (int i = 1; i <= 1000; ++i) times.push_back(0.1 * i * 10);
  const auto drift = [&](const char* solver) {
    const Solution s =
        solve_problem(pendulum(), {solver, "constant", given_step(0.05)}, start, times);
    double worst = 0.0;
    for (const Values& z : s.y) worst = std::max(worst, std::abs(energy(z) - energy(start)));
    return worst;
  };
  // Its modified energy differs from the energy by h/2 rate angle'' <= h/2 sqrt(2) or so.
  EXPECT_LT(drift("semi_implicit_euler"), 0.03);
  EXPECT_GT(drift("euler"), 1.0);
}

TEST(SemiImplicitEuler, TakesNewVelocitiesForItsPositions) {
  const Solution s = solve_problem(pendulum(), {"semi_implicit_euler", "constant", given_step(0.5)},
                                   {1.0, 0.25}, {0.0, 0.5});
  const double rate = 0.25 - 0.5 * std::sin(1.0);
  EXPECT_DOUBLE_EQ(s.y[0][1], rate);
  EXPECT_DOUBLE_EQ(s.y[0][0], 1.0 + 0.5 * rate);
}

TEST(SemiImplicitEuler, RefusesStatesWithoutHalves) {
  const auto solver = component<Solver>("solver", "semi_implicit_euler");
  EXPECT_EQ(solver->refusal(pendulum()), "");
  const Dynamics odd = dynamics_of(3, [](Tensor, Tensor z, auto) { return -z; });
  EXPECT_THAT(solver->refusal(odd), HasSubstr("cannot be halved"));
}

TEST(ReversibleMethods, KeepTheEnergyOfAPendulum) {
  for (const char* solver : {"leapfrog", "reversible_heun"}) {
    Values times = {0.0};
    for (int i = 1; i <= 200; ++i) times.push_back(5.0 * i);
    const Values start = {1.0, 0.0};
    const Solution s =
        solve_problem(pendulum(), {solver, "constant", given_step(0.02)}, start, times);
    double worst = 0.0;
    for (const Values& z : s.y) worst = std::max(worst, std::abs(energy(z) - energy(start)));
    EXPECT_LT(worst, 0.01) << solver;
  }
}

// With eta < 1 the velocity lags by (1 - eta) / (2 eta) h z'', so the order is one.
TEST(Leapfrog, IsOfOrderOneWhereItIsDamped) {
  const Dynamics growth = dynamics_of(1, [](Tensor, Tensor z, auto) { return 1.0 * z; });
  Values errors;
  for (const std::int64_t steps : {100, 200}) {
    SolveOptions options;
    options.steps = steps;
    const Method damped{"leapfrog", "constant", options, SaveTimes::exact, {{"eta", 0.8}}};
    errors.push_back(
        std::abs(solve_problem(growth, damped, {1.0}, {0.0, 1.0}).y[0][0] - std::exp(1.0)));
  }
  EXPECT_NEAR(std::log2(errors[0] / errors[1]), 1.0, 0.05);
  const Method method{"leapfrog", "constant", given_step(0.1), SaveTimes::exact, {{"eta", 0.8}}};
  EXPECT_EQ(component<Solver>("solver", "leapfrog", method.keys)->order(), 1);
  EXPECT_EQ(component<Solver>("solver", "leapfrog")->order(), 2);
}

// Both methods are stable on the imaginary axis alone: they end with a status where another one is
// needed, and say so.
TEST(ReversibleMethods, EndWithAStatusOnSolutionsThatDecay) {
  const Dynamics decay = dynamics_of(1, [](Tensor, Tensor z, auto) { return -z; });
  for (const char* solver : {"leapfrog", "reversible_heun"}) {
    SolveOptions options = tolerances(1e-5, 1e-5);
    options.max_steps = 5000;
    const Solution s = solve_problem(decay, {solver, "integral", options}, {1.0}, {0.0, 20.0});
    EXPECT_EQ(s.report.status, Status::max_steps) << solver;
    EXPECT_THAT(s.report.message(), HasSubstr("stiff for an explicit method"));
  }
  const Method damped{
      "leapfrog", "integral", tolerances(1e-5, 1e-5), SaveTimes::exact, {{"eta", 0.7}}};
  const Solution s = solve_problem(decay, damped, {1.0}, {0.0, 20.0});
  ASSERT_TRUE(s.report.ok()) << s.report.message();
  EXPECT_NEAR(s.y[0][0], 0.0, 1e-4);
}

// Undamped, leapfrog's velocity shakes without end where the solution has died out.
TEST(Leapfrog, SettlesOnDecayingSolutionsWhereItIsDamped) {
  const Dynamics decay = dynamics_of(1, [](Tensor, Tensor z, auto) { return -4.0 * z; });
  const auto end = [&](double eta) {
    const Method method{"leapfrog", "constant", given_step(0.1), SaveTimes::exact, {{"eta", eta}}};
    return std::abs(solve_problem(decay, method, {1.0}, {0.0, 40.0}).y[0][0]);
  };
  EXPECT_GT(end(1.0), 1.0);
  EXPECT_LT(end(0.7), 1e-6);
}

// Kepler's orbit of eccentricity 0.1 (conformance.md, section 1, D1).
TEST(ReversibleMethods, FollowAToleranceWithTheirErrorEstimates) {
  const Dynamics kepler = dynamics_of(4, [](Tensor, Tensor z, auto) {
    const auto [x, y, u, v] = split<1, 1, 1, 1>(z);
    const Tensor r2 = x * x + y * y, r3 = r2 * sqrt(r2);
    return concat({u, v, -x / r3, -y / r3});
  });
  const Values truth = {0.2198835352008397, 0.9427076846341813, -0.9787659841058177,
                        0.3287977990962036};
  for (const char* solver : {"leapfrog", "reversible_heun"}) {
    const double tolerance = 1e-5;
    const Solution s = solve_problem(kepler, {solver, "integral", tolerances(tolerance, tolerance)},
                                     {0.9, 0.0, 0.0, std::sqrt(1.1 / 0.9)}, {0.0, 20.0});
    ASSERT_TRUE(s.report.ok()) << s.report.message();
    // The orbit's phase grows a small change eightyfold until then.
    for (std::size_t i = 0; i < 4; ++i) EXPECT_NEAR(s.y[0][i], truth[i], 500 * 80 * tolerance);
  }
}

}  // namespace
}  // namespace odeum::testing
