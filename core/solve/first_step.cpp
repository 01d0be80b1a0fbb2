// SPDX-License-Identifier: Apache-2.0
#include "solve/first_step.hpp"

#include <cmath>

#include "odeum/solver.hpp"

namespace odeum::solve {
namespace {

/// y + h f by member, quadratures along |t| counting positive.
State euler_probe(const State& y, const State& f, Tensor h, std::span<const Member> members) {
  State probe;
  for (std::size_t m = 0; m < y.size(); ++m) {
    probe.push_back(y[m] + matched(members[m].along_absolute_time ? abs(h) : h, y[m]) * f[m]);
  }
  return probe;
}

}  // namespace

Tensor choose_first_step(Rates& rates, Tensor t, Tensor span, const State& y, const Method& method,
                         StateNorm norm) {
  const std::span<const Member> members = method.dynamics.members;
  const SolveOptions& options = method.options;
  const State f0 = rates(t, y);
  const Tensor length = abs(span);
  const Tensor direction = sign(span);

  const Tensor d0 = norm(y, y, members, options);
  const Tensor d1 = norm(f0, y, members, options);
  const auto all = [&d0](double value) { return full(d0, d0.shape(), value, DType::f64); };
  const Tensor small = max(less(d0, all(1e-5)), less(d1, all(1e-5)));
  // A number, not a function of the rates: whoever differentiates them at the probe (an adjoint, by
  // its parameters) means the field there.
  const Tensor h0 = stop_gradient(min(select(small, all(1e-6), 0.01 * d0 / d1), length));

  const State f1 = rates(t + direction * h0, euler_probe(y, f0, direction * h0, members));
  State difference;
  for (std::size_t m = 0; m < y.size(); ++m) difference.push_back(f1[m] - f0[m]);
  const Tensor d2 = norm(difference, y, members, options) / h0;

  const Tensor steepest = max(d1, d2);
  const Tensor flat = less(steepest, all(1e-15));
  const Tensor by_order = pow(0.01 / steepest, 1.0 / method.solver.error_order());
  const Tensor h1 = select(flat, max(1e-3 * h0, 1e-6), by_order);
  return direction * min(min(100.0 * h0, h1), length);
}

}  // namespace odeum::solve
