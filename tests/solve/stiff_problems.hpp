// SPDX-License-Identifier: Apache-2.0
// Stiff initial value problems, and problems in two parts, with known solutions.
#pragma once

#include <cmath>

#include "problem.hpp"

namespace odeum::testing {

/// The implicit methods by name, with order and the order of their dense output.
struct StatedMethod {
  const char* name;
  int order;
  int dense_order;
};
inline const std::vector<StatedMethod>& implicit_methods() {
  static const std::vector<StatedMethod> methods = {
      {"implicit_euler", 1, 3},  {"implicit_midpoint", 2, 1},
      {"trapezoid", 2, 3},       {"sdirk2", 2, 3},
      {"trbdf2", 2, 3},          {"kvaerno3", 3, 3},
      {"kvaerno5", 5, 3},        {"radau5", 5, 3},
      {"gauss_legendre4", 4, 2}, {"gauss_legendre6", 6, 3},
      {"kencarp3", 3, 2},        {"kencarp4", 4, 3},
      {"kencarp5", 5, 3}};
  return methods;
}

using Split = std::function<std::pair<Tensor, Tensor>(Tensor t, Tensor z)>;

/// z' = rest + stiff, float64 [rows, features].
inline Dynamics split_dynamics_of(std::int64_t features, const Split& field,
                                  std::vector<InputSpec> constants = {}) {
  Dynamics dynamics = dynamics_of(
      features,
      [field](Tensor t, Tensor z, auto) {
        const auto [rest, stiff] = field(t, z);
        return rest + stiff;
      },
      std::move(constants));
  dynamics.parts = [field](Tensor t, const State& y, std::span<const Tensor>) {
    const auto [rest, stiff] = field(t, y[0]);
    return Rates::Parts{{rest}, {stiff}};
  };
  return dynamics;
}

/// conformance.md, section 3.
inline Dynamics robertson() {
  return dynamics_of(3, [](Tensor, Tensor s, auto) {
    const auto [a, b, c] = split<1, 1, 1>(s);
    const Tensor slow = 0.04 * a, back = 1e4 * b * c, fast = 3e7 * b * b;
    return concat({back - slow, slow - back - fast, fast});
  });
}

/// conformance.md, section 3; the second equation is the stiff part.
inline Dynamics van_der_pol(double mu) {
  return split_dynamics_of(2, [mu](Tensor, Tensor s) {
    const auto [x, v] = split<1, 1>(s);
    return std::pair{concat({v, 0.0 * x}), concat({0.0 * x, mu * (1.0 - x * x) * v - x})};
  });
}

/// Prothero, Robinson, Math. Comp. 28 (1974) 145-162: z' = lambda (z - sin t) + cos t, whose smooth
/// solution is sin t for any lambda; the first summand is stiff.
inline Dynamics prothero_robinson(double lambda) {
  return split_dynamics_of(1, [lambda](Tensor t, Tensor z) {
    return std::pair{cos(t) + 0.0 * z, lambda * (z - sin(t))};
  });
}

/// Nonlinear and dependent on time: z' = kGrowth z + (1 + |z|^2 t) i z in the complex plane, z(0) =
/// 1; |z| = exp(kGrowth t), and the angle is the integral of 1 + |z|^2 t. The turning is in both
/// parts.
inline constexpr double kGrowth = -0.2;
inline Dynamics winding() {
  return split_dynamics_of(2, [](Tensor t, Tensor z) {
    const auto [x, y] = split<1, 1>(z);
    const Tensor rate = (x * x + y * y) * t;
    return std::pair{concat({kGrowth * x - y, x + kGrowth * y}), concat({-rate * y, rate * x})};
  });
}
inline Values winding_at(double t) {
  const double a = 2.0 * kGrowth;
  const double angle = t + (std::exp(a * t) * (a * t - 1.0) + 1.0) / (a * a);
  return {std::exp(kGrowth * t) * std::cos(angle), std::exp(kGrowth * t) * std::sin(angle)};
}

/// conformance.md, section 1, A3 in two parts: y' = y cos t, y = exp(sin t).
inline Dynamics swinging_growth() {
  return split_dynamics_of(1, [](Tensor t, Tensor z) {
    const Tensor all = z * cos(t);
    return std::pair{all + z, -z};
  });
}

}  // namespace odeum::testing
