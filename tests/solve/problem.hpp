// SPDX-License-Identifier: Apache-2.0
// Small initial value problems for tests: a field of one state, float64, solved for all its rows.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "interpreter_device.hpp"
#include "odeum/controller.hpp"
#include "odeum/gradient.hpp"
#include "odeum/solve.hpp"
#include "plugin_files.hpp"
#include "solve/setting.hpp"

namespace odeum::testing {

using Field = std::function<Tensor(Tensor t, Tensor z, std::span<const Tensor> constants)>;
using Values = std::vector<double>;

inline std::shared_ptr<Device> test_device() {
  static const std::shared_ptr<Device> device = component<Device>("device", "cpu");
  return device;
}

/// z' = field(t, z), z float64 [rows, features].
inline Dynamics dynamics_of(std::int64_t features, Field field,
                            std::vector<InputSpec> constants = {}) {
  return {.members = {{.name = "z", .shape = {kRows, features}, .dtype = DType::f64}},
          .constants = std::move(constants),
          .rates = [field = std::move(field)](Tensor t, const State& y,
                                              std::span<const Tensor> constants_now) {
            return State{field(t, y[0], constants_now)};
          }};
}

/// Host values on a device.
class OnDevice {
 public:
  OnDevice(Device& device, const Values& values)
      : device_(device),
        count_(values.size()),
        memory_(device.allocate(std::max<std::size_t>(1, count_) * sizeof(double))) {
    device.upload(view(), values.data(), count_ * sizeof(double));
  }
  View view() const { return {memory_.get(), 0}; }
  Values values() const {
    Values result(count_);
    device_.download(result.data(), view(), count_ * sizeof(double));
    return result;
  }

 private:
  Device& device_;
  std::size_t count_;
  std::shared_ptr<void> memory_;
};

struct Method {
  std::string solver = "dopri5";
  std::string controller = "integral";
  SolveOptions options;
  SaveTimes save = SaveTimes::exact;
  std::map<std::string, Config::Value> keys = {};  ///< the solver's own
  std::shared_ptr<const Solver> given = nullptr;   ///< instead of the plugin `solver`
  std::int64_t steps_at_once = 0;
};

inline SolveOptions tolerances(double rtol, double atol) {
  SolveOptions options;
  options.rtol = rtol;
  options.atol = {atol};
  return options;
}

inline SolveOptions given_step(double step) {
  SolveOptions options;
  options.step = step;
  return options;
}

inline std::unique_ptr<SolveSetting> setting_of(const Dynamics& dynamics, const Method& method,
                                                std::shared_ptr<Device> device = test_device()) {
  const std::shared_ptr<const Solver> solver =
      method.given ? method.given : component<Solver>("solver", method.solver, method.keys);
  return solve::make_setting(dynamics, solver,
                             component<Controller>("controller", method.controller), method.options,
                             std::move(device), method.steps_at_once);
}

struct Solution {
  SolveReport report;
  std::vector<Values> y;                     ///< by time, times[0] left out; rows one after another
  std::vector<double> t, h;                  ///< of accepted steps
  std::vector<std::vector<RowStep>> rounds;  ///< of samples' own steps
};

/// Solves with a setting of the same dynamics. Members but the first start at zero.
inline Solution solve_with(const std::unique_ptr<SolveSetting>& setting, const Dynamics& dynamics,
                           const SolveOptions& options, SaveTimes save, const Values& initial,
                           const Values& times, const std::vector<Values>& constants = {},
                           std::int64_t rows = 1,
                           const std::shared_ptr<Device>& device = test_device(),
                           IntegratorRequest request = {}, const Values& row_times = {}) {
  request.save = save;
  const auto integrator = setting->integrator(dynamics, options, request);
  std::vector<OnDevice> storage;
  storage.reserve(1000 + times.size() * dynamics.members.size());
  const auto put = [&](const Values& values) {
    storage.emplace_back(*device, values);
    return storage.back().view();
  };
  std::vector<View> starts, constant_views, results;
  for (std::size_t m = 0; m < dynamics.members.size(); ++m) {
    const auto count = static_cast<std::size_t>(dynamics.members[m].shape.elements(rows));
    starts.push_back(put(m == 0 ? initial : Values(count, 0.0)));
  }
  for (const Values& values : constants) constant_views.push_back(put(values));
  std::vector<std::size_t> first_of_time;
  for (std::size_t i = 1; i < times.size(); ++i) {
    first_of_time.push_back(storage.size());
    for (const Member& member : dynamics.members) {
      results.push_back(put(Values(static_cast<std::size_t>(member.shape.elements(rows)), 0.0)));
    }
  }
  Solution solution;
  SolveCall call{.rows = rows,
                 .times = times,
                 .initial = starts,
                 .constants = constant_views,
                 .results = results,
                 .observer =
                     [&](const AcceptedStep& step) {
                       solution.t.push_back(step.t);
                       solution.h.push_back(step.h);
                       solution.rounds.emplace_back(step.rows.begin(), step.rows.end());
                     },
                 .row_times = row_times};
  solution.report = integrator->integrate(call);
  for (const std::size_t at : first_of_time) {
    Values all;
    for (std::size_t m = 0; m < dynamics.members.size(); ++m) {
      const Values values = storage[at + m].values();
      all.insert(all.end(), values.begin(), values.end());
    }
    solution.y.push_back(all);
  }
  return solution;
}

inline Solution solve_problem(const Dynamics& dynamics, const Method& method, const Values& initial,
                              const Values& times, const std::vector<Values>& constants = {},
                              std::int64_t rows = 1,
                              const std::shared_ptr<Device>& device = test_device(),
                              const IntegratorRequest& request = {}, const Values& row_times = {}) {
  return solve_with(setting_of(dynamics, method, device), dynamics, method.options, method.save,
                    initial, times, constants, rows, device, request, row_times);
}

}  // namespace odeum::testing
