// SPDX-License-Identifier: Apache-2.0
// What the steps of explicit solvers cost, and that every sample may take its own.
#include <gtest/gtest.h>

#include <cmath>

#include "problem.hpp"
#include "program/interpreter.hpp"
#include "solve/rates.hpp"

namespace odeum::testing {
namespace {

Dynamics swing() {
  return dynamics_of(1, [](Tensor t, Tensor z, auto) { return z * cos(t); });
}

TEST(Vern7, EvaluatesTheStagesOfItsDenseOutputWhereItIsWantedAlone) {
  const Solution ends =
      solve_problem(swing(), {"vern7", "constant", given_step(0.25)}, {1.0}, {0.0, 1.0});
  EXPECT_EQ(ends.report.evaluations, 1 + 4 * 10);
  const Solution inside =
      solve_problem(swing(), {"vern7", "constant", given_step(0.25), SaveTimes::interpolated},
                    {1.0}, {0.0, 0.6, 1.0});
  EXPECT_EQ(inside.report.evaluations, 1 + 4 * 15);
  EXPECT_EQ(inside.y[1], ends.y[0]);
}

TEST(FirstSameAsLast, CostsNoStageMoreThanThePublishedTableau) {
  const std::pair<const char*, std::int64_t> stages[] = {
      {"adaptive_heun", 2}, {"ralston", 2}, {"heun3", 3}, {"fehlberg32", 3}};
  for (const auto& [solver, each] : stages) {
    const Solution s =
        solve_problem(swing(), {solver, "constant", given_step(0.25)}, {1.0}, {0.0, 1.0});
    EXPECT_EQ(s.report.evaluations, 4 * each) << solver;
  }
  const std::pair<const char*, std::int64_t> reusing[] = {
      {"fehlberg45", 6}, {"cash_karp", 6}, {"dopri8", 13}};
  for (const auto& [solver, each] : reusing) {
    const Solution s =
        solve_problem(swing(), {solver, "constant", given_step(0.25)}, {1.0}, {0.0, 1.0});
    EXPECT_EQ(s.report.evaluations, 1 + 4 * each) << solver;
  }
}

/// Three steps of given lengths from t = 0 of a field that sees time, with a log-density beside it;
/// one length for all rows, or one for each. Results: z, log-density, dense output at 0.3 of the
/// last step.
std::vector<program::Array> three_steps(const Solver& solver, const std::vector<Values>& lengths,
                                        const Values& z) {
  Dynamics dynamics;
  dynamics.members = {{.name = "z", .shape = {kRows, 2}, .dtype = DType::f64},
                      {.name = "log_density", .shape = {kRows}, .dtype = DType::f64}};
  dynamics.rates = [](Tensor t, const State& y, auto) {
    const Tensor time = t.shape().has_rows() ? reshape(t, {kRows, 1}) : t;
    const auto [a, b] = split<1, 1>(y[0]);
    return State{concat({b, -sin(a) * (1.0 + time)}), sum_features(square(a) * cos(time))};
  };
  const SolveOptions options;
  const bool own = lengths[0].size() > 1;
  Recording recording;
  const Shape scalar = own ? Shape{kRows} : Shape{1};
  std::vector<Tensor> h;
  for (std::size_t i = 0; i < 3; ++i) h.push_back(recording.input("h", scalar, DType::f64));
  const Tensor start = recording.input("z", {kRows, 2}, DType::f64);
  StepInputs in;
  in.t = zeros_like(h[0]);
  in.y = {start, full(start, {kRows}, 0.0)};
  solve::CountedRates rates(dynamics, options, {});
  const Tensor t0 = recording.input("t0", scalar, DType::f64);
  in.t = t0;
  in.carry = solver.start(rates, in.t, in.y);
  State inside;
  for (std::size_t i = 0; i < 3; ++i) {
    in.h = h[i];
    const StepOutputs out = solver.step(rates, in);
    inside = solver.interpolate(full(start, {1}, 0.3, DType::f64), in, out);
    in.t = in.t + in.h;
    in.y = out.y;
    in.carry = out.carry;
  }
  std::vector<Tensor> outputs = in.y;
  outputs.insert(outputs.end(), inside.begin(), inside.end());
  const auto rows = static_cast<std::int64_t>(z.size() / 2);
  const auto extent = static_cast<std::int64_t>(lengths[0].size());
  std::vector<program::Array> arrays;
  for (const Values& values : lengths)
    arrays.push_back(program::Array::of(DType::f64, {extent}, values));
  arrays.push_back(program::Array::of(DType::f64, {rows, 2}, z));
  arrays.push_back(program::Array::of(DType::f64, {extent}, Values(lengths[0].size(), 0.0)));
  return program::interpret(recording.program(outputs), rows, arrays);
}

class EveryStep : public ::testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Solvers, EveryStep,
                         ::testing::Values("dopri8", "vern7", "fehlberg32", "adams_bashforth",
                                           "adams_moulton", "semi_implicit_euler", "leapfrog",
                                           "reversible_heun"),
                         [](const auto& solver) { return std::string(solver.param); });

TEST_P(EveryStep, MayBeOfItsOwnLengthForEverySample) {
  const auto solver = component<Solver>("solver", GetParam());
  const std::vector<Values> lengths = {{0.1, 0.2}, {0.15, 0.05}, {0.05, 0.3}};
  const auto together = three_steps(*solver, lengths, {1.0, 0.5, -0.3, 0.8});
  for (std::size_t row = 0; row < 2; ++row) {
    std::vector<Values> own;
    for (const Values& h : lengths) own.push_back({h[row]});
    const Values z = row == 0 ? Values{1.0, 0.5} : Values{-0.3, 0.8};
    const auto alone = three_steps(*solver, own, z);
    for (std::size_t i = 0; i < alone.size(); ++i) {
      const std::size_t each = alone[i].values.size();
      for (std::size_t k = 0; k < each; ++k) {
        EXPECT_NEAR(together[i].values[row * each + k], alone[i].values[k], 1e-15) << i;
      }
    }
  }
}

}  // namespace
}  // namespace odeum::testing
