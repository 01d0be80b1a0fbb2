// SPDX-License-Identifier: Apache-2.0
// Measured orders of convergence with given steps, after conformance.md, section 7.
#include <algorithm>
#include <cmath>
#include <cstdio>

#include "numerics.hpp"
#include "odeum/random.hpp"

namespace odeum::bench {
namespace {

struct OrderProblem {
  Case problem;
  Dynamics dynamics;  ///< with parts of both kinds for implicit-explicit methods
};

Dynamics split_dynamics(std::int64_t features, const testing::Field& rest,
                        const testing::Field& stiff) {
  Dynamics d =
      testing::dynamics_of(features, [rest, stiff](Tensor t, Tensor z, std::span<const Tensor> c) {
        return rest(t, z, c) + stiff(t, z, c);
      });
  d.parts = [rest, stiff](Tensor t, const State& y, std::span<const Tensor> c) {
    return Rates::Parts{.rest = {rest(t, y[0], c)}, .stiff = {stiff(t, y[0], c)}};
  };
  return d;
}

/// z' = A z with a fixed random matrix of size 10; the truth by Taylor's series in small steps.
OrderProblem linear_flow() {
  constexpr std::int64_t n = 10;
  constexpr double kEnd = 2.0;
  RandomStream stream(7, 0);
  Values a(n * n);
  for (double& entry : a) entry = 0.5 * stream.normal();
  std::vector<long double> state(n, 1.0L);
  constexpr int kParts = 64, kTerms = 30;
  for (int part = 0; part < kParts; ++part) {
    std::vector<long double> term = state;
    for (int k = 1; k <= kTerms; ++k) {
      std::vector<long double> next(n, 0.0L);
      for (std::int64_t i = 0; i < n; ++i) {
        for (std::int64_t j = 0; j < n; ++j) next[i] += a[i * n + j] * term[j];
        next[i] *= static_cast<long double>(kEnd) / kParts / k;
      }
      term = next;
      for (std::int64_t i = 0; i < n; ++i) state[i] += term[i];
    }
  }
  const auto part = [a](double weight) {
    Values scaled = a;
    for (double& entry : scaled) entry *= weight;
    return [scaled](Tensor, Tensor z, std::span<const Tensor>) {
      return linear(z, constant(z, {n, n}, scaled));
    };
  };
  return {{"linear flow", n, {}, Values(n, 1.0), 0.0, kEnd, Values(state.begin(), state.end())},
          split_dynamics(n, part(0.25), part(0.75))};
}

/// Nonlinear and dependent on time: z' = g z + (1 + |z|^2 t) i z in the complex plane, whose
/// modulus is e^(g t) and whose angle is the integral of 1 + |z|^2 t.
OrderProblem winding() {
  constexpr double g = -0.2, kEnd = 2.0;
  const auto rest = [](Tensor t, Tensor z, std::span<const Tensor>) {
    const auto [x, y] = split<1, 1>(z);
    const Tensor rate = (x * x + y * y) * t;
    return concat({-rate * y, rate * x});
  };
  const auto stiff = [](Tensor, Tensor z, std::span<const Tensor>) {
    const auto [x, y] = split<1, 1>(z);
    return concat({g * x - y, g * y + x});
  };
  const double a = 2.0 * g;
  const double angle = kEnd + (std::exp(a * kEnd) * (a * kEnd - 1.0) + 1.0) / (a * a);
  const double modulus = std::exp(g * kEnd);
  return {{"winding",
           2,
           {},
           {1.0, 0.0},
           0.0,
           kEnd,
           {modulus * std::cos(angle), modulus * std::sin(angle)}},
          split_dynamics(2, rest, stiff)};
}

/// Kepler's orbit of eccentricity 0.3 for a quarter of a turn, by Kepler's equation.
OrderProblem kepler_orbit() {
  constexpr double e = 0.3, kEnd = 2.0;
  double anomaly = kEnd;
  for (int i = 0; i < 50; ++i) {
    anomaly -= (anomaly - e * std::sin(anomaly) - kEnd) / (1.0 - e * std::cos(anomaly));
  }
  const double root = std::sqrt(1.0 - e * e), slope = 1.0 - e * std::cos(anomaly);
  const auto drift = [](Tensor, Tensor z, std::span<const Tensor>) {
    return concat({testing::column(z, 2), testing::column(z, 3), 0.0 * testing::column(z, 0),
                   0.0 * testing::column(z, 0)});
  };
  const auto pull = [](Tensor t, Tensor z, std::span<const Tensor> c) {
    const Tensor all = testing::kepler(t, z, c);
    return concat({0.0 * testing::column(z, 0), 0.0 * testing::column(z, 0),
                   testing::column(all, 2), testing::column(all, 3)});
  };
  return {{"Kepler",
           4,
           {},
           testing::kepler_start(e),
           0.0,
           kEnd,
           {std::cos(anomaly) - e, root * std::sin(anomaly), -std::sin(anomaly) / slope,
            root * std::cos(anomaly) / slope}},
          split_dynamics(4, drift, pull)};
}

// The references hold fifteen digits, solutions in float64 a little fewer.
const double kSmallestError = std::exp2(-38);
// With longer steps the leading term of the error is not alone.
double largest_error(int order) { return std::exp2(-std::min(3.0 * order, 15.0)); }

struct Measured {
  double order = 0.0;
  std::string failure;
};

double slope(const std::vector<std::pair<double, double>>& points) {
  double n = 0, sx = 0, sy = 0, sxx = 0, sxy = 0;
  for (const auto& [x, y] : points) n += 1, sx += x, sy += y, sxx += x * x, sxy += x * y;
  return (n * sxy - sx * sy) / (n * sxx - sx * sx);
}

/// The least-squares slope of log2(error) over log2(step) at the shortest steps that are above
/// rounding, a third of an octave apart.
Measured measure_order(const SolverEntry& entry, const OrderProblem& p) {
  constexpr int kFirst = 6, kLast = 3 * 13;
  constexpr std::size_t kPoints = 6, kFewest = 4;
  std::vector<std::pair<double, double>> points;
  for (int k = kFirst; k <= kLast; ++k) {
    const auto steps = static_cast<std::int64_t>(std::lround(std::exp2(k / 3.0)));
    const Outcome outcome = bench::solve(entry, p.dynamics, p.problem, given_steps(steps));
    if (!outcome.refusal.empty()) return {0.0, outcome.refusal};
    if (!outcome.ok() || outcome.error > largest_error(entry.solver->order())) continue;
    if (outcome.error < kSmallestError) break;
    points.emplace_back(-std::log2(static_cast<double>(steps)), std::log2(outcome.error));
    if (points.size() > kPoints) points.erase(points.begin());
  }
  if (points.size() < kFewest) return {0.0, "too few errors to measure"};
  return {slope(points), ""};
}

std::string text_of(const Measured& m) {
  if (!m.failure.empty()) return "-";
  char text[16];
  std::snprintf(text, sizeof text, "%.2f", m.order);
  return text;
}

}  // namespace

std::string orders(const std::vector<SolverEntry>& solvers) {
  constexpr double kTolerance = 0.2;  // conformance.md, section 7
  const std::vector<OrderProblem> problems = {linear_flow(), winding(), kepler_orbit()};
  std::vector<std::string> head = {"solver", "stated"};
  for (const OrderProblem& p : problems) head.push_back(p.problem.name);
  head.emplace_back("holds");
  Table table(head);
  for (const SolverEntry& entry : solvers) {
    const int stated = entry.solver->order();
    std::vector<std::string> cells = {entry.label, std::to_string(stated)};
    std::string verdict = "yes";
    if (entry.solver->host_driven()) {
      cells.insert(cells.end(), problems.size(), "-");
      verdict = "varies its order and takes no given steps";
    } else {
      for (const OrderProblem& p : problems) {
        const Measured m = measure_order(entry, p);
        cells.push_back(text_of(m));
        if (!m.failure.empty()) {
          verdict = m.failure;
        } else if (m.order < stated - kTolerance) {
          verdict = "**no**";
        } else if (m.order > stated + kTolerance && verdict == "yes") {
          verdict = "yes, and more on some";
        }
      }
    }
    cells.push_back(verdict);
    table.row(cells);
  }
  return table.text();
}

}  // namespace odeum::bench
