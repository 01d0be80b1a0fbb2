// SPDX-License-Identifier: Apache-2.0
// Solves whose attempts a device is given in rows, against the same with attempts one by one: the
// bits are the same, on any device.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "solve/flow_problem.hpp"

namespace odeum::testing {

/// One line a field of a report that an attempt more, less, or elsewhere would change.
inline std::vector<double> numbers_of(const SolveReport& r) {
  const auto number = [](auto n) { return static_cast<double>(n); };
  return {number(static_cast<int>(r.status)),
          r.t,
          r.h,
          number(r.sample),
          number(r.component),
          r.error_ratio,
          number(r.evaluations),
          number(r.accepted),
          number(r.rejected),
          number(r.reached),
          number(r.row_evaluations)};
}

/// Van der Pol's oscillator, mu = 5: attempts are rejected at every turn.
inline Dynamics turning() {
  return dynamics_of(2, [](Tensor, Tensor z, auto) {
    const Tensor x = slice(z, 1, 0, 1), v = slice(z, 1, 1, 2);
    return concat({v, 5.0 * (1.0 - x * x) * v - x}, 1);
  });
}

struct RowCase {
  std::string name;
  Method method;
  Values times = {0.0, 8.0};
};

inline std::vector<RowCase> row_cases() {
  const auto with = [](auto change) {
    SolveOptions options = tolerances(1e-6, 1e-6);
    change(options);
    return options;
  };
  const auto plain = with([](SolveOptions&) {});
  const auto given = [](auto change) {
    SolveOptions options;
    change(options);
    return options;
  };
  return {
      {"one time", {"dopri5", "integral", plain}},
      {"backwards", {"tsit5", "pi", plain}, {0.0, -2.0}},
      {"pi", {"dopri5", "pi", plain}},
      {"pid", {"bosh3", "pid", plain}, {0.0, 3.0}},
      {"times to land on", {"dopri5", "integral", plain}, {0.0, 1.0, 1.25, 4.0, 4.5, 5.0, 8.0}},
      {"saved within steps",
       {"dopri5", "integral", plain, SaveTimes::interpolated},
       {0.0, 0.01, 0.02, 2.0, 3.5, 3.6, 8.0}},
      {"limits", {"dopri5", "integral", with([](SolveOptions& o) { o.max_step = 0.05; })}},
      {"clipped", {"heun", "integral", with([](SolveOptions& o) {
                     o.min_step = 0.02;
                     o.at_min_step = AtMinStep::clip;
                   })}},
      {"stops", {"dopri5", "pi", with([](SolveOptions& o) {
                   o.step_times = {0.5, 3.0};
                   o.jump_times = {1.5, 6.0};
                 })}},
      {"no more attempts", {"dopri5", "integral", with([](SolveOptions& o) { o.max_steps = 37; })}},
      {"too small", {"dopri5", "integral", with([](SolveOptions& o) { o.min_step = 0.05; })}},
      {"implicit", {"kvaerno3", "integral", plain}, {0.0, 2.0}},
      {"given number", {"kutta38", "integral", given([](SolveOptions& o) { o.steps = 100; })}},
      {"given step",
       {"rk4", "constant", given([](SolveOptions& o) { o.step = 0.03; })},
       {0.0, 1.0, 1.01, 8.0}},
      {"given, saved within steps",
       {"dopri5", "integral", given([](SolveOptions& o) { o.step = 0.03; }),
        SaveTimes::interpolated},
       {0.0, 0.01, 0.02, 2.0, 8.0}},
      {"given, with stops", {"rk4", "constant", given([](SolveOptions& o) {
                               o.steps = 40;
                               o.step_times = {0.5};
                               o.jump_times = {1.5, 6.0};
                             })}},
  };
}

inline void expect_same(const Solution& one, const Solution& row, const std::string& what) {
  EXPECT_EQ(row.y, one.y) << what;
  EXPECT_EQ(row.t, one.t) << what;
  EXPECT_EQ(row.h, one.h) << what;
  EXPECT_EQ(numbers_of(row.report), numbers_of(one.report)) << what;
  EXPECT_EQ(row.report.message(), one.report.message()) << what;
}

inline Solution in_rows(const RowCase& one, std::int64_t steps_at_once,
                        const std::shared_ptr<Device>& device) {
  Method method = one.method;
  method.steps_at_once = steps_at_once;
  return solve_problem(turning(), method, {2.0, 0.0, -1.0, 0.5}, one.times, {}, 2, device);
}

inline void expect_same(const Gradients& one, const Gradients& row, const std::string& what) {
  EXPECT_TRUE(one.forward.ok() && one.backward.ok()) << what;
  EXPECT_EQ(row.y, one.y) << what;
  EXPECT_EQ(row.initial, one.initial) << what;
  EXPECT_EQ(row.constants, one.constants) << what;
  EXPECT_EQ(row.times, one.times) << what;
  EXPECT_EQ(numbers_of(row.forward), numbers_of(one.forward)) << what;
  EXPECT_EQ(numbers_of(row.backward), numbers_of(one.backward)) << what;
}

/// The flow's gradient, the second time in the same memory.
inline Gradients gradient_in_rows(const GradientOf& gradient, Method method,
                                  std::int64_t steps_at_once,
                                  const std::shared_ptr<Device>& device) {
  const FlowProblem flow;
  method.steps_at_once = steps_at_once;
  return differentiate(gradient, regularized_flow(), method, flow.initial, flow.times,
                       flow.constants, flow.cotangents, flow.rows, device, 2);
}

}  // namespace odeum::testing
