// SPDX-License-Identifier: Apache-2.0
// CVODE in tests: one of its forms with everything a solve needs. Skipped where SUNDIALS was not
// found.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>

#include "differentiation.hpp"
#include "problems.hpp"

namespace odeum::testing {

using Keys = std::map<std::string, Config::Value>;

inline bool cvode_is_here() {
  return std::filesystem::exists(std::string(std::getenv("ODEUM_PLUGIN_PATH")) +
                                 "/solver/cvode.so");
}

inline const Keys kBdf = {}, kKrylov = {{"linear_solver", std::string("krylov")}},
                  kAdams = {{"method", std::string("adams")}};

/// One of CVODE's forms with everything a solve needs.
struct Form {
  Keys keys;
  SolveOptions options;
  SaveTimes save = SaveTimes::exact;
};

inline std::unique_ptr<SolveSetting> cvode_setting(const Dynamics& dynamics, const Form& form) {
  return solve::make_setting(dynamics, component<Solver>("solver", "cvode", form.keys),
                             component<Controller>("controller", "integral"), form.options,
                             test_device());
}

inline Solution solve_by(const Form& form, const Dynamics& dynamics, const Values& initial,
                         const Values& times, const std::vector<Values>& constants = {},
                         std::int64_t rows = 1) {
  return solve_with(cvode_setting(dynamics, form), dynamics, form.options, form.save, initial,
                    times, constants, rows);
}

inline Form tight(const Keys& keys, SaveTimes save = SaveTimes::exact) {
  return {keys, tolerances(1e-9, 1e-9), save};
}

class Cvode : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!cvode_is_here()) GTEST_SKIP() << "no SUNDIALS here";
  }
};

inline Dynamics decay() {
  return dynamics_of(1, [](Tensor, Tensor z, auto) { return -z; });
}

// CVODE controls errors of steps, which add up: a thousand tolerances over these spans.
inline constexpr double kAccumulated = 1000.0;

/// Rows of different stiffness with a log-density and a cost beside them.
inline Dynamics with_quadratures(DType type = DType::f64) {
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
inline const Values kTheta = {30.0, 0.5};
inline const Values kThreeRows = {0.2, 1.0, -0.4, 0.8, 1.5, -1.0};

}  // namespace odeum::testing
