// SPDX-License-Identifier: Apache-2.0
// Solves with a step size per sample: the method, and samples that differ in stiffness.
#pragma once

#include <cmath>
#include <string>

#include "problem.hpp"

namespace odeum::testing {

inline Method per_sample(double tolerance, SaveTimes save = SaveTimes::exact,
                         const std::string& solver = "dopri5",
                         const std::string& controller = "integral") {
  Method method{solver, controller, tolerances(tolerance, tolerance), save};
  method.options.step_size = StepSize::per_sample;
  return method;
}

/// z' = -r (z - cos t), with a rate r of each sample's own.
inline Dynamics relaxation() {
  return dynamics_of(1, [](Tensor t, Tensor z, auto c) { return -c[0] * (z - matched(cos(t), z)); },
                     {{"rate", {kRows, 1}, DType::f64}});
}

/// Its solution from z0 at 0 (undetermined coefficients).
inline double relaxed(double rate, double z0, double t) {
  const double a = rate * rate / (1.0 + rate * rate), b = rate / (1.0 + rate * rate);
  return (z0 - a) * std::exp(-rate * t) + a * std::cos(t) + b * std::sin(t);
}

}  // namespace odeum::testing
