// SPDX-License-Identifier: Apache-2.0
// Measured orders of every solver, after conformance.md, section 7: least-squares slope of
// log2(error) over log2(step), errors near rounding and too large to be asymptotic left out.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "odeum/random.hpp"
#include "problem.hpp"

namespace odeum::testing {
namespace {

constexpr std::int64_t kSize = 10;

/// A = 0.5 N(0, 1), fixed.
Values random_matrix() {
  RandomStream stream(7, 0);
  Values a(kSize * kSize);
  for (double& entry : a) entry = 0.5 * stream.normal();
  return a;
}

/// exp(A t) x, by Taylor's series in small steps of long double.
Values flow(const Values& a, Values x, double t) {
  constexpr int kParts = 64, kTerms = 30;
  std::vector<long double> state(x.begin(), x.end());
  for (int part = 0; part < kParts; ++part) {
    std::vector<long double> term = state;
    for (int k = 1; k <= kTerms; ++k) {
      std::vector<long double> next(kSize, 0.0L);
      for (std::int64_t i = 0; i < kSize; ++i) {
        for (std::int64_t j = 0; j < kSize; ++j) next[i] += a[i * kSize + j] * term[j];
        next[i] *= static_cast<long double>(t) / kParts / k;
      }
      term = next;
      for (std::int64_t i = 0; i < kSize; ++i) state[i] += term[i];
    }
  }
  return {state.begin(), state.end()};
}

Dynamics linear_flow() {
  return dynamics_of(kSize, [](Tensor, Tensor z, auto c) { return linear(z, c[0]); },
                     {{"a", {kSize, kSize}, DType::f64}});
}

/// conformance.md, section 1, A3: y' = y cos t, y = exp(sin t).
Dynamics swinging_growth() {
  return dynamics_of(1, [](Tensor t, Tensor z, auto) { return z * cos(t); });
}

/// Nonlinear and dependent on time: z' = growth z + (1 + |z|^2 t) i z in the complex plane, z(0)
/// = 1.
Dynamics winding(double growth) {
  return dynamics_of(2, [growth](Tensor t, Tensor z, auto) {
    const auto [x, y] = split<1, 1>(z);
    const Tensor rate = 1.0 + (x * x + y * y) * t;
    return concat({growth * x - rate * y, growth * y + rate * x});
  });
}
/// |z| = exp(growth t), and the angle is the integral of 1 + |z|^2 t.
Values winding_at(double t, double growth) {
  const double a = 2.0 * growth;
  const double angle = t + (std::exp(a * t) * (a * t - 1.0) + 1.0) / (a * a);
  return {std::exp(growth * t) * std::cos(angle), std::exp(growth * t) * std::sin(angle)};
}

SolveOptions in_steps(std::int64_t steps) {
  SolveOptions options;
  options.steps = steps;
  return options;
}

// The references hold fifteen digits; many steps of a low order leave fewer.
double smallest_error(int order) { return std::exp2(order < 5 ? -37 : -43); }
// With longer steps the leading term of the error is not alone; the high orders reach theirs late.
double largest_error(int order) { return std::exp2(order < 5 ? -3.0 * order : -25.0); }

double slope(const Values& steps, const Values& errors, int order) {
  double n = 0, sx = 0, sy = 0, sxx = 0, sxy = 0;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    if (errors[i] < smallest_error(order) || errors[i] > largest_error(order)) continue;
    const double x = std::log2(steps[i]), y = std::log2(errors[i]);
    n += 1, sx += x, sy += y, sxx += x * x, sxy += x * y;
  }
  EXPECT_GE(n, 4.0) << "too few errors to measure";
  return (n * sxy - sx * sy) / (n * sxx - sx * sx);
}

struct Stated {
  const char* name;
  int order;
  int dense_order;
};
class EverySolver : public ::testing::TestWithParam<Stated> {};
INSTANTIATE_TEST_SUITE_P(
    Solvers, EverySolver,
    ::testing::Values(Stated{"euler", 1, 1}, Stated{"midpoint", 2, 2}, Stated{"heun", 2, 2},
                      Stated{"rk4", 4, 3}, Stated{"kutta38", 4, 3}, Stated{"bosh3", 3, 3},
                      Stated{"dopri5", 5, 4}, Stated{"tsit5", 5, 4}, Stated{"adaptive_heun", 2, 2},
                      Stated{"ralston", 2, 2}, Stated{"heun3", 3, 2}, Stated{"fehlberg32", 3, 2},
                      Stated{"fehlberg45", 5, 4}, Stated{"cash_karp", 5, 4},
                      Stated{"semi_implicit_euler", 1, 1}, Stated{"leapfrog", 2, 2},
                      Stated{"reversible_heun", 2, 2}),
    [](const auto& method) { return method.param.name; });

// Closer together where the high orders are measured.
const std::vector<std::int64_t> kCounts = {10,  12,  14,  16,  19,   22,   24,   26,
                                           32,  40,  48,  56,  64,   92,   128,  180,
                                           256, 364, 512, 724, 1024, 2048, 4096, 8192};

TEST_P(EverySolver, ReachesItsOrderOnALinearFlow) {
  const Values a = random_matrix();
  const Values start(kSize, 1.0);
  const Values truth = flow(a, start, 4.0);
  double size = 0.0;
  for (const double y : truth) size += std::abs(y);
  Values steps, errors;
  for (const std::int64_t count : kCounts) {
    const Solution s = solve_problem(linear_flow(), {GetParam().name, "constant", in_steps(count)},
                                     start, {0.0, 4.0}, {a});
    double error = 0.0;
    for (std::int64_t i = 0; i < kSize; ++i) error += std::abs(s.y[0][i] - truth[i]);
    steps.push_back(4.0 / static_cast<double>(count));
    errors.push_back(error / size);
    if (errors.back() < smallest_error(GetParam().order)) break;
  }
  EXPECT_NEAR(slope(steps, errors, GetParam().order), GetParam().order, 0.2);
}

void expect_order_on_a_winding(const Stated& method, double growth, double end) {
  const Values truth = winding_at(end, growth);
  Values steps, errors;
  for (const std::int64_t count : kCounts) {
    const Solution s = solve_problem(winding(growth), {method.name, "constant", in_steps(count)},
                                     {1.0, 0.0}, {0.0, end});
    steps.push_back(end / static_cast<double>(count));
    errors.push_back(std::abs(s.y[0][0] - truth[0]) + std::abs(s.y[0][1] - truth[1]));
    if (errors.back() < smallest_error(method.order)) break;
  }
  EXPECT_NEAR(slope(steps, errors, method.order), method.order, 0.2);
}

TEST_P(EverySolver, ReachesItsOrderOnANonlinearFieldThatDependsOnTime) {
  expect_order_on_a_winding(GetParam(), -0.2, 2.0);
}

// Five points inside each step; the largest error over all of them. A dense output that meets the
// conditions up to order q is wrong by O(h^(q+1)), beside the error of the steps.
void expect_dense_order(const Stated& method) {
  const int expected = std::min(method.order, method.dense_order + 1);
  Values steps, errors;
  for (int half_octaves = 2; half_octaves <= 22; ++half_octaves) {
    const double step = std::exp2(-0.5 * half_octaves);
    Values times = {0.0};
    for (double t = 0.0; t + step < 2.0; t += step) {
      for (const double x : {0.1, 0.3, 0.5, 0.7, 0.9}) times.push_back(t + x * step);
    }
    times.push_back(2.0);
    const Solution s = solve_problem(
        swinging_growth(), {method.name, "constant", given_step(step), SaveTimes::interpolated},
        {1.0}, times);
    double error = 0.0;
    for (std::size_t i = 1; i < times.size(); ++i) {
      error = std::max(error, std::abs(s.y[i - 1][0] - std::exp(std::sin(times[i]))));
    }
    steps.push_back(step);
    errors.push_back(error);
    if (error < smallest_error(expected)) break;
  }
  EXPECT_NEAR(slope(steps, errors, expected), expected, 0.2);
}

TEST_P(EverySolver, InterpolatesToItsDenseOrder) { expect_dense_order(GetParam()); }

class EveryHighOrderSolver : public ::testing::TestWithParam<Stated> {};
INSTANTIATE_TEST_SUITE_P(Solvers, EveryHighOrderSolver,
                         ::testing::Values(Stated{"dopri8", 8, 5}, Stated{"vern7", 7, 6}),
                         [](const auto& method) { return method.param.name; });

// In place of the linear flow, which hides order conditions (conformance.md, section 7).
TEST_P(EveryHighOrderSolver, ReachesItsOrderOnProblemA3) {
  const double end = 2.0, truth = std::exp(std::sin(end));
  Values steps, errors;
  for (const std::int64_t count : {4, 5, 6, 7, 8, 9, 10, 12, 14, 16, 19, 22, 26, 32, 40, 48}) {
    const Solution s = solve_problem(
        swinging_growth(), {GetParam().name, "constant", in_steps(count)}, {1.0}, {0.0, end});
    steps.push_back(end / static_cast<double>(count));
    errors.push_back(std::abs(s.y[0][0] / truth - 1.0));
    if (errors.back() < smallest_error(GetParam().order)) break;
  }
  EXPECT_NEAR(slope(steps, errors, GetParam().order), GetParam().order, 0.2);
}

// A path on which the term of their order outweighs the next ones before rounding sets in.
TEST_P(EveryHighOrderSolver, ReachesItsOrderOnANonlinearFieldThatDependsOnTime) {
  expect_order_on_a_winding(GetParam(), 0.2, 1.0);
}

TEST_P(EveryHighOrderSolver, InterpolatesToItsDenseOrder) { expect_dense_order(GetParam()); }

}  // namespace
}  // namespace odeum::testing
