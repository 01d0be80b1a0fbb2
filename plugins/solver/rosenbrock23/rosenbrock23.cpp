// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <cmath>

#include "odeum/implicit.hpp"
#include "odeum/transforms.hpp"

namespace odeum::rosenbrock {
namespace {

// Shampine and Reichelt, The MATLAB ODE suite, section 3.
const double kD = 1.0 / (2.0 + std::sqrt(2.0));
const double kE32 = 6.0 + std::sqrt(2.0);

/// a + step b, by member.
State advance(const State& a, const State& step, const State& b) {
  State result;
  for (std::size_t m = 0; m < a.size(); ++m) result.push_back(a[m] + step[m] * b[m]);
  return result;
}

/// The linear systems of one step, (I - h d J) x = b, for the members that are no quadratures.
class StageSystem {
 public:
  StageSystem(Rates& rates, const StepInputs& in) : unknown_(rates, in.y) {
    const Tensor z = unknown_.join(in.y);
    f0_ = rates(in.t, unknown_.put(z, in.y));
    const Tensor f = unknown_.join(f0_);
    const Tensor j = jacobian(f, z);
    const std::int64_t n = unknown_.size();
    const Tensor unit = equal(iota(j, {n, n}, 0, j.dtype()), iota(j, {n, n}, 1, j.dtype()));
    w_ = unit - kD * matched(in.h, j) * j;
    const std::array outputs{f}, inputs{in.t}, tangents{ones_like(in.t)};
    hd_ft_ = kD * matched(in.h, f) * jvp(outputs, inputs, tangents).front();
  }

  const State& f0() const { return f0_; }  ///< the rates at the step's beginning
  Tensor hd_ft() const { return hd_ft_; }  ///< h d df/dt there
  Tensor join(const State& values) const { return unknown_.join(values); }
  Tensor solve(Tensor b) const { return solve_rows(w_, b); }
  /// `values` with the joined members replaced.
  State put(State values, Tensor joined) const { return unknown_.put(joined, std::move(values)); }
  /// `values` with the joined members solved for.
  State stage(State values, Tensor b) const { return put(std::move(values), solve(b)); }

 private:
  Unknown unknown_;
  State f0_;
  Tensor hd_ft_, w_;
};

class Rosenbrock23 final : public Solver {
 public:
  static Schema schema() {
    return Schema(
               "Rosenbrock method of order 2 with an error estimate of order 3, L-stable: one "
               "linear system a sample and step, with the exact Jacobian, no iteration. For stiff "
               "equations at moderate tolerances")
        .integer("jacobian_limit", 256,
                 "most entries of a sample's state, whose Jacobian is a dense matrix; larger ones "
                 "are refused")
        .at_least(1)
        .cite(
            "L. F. Shampine, M. W. Reichelt, The MATLAB ODE suite, SIAM J. Sci. Comput. 18 (1997) "
            "1-22: the formula of ode23s, its error estimate and dense output");
  }

  explicit Rosenbrock23(const Config& config) : limit_(config.integer("jacobian_limit")) {}

  int order() const override { return 2; }
  int error_order() const override { return 3; }
  std::string refusal(const Dynamics& dynamics) const override {
    return newton_refusal(dynamics, {.jacobian_limit = limit_});
  }
  StepOutputs step(Rates& rates, const StepInputs& in) const override;
  State interpolate(Tensor x, const StepInputs& in, const StepOutputs& out) const override;

 private:
  std::int64_t limit_;
};

// Quadratures take d = 0 in the formula: no linear system, and as order 2 and the error estimate
// hold for any approximation of the Jacobian (a W-method), they keep both. f(t, y) is recorded for
// the Jacobian's sake in any case, so no rate is carried from step to step.
StepOutputs Rosenbrock23::step(Rates& rates, const StepInputs& in) const {
  State step, half;
  for (std::size_t m = 0; m < in.y.size(); ++m) {
    step.push_back(matched(rates.along_absolute_time(m) ? abs(in.h) : in.h, in.y[m]));
    half.push_back(0.5 * step.back());
  }
  const StageSystem system(rates, in);
  const State& f0 = system.f0();
  const State k1 = system.stage(f0, system.join(f0) + system.hd_ft());
  const State f1 = rates(in.t + 0.5 * in.h, advance(in.y, half, k1));
  const Tensor rise = system.solve(system.join(f1) - system.join(k1));
  const State k2 = system.put(f1, rise + system.join(k1));

  StepOutputs out;
  out.y = advance(in.y, step, k2);
  const State f2 = rates(in.t + in.h, out.y);
  const Tensor defect = system.join(f2) - kE32 * (system.join(k2) - system.join(f1)) -
                        2.0 * (system.join(k1) - system.join(f0));
  const State k3 = system.stage(f2, defect + system.hd_ft());

  State quadratic;
  for (std::size_t m = 0; m < in.y.size(); ++m) {
    const double d = rates.quadrature(m) ? 0.0 : kD;
    const Tensor scaled = step[m] / (1.0 - 2.0 * d);
    out.error.push_back(step[m] / 6.0 * (k1[m] - 2.0 * k2[m] + k3[m]));
    out.dense.push_back(scaled * (k1[m] - 2.0 * d * k2[m]));
    quadratic.push_back(scaled * (k2[m] - k1[m]));
  }
  out.dense.insert(out.dense.end(), quadratic.begin(), quadratic.end());
  return out;
}

State Rosenbrock23::interpolate(Tensor x, const StepInputs& in, const StepOutputs& out) const {
  const std::size_t members = in.y.size();
  State y;
  for (std::size_t m = 0; m < members; ++m) {
    const Tensor at = matched(x, in.y[m]);
    y.push_back(in.y[m] + at * (out.dense[m] + at * out.dense[members + m]));
  }
  return y;
}

}  // namespace
}  // namespace odeum::rosenbrock

ODEUM_PLUGIN(solver, "rosenbrock23", odeum::rosenbrock::Rosenbrock23, "1.0.0",
             "Rosenbrock 2(3), Shampine-Reichelt")
