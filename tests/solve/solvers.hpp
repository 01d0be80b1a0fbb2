// SPDX-License-Identifier: Apache-2.0
// Solvers of kinds that gradient methods must tell apart, as small as they can be.
#pragma once

#include "odeum/solver.hpp"
#include "odeum/transforms.hpp"

namespace odeum::testing {

inline State moved(const Rates& rates, const State& y, Tensor h, double factor, const State& rate) {
  State result;
  for (std::size_t m = 0; m < y.size(); ++m) {
    const Tensor step = cast(rates.along_absolute_time(m) ? abs(h) : h, y[m].dtype());
    result.push_back(y[m] + (factor * step) * rate[m]);
  }
  return result;
}

/// Asynchronous leapfrog, order 2, invertible: the carry is the velocity (Zhuang et al., MALI,
/// arXiv 2102.04668, algorithms 2 and 3).
class InvertibleLeapfrog final : public Solver {
 public:
  int order() const override { return 2; }
  std::vector<Tensor> start(Rates& rates, Tensor t, const State& y) const override {
    return rates(t, y);
  }
  StepOutputs step(Rates& rates, const StepInputs& in) const override {
    const State middle = moved(rates, in.y, in.h, 0.5, in.carry);
    const State u = rates(in.t + 0.5 * in.h, middle);
    StepOutputs out;
    for (std::size_t m = 0; m < u.size(); ++m) out.carry.push_back(2.0 * u[m] - in.carry[m]);
    out.y = moved(rates, middle, in.h, 0.5, out.carry);
    return out;
  }
  bool reversible() const override { return true; }
  StepOutputs undo(Rates& rates, const StepInputs& end) const override {
    const State middle = moved(rates, end.y, end.h, -0.5, end.carry);
    const State u = rates(end.t - 0.5 * end.h, middle);
    StepOutputs begin;
    for (std::size_t m = 0; m < u.size(); ++m) begin.carry.push_back(2.0 * u[m] - end.carry[m]);
    begin.y = moved(rates, middle, end.h, -0.5, begin.carry);
    return begin;
  }
};

/// Implicit Euler for one state of one feature: Newton on constants, then one correction that
/// carries the derivative.
class SolvedEuler final : public Solver {
 public:
  int order() const override { return 1; }
  const Tableau* runge_kutta() const override {
    static const Tableau tableau{.order = 1, .a = {{"1"}}, .b = {"1"}, .c = {"1"}};
    return &tableau;
  }
  StepOutputs step(Rates& rates, const StepInputs& in) const override {
    constexpr int kIterations = 8;  // quadratic convergence from y: far below rounding
    const Tensor end = in.t + in.h;
    const Tensor h = cast(in.h, in.y[0].dtype());
    Tensor z = in.y[0];
    State rate;
    for (int i = 0; i <= kIterations; ++i) {
      z = stop_gradient(z);
      rate = rates(end, {z});
      const std::vector<Tensor> slope = jvp(rate, std::vector{z}, std::vector{ones_like(z)});
      z = z - (z - in.y[0] - h * rate[0]) / stop_gradient(1.0 - h * slope[0]);
    }
    StepOutputs out;
    out.y = {z};
    out.convergence = full(in.t, {1}, 0.0);
    return out;
  }
};

/// A bridge to a library, of which no step is to be seen.
class HostDriven final : public Solver {
 public:
  int order() const override { return 5; }
  bool host_driven() const override { return true; }
  StepOutputs step(Rates&, const StepInputs&) const override { return {}; }
};

}  // namespace odeum::testing
