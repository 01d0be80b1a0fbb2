// SPDX-License-Identifier: Apache-2.0
// Event functions for tests.
#pragma once

#include "problem.hpp"

namespace odeum::testing {

/// The first member's component reaches a level.
inline EventFunctions component_reaches(std::int64_t component, double level,
                                        Event event = {.name = "level"}) {
  return {{std::move(event)}, [component, level](Tensor, const State& y, auto) {
            return slice(y[0], 1, component, component + 1) - level;
          }};
}

inline Solution solve_with_events(const Dynamics& dynamics, const Method& method,
                                  const Values& initial, const Values& times, EventFunctions events,
                                  Until until = Until::end, std::int64_t rows = 1,
                                  const std::vector<Values>& constants = {}) {
  IntegratorRequest request;
  request.events = std::move(events);
  request.until = until;
  return solve_problem(dynamics, method, initial, times, constants, rows, test_device(), request);
}

/// x'' = -g at rest or moving: (height, velocity).
inline Dynamics falling_body(double gravity = 8.0) {
  return dynamics_of(2, [gravity](Tensor, Tensor s, auto) {
    const auto [height, velocity] = split<1, 1>(s);
    return concat({velocity, full(velocity, {1}, -gravity) + 0.0 * height});
  });
}

}  // namespace odeum::testing
