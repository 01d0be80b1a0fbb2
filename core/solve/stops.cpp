// SPDX-License-Identifier: Apache-2.0
#include "solve/stops.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>

namespace odeum::solve {
namespace {

/// The nearest time on the side of `direction` that is another one for fields that see T; not a
/// denormal, which a device may take for zero.
template <class T>
double beside(double time, double direction) {
  const T cast = static_cast<T>(time);
  const T next = std::nextafter(cast, static_cast<T>(direction) * std::numeric_limits<T>::max());
  const T apart = cast + static_cast<T>(direction) * std::numeric_limits<T>::min();
  return direction *
         std::max(direction * static_cast<double>(next), direction * static_cast<double>(apart));
}

double beside(double time, double direction, DType type) {
  return type == DType::f32 ? beside<float>(time, direction) : beside<double>(time, direction);
}

}  // namespace

std::vector<Stop> stops_between(const SolveOptions& options, DType state, double from, double to) {
  std::vector<Stop> stops;
  if (from == to) return stops;
  const double direction = to > from ? 1.0 : -1.0;
  const auto ahead = [direction](double a, double b) { return direction * (b - a) > 0.0; };
  for (const double time : options.step_times) {
    if (ahead(from, time) && ahead(time, to)) stops.push_back({time, time, false});
  }
  for (const double time : options.jump_times) {
    if (ahead(time, from) || ahead(to, time)) continue;
    stops.push_back({beside(time, -direction, state), beside(time, direction, state), true});
  }
  std::sort(stops.begin(), stops.end(),
            [&](const Stop& a, const Stop& b) { return ahead(a.arrive, b.arrive); });
  return stops;
}

void check_stops(const Config& solver, double from, double to) {
  for (const char* key : {"step_times", "jump_times"}) {
    if (!solver.has(key)) continue;
    for (const double time : solver.numbers(key)) {
      if (time >= std::min(from, to) && time <= std::max(from, to)) continue;
      char text[96];
      std::snprintf(text, sizeof text, "%g lies outside the solve's span from %g to %g", time, from,
                    to);
      solver.fail(key, text);
    }
  }
}

}  // namespace odeum::solve
