// SPDX-License-Identifier: Apache-2.0
#include "solve/call_check.hpp"

#include <cmath>

#include "odeum/error.hpp"

namespace odeum::solve {
namespace {

void check_times(std::span<const double> times) {
  const double direction = times.back() - times.front();
  for (std::size_t i = 0; i < times.size(); ++i) {
    if (!std::isfinite(times[i])) bug("a time of a solve is not finite");
    if (i > 0 && (times[i] - times[i - 1]) * direction < 0.0) {
      bug("times of a solve turn back at " + std::to_string(times[i]));
    }
    if (i > 0 && direction == 0.0 && times[i] != times[0]) {
      bug("times of a solve come back to where they began");
    }
  }
}

}  // namespace

void check_call(const SolveCall& call, const Dynamics& dynamics, StepSize step_size) {
  if (call.times.empty()) bug("a solve needs at least one time");
  if (call.row_times.empty()) {
    check_times(call.times);
  } else {
    if (step_size == StepSize::shared)
      bug("samples with a shared step cannot have their own times");
    const std::size_t times = call.times.size();
    if (call.row_times.size() != static_cast<std::size_t>(call.rows) * times) {
      bug("a solve of " + std::to_string(call.rows) + " rows and " + std::to_string(times) +
          " times got " + std::to_string(call.row_times.size()) + " times of rows");
    }
    for (std::size_t first = 0; first < call.row_times.size(); first += times) {
      check_times(call.row_times.subspan(first, times));
    }
  }
  if (call.initial.size() != dynamics.members.size() ||
      (!call.end.empty() && call.end.size() != dynamics.members.size()) ||
      call.constants.size() != dynamics.constants.size() ||
      call.results.size() != (call.times.size() - 1) * dynamics.members.size()) {
    bug("a solve got " + std::to_string(call.initial.size()) + " initial members, " +
        std::to_string(call.constants.size()) + " constants and " +
        std::to_string(call.results.size()) + " results, which do not fit its dynamics");
  }
}

}  // namespace odeum::solve
