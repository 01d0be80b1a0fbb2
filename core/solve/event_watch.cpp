// SPDX-License-Identifier: Apache-2.0
#include "solve/event_watch.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace odeum::solve {
namespace {

// Points of a step, both ends included. Event functions as smooth as the solution need two; five
// see those that turn six times as fast (tests/solve/event_suite_test.cpp).
constexpr std::size_t kPoints = 5;
constexpr double kRounding = std::numeric_limits<double>::epsilon();

bool counts(const Event& event, int from) {
  return event.crossing == Crossing::any || (event.crossing == Crossing::rising) == (from < 0);
}

}  // namespace

EventWatch::EventWatch(const Method& method, const EventFunctions& functions,
                       const std::vector<ValueSpec>& carry, const std::vector<ValueSpec>& dense,
                       Device& device)
    : functions_(functions),
      device_(device),
      rounding_(method.dynamics.members.front().dtype == DType::f32
                    ? std::numeric_limits<float>::epsilon()
                    : std::numeric_limits<double>::epsilon()),
      workspace_(device) {
  const auto build = [&](std::int64_t points, const char* what) {
    return device_.compile(optimize(record_event_values(method, functions, carry, dense, points)),
                           {.name = what, .outputs = {}});
  };
  run_all_ = build(kPoints, "event functions along a step");
  run_one_ = build(1, "event functions at a point");
  const auto outputs = static_cast<std::int64_t>(2 * functions.events.size());
  const auto scalars = [](std::int64_t n) {
    return std::vector<ValueSpec>{{"scalars", {n}, DType::f64, RowClass::none}};
  };
  const auto values = [outputs](std::int64_t n) {
    return std::vector<ValueSpec>{{"values", {kRows, n, outputs}, DType::f64, RowClass::per_row}};
  };
  workspace_.add(scalars(2), &control_);
  workspace_.add(scalars(kPoints), &points_);
  workspace_.add(scalars(1), &point_);
  workspace_.add(values(kPoints), &values_);
  workspace_.add(values(1), &value_);
}

void EventWatch::begin(std::int64_t rows) {
  workspace_.place(rows);
  rows_ = rows;
  const std::size_t events = functions_.events.size();
  sides_.assign(static_cast<std::size_t>(rows) * events, Side{});
  sampled_.resize(static_cast<std::size_t>(rows) * kPoints * 2 * events);
  std::array<double, kPoints> points{};
  for (std::size_t i = 0; i < kPoints; ++i) {
    points[i] = static_cast<double>(i) / static_cast<double>(kPoints - 1);
  }
  device_.upload(points_[0], points.data(), sizeof points);
}

std::vector<EventWatch::Sighting> EventWatch::look(double t, double h,
                                                   std::span<const View> arguments) {
  const double control[2] = {t, h};
  device_.upload(control_[0], control, sizeof control);
  arguments_ = {control_[0], points_[0]};
  arguments_.insert(arguments_.end(), arguments.begin(), arguments.end());
  run_all_->run(rows_, arguments_, values_);
  device_.download(sampled_.data(), values_[0], sampled_.size() * sizeof(double));
  arguments_[1] = point_[0];

  const double resolution =
      kRounding * std::max(1.0, std::max(std::abs(t), std::abs(t + h)) / std::abs(h));
  const std::size_t events = functions_.events.size();
  std::vector<Sighting> seen;
  for (std::int64_t row = 0; row < rows_; ++row) {
    for (std::size_t e = 0; e < events; ++e) {
      const auto r = static_cast<std::size_t>(row);
      std::array<Point, kPoints> samples;
      for (std::size_t i = 0; i < kPoints; ++i) {
        const double* values = sampled_.data() + (r * kPoints + i) * 2 * events;
        samples[i] = {static_cast<double>(i) / static_cast<double>(kPoints - 1), values[e],
                      values[events + e]};
      }
      const Curve curve = [&](double x) { return evaluate(x, e, row); };
      for (const CrossedAt& crossed :
           crossings(samples, curve, resolution, rounding_, sides_[r * events + e])) {
        if (counts(functions_.events[e], crossed.from)) seen.push_back({crossed.x, e, row});
      }
    }
  }
  std::stable_sort(seen.begin(), seen.end(),
                   [](const Sighting& a, const Sighting& b) { return a.x < b.x; });
  return seen;
}

Point EventWatch::evaluate(double x, std::size_t event, std::int64_t sample) {
  device_.upload(point_[0], &x, sizeof x);
  run_one_->run(rows_, arguments_, value_);
  const std::size_t events = functions_.events.size();
  const View place =
      value_[0] + (static_cast<std::size_t>(sample) * 2 * events + event) * sizeof(double);
  Point point{.x = x};
  device_.download(&point.value, place, sizeof(double));
  device_.download(&point.slope, place + events * sizeof(double), sizeof(double));
  return point;
}

}  // namespace odeum::solve
