// SPDX-License-Identifier: Apache-2.0
#include "model/solution_times.hpp"

#include <cstdio>

namespace odeum::model {
namespace {

std::string shown(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", value);
  return text;
}

std::vector<double> listed_times(const Config& times, const std::array<double, 2>& span) {
  for (const char* key : {"count", "from"}) {
    if (times.has(key)) times.fail(key, "and `at` are both given; one of them is wanted");
  }
  const std::vector<double>& at = times.numbers("at");
  const double direction = span[1] > span[0] ? 1.0 : -1.0;
  for (std::size_t i = 0; i < at.size(); ++i) {
    if (direction * (at[i] - span[0]) < 0.0 || direction * (span[1] - at[i]) < 0.0) {
      times.fail("at", shown(at[i]) + " lies outside the span from " + shown(span[0]) + " to " +
                           shown(span[1]));
    }
    if (i > 0 && !(direction * (at[i] - at[i - 1]) > 0.0)) {
      times.fail("at", shown(at[i]) + " follows " + shown(at[i - 1]) +
                           ": times go from the span's start to its end, each once");
    }
  }
  if (at.back() != span[1]) {
    times.fail("at", "the last time is " + shown(at.back()) + " and the span ends at " +
                         shown(span[1]) + ": the solve ends where the last state is wanted");
  }
  return at;
}

std::vector<double> spaced_times(const Config& times, const std::array<double, 2>& span) {
  const auto count = static_cast<std::size_t>(times.integer("count"));
  const bool from_given = times.has("from");
  const double first = from_given ? times.number("from") : span[0];
  const double direction = span[1] > span[0] ? 1.0 : -1.0;
  if (direction * (first - span[0]) < 0.0 || !(direction * (span[1] - first) > 0.0)) {
    times.fail("from", shown(first) + " does not lie in the span from " + shown(span[0]) + " to " +
                           shown(span[1]) + ", before its end");
  }
  if (from_given && count < 2) {
    times.fail("count", "with `from`, the first and the last time make two at least");
  }
  const std::size_t spaces = from_given ? count - 1 : count;
  std::vector<double> result;
  for (std::size_t i = from_given ? 0 : 1; i < spaces; ++i) {
    const double part = static_cast<double>(i) / static_cast<double>(spaces);
    result.push_back(first + part * (span[1] - first));
  }
  result.push_back(span[1]);
  return result;
}

}  // namespace

Schema solution_times_schema() {
  return Schema(
             "Times of the span at which the solution is handed on, all from one solve: the value "
             "is then [rows, times, ...]. Left out: the state at the span's end alone. The last "
             "time is the span's end; of a solver with `steps`, so many lie between two times")
      .numbers("at",
               "the times themselves, in the order of integration; the span's start may be "
               "the first of them")
      .optional()
      .size(1)
      .integer("count", "or the number of equally spaced ones; the span's end is the last")
      .optional()
      .at_least(1)
      .number("from",
              "the first of `count`; left out: one space behind the span's start, which then is "
              "none of them")
      .optional();
}

std::vector<double> solution_times(const Config& block, const std::array<double, 2>& span) {
  const Config& times = block.section("times");
  if (times.has("at")) return listed_times(times, span);
  if (times.has("count")) return spaced_times(times, span);
  if (times.has("from")) times.fail("from", "goes with `count`, the number of times");
  return {};
}

std::vector<double> solve_grid(const std::vector<double>& times,
                               const std::array<double, 2>& span) {
  if (times.empty()) return {span[0], span[1]};
  std::vector<double> grid{span[0]};
  for (const double time : times) {
    if (time != span[0]) grid.push_back(time);
  }
  return grid;
}

Shape with_times(const Shape& state, std::size_t times) {
  std::vector<std::int64_t> extents = state.extents();
  extents.insert(extents.begin() + 1, static_cast<std::int64_t>(times));
  return Shape(std::move(extents));
}

Tensor over_times(const std::vector<Tensor>& states) {
  std::vector<Tensor> parts;
  parts.reserve(states.size());
  for (const Tensor& state : states) parts.push_back(reshape(state, with_times(state.shape(), 1)));
  return concat(std::move(parts), 1);
}

}  // namespace odeum::model
