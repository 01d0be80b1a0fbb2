// SPDX-License-Identifier: Apache-2.0
// Gradients of small problems by the gradient plugins, and by central differences.
#pragma once

#include <map>

#include "problem.hpp"

namespace odeum::testing {

struct GradientOf {
  std::string plugin = "backprop";
  std::map<std::string, Config::Value> keys;
};

struct Gradients {
  SolveReport forward, backward;
  std::vector<Values> y;  ///< by time, times[0] left out: all members
  std::vector<Values> initial, constants;
  Values times, row_times;
  std::size_t kept_bytes = 0;
};

/// dL of L = sum over times and members of cotangents[time][member] . y.
inline Gradients differentiate_setting(const GradientOf& gradient,
                                       std::unique_ptr<SolveSetting> setting,
                                       const std::vector<Values>& initial, const Values& times,
                                       const std::vector<Values>& constants,
                                       const std::vector<std::vector<Values>>& cotangents,
                                       std::int64_t rows = 1,
                                       const std::shared_ptr<Device>& device = test_device(),
                                       int repeats = 1, const Values& row_times = {}) {
  const auto plugin = component<GradientMethod>("gradient", gradient.plugin, gradient.keys);
  const auto solve = plugin->prepare(std::move(setting), std::vector<bool>(constants.size(), true));
  std::vector<OnDevice> storage;
  storage.reserve(10000);
  const auto put = [&](const Values& values) {
    storage.emplace_back(*device, values);
    return storage.size() - 1;
  };
  const auto views = [&](const std::vector<std::size_t>& indices) {
    std::vector<View> result;
    for (const std::size_t i : indices) result.push_back(storage[i].view());
    return result;
  };
  std::vector<std::size_t> starts, parameters, results, seeds, of_initial, of_constants;
  for (const Values& v : initial) {
    starts.push_back(put(v));
    of_initial.push_back(put(Values(v.size(), 0.0)));
  }
  for (const Values& v : constants) {
    parameters.push_back(put(v));
    of_constants.push_back(put(Values(v.size(), 0.0)));
  }
  for (const auto& by_member : cotangents) {
    for (const Values& v : by_member) {
      seeds.push_back(put(v));
      results.push_back(put(Values(v.size(), 0.0)));
    }
  }
  const std::vector<View> start_views = views(starts), constant_views = views(parameters),
                          result_views = views(results), seed_views = views(seeds),
                          initial_targets = views(of_initial),
                          constant_targets = views(of_constants);
  Gradients g;
  g.times.assign(times.size(), 0.0);
  g.row_times.assign(row_times.size(), 0.0);
  SolveCall call{.rows = rows,
                 .times = times,
                 .initial = start_views,
                 .constants = constant_views,
                 .results = result_views,
                 .observer = {},
                 .row_times = row_times};
  for (int i = 0; i < repeats; ++i) {
    g.forward = solve->forward(call);
    if (!g.forward.ok()) return g;
    for (const std::size_t c : of_constants) {
      device->fill_zero(storage[c].view(), storage[c].values().size() * sizeof(double));
    }
    g.backward = solve->backward(call, seed_views,
                                 {.initial = initial_targets,
                                  .constants = constant_targets,
                                  .times = g.times,
                                  .row_times = g.row_times});
  }
  g.kept_bytes = solve->kept_bytes();
  for (const std::size_t i : results) g.y.push_back(storage[i].values());
  for (const std::size_t i : of_initial) g.initial.push_back(storage[i].values());
  for (const std::size_t i : of_constants) g.constants.push_back(storage[i].values());
  return g;
}

inline Gradients differentiate(const GradientOf& gradient, const Dynamics& dynamics,
                               const Method& method, const std::vector<Values>& initial,
                               const Values& times, const std::vector<Values>& constants,
                               const std::vector<std::vector<Values>>& cotangents,
                               std::int64_t rows = 1,
                               const std::shared_ptr<Device>& device = test_device(),
                               int repeats = 1, const Values& row_times = {}) {
  return differentiate_setting(gradient, setting_of(dynamics, method, device), initial, times,
                               constants, cotangents, rows, device, repeats, row_times);
}

}  // namespace odeum::testing
