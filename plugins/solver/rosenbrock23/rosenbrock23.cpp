// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "jacobian.hpp"
#include "odeum/plugin.hpp"
#include "odeum/solve.hpp"
#include "odeum/transforms.hpp"

namespace odeum::rosenbrock {
namespace {

// Shampine and Reichelt, The MATLAB ODE suite, section 3.
const double kD = 1.0 / (2.0 + std::sqrt(2.0));
const double kE32 = 6.0 + std::sqrt(2.0);

/// The step for one member, in its type and shaped to multiply it.
Tensor step_of(Tensor h, Tensor y) {
  const Tensor step = cast(h, y.dtype());
  if (!step.shape().has_rows()) return step;
  std::vector<std::int64_t> extents(static_cast<std::size_t>(y.rank()), 1);
  extents[0] = kRows;
  return reshape(step, Shape(std::move(extents)));
}

/// a + step b, by member.
State advance(const State& a, const State& step, const State& b) {
  State result;
  for (std::size_t m = 0; m < a.size(); ++m) result.push_back(a[m] + step[m] * b[m]);
  return result;
}

/// df/dt at a recorded value of f, for the joined members.
Tensor time_derivative(const Joined& joined, const State& f, Tensor t, const State& y) {
  State outputs;
  for (const std::size_t m : joined.members()) outputs.push_back(f[m]);
  const Tensor unit = ones_like(t);
  const std::vector<Tensor> derivative =
      jvp(outputs, std::span<const Tensor>(&t, 1), std::span<const Tensor>(&unit, 1));
  State all = y;
  for (std::size_t i = 0; i < derivative.size(); ++i) all[joined.members()[i]] = derivative[i];
  return joined.join(all);
}

/// The linear systems of one step, (I - h d J) x = b, for the members that are no quadratures.
class StageSystem {
 public:
  StageSystem(Rates& rates, const StepInputs& in, const State& f0)
      : joined_(rates, in.y),
        like_(in.y),
        hd_ft_(kD * step_of(in.h, joined_.join(in.y)) * time_derivative(joined_, f0, in.t, in.y)) {
    const Tensor j = jacobian(joined_, f0, in.y);
    const std::int64_t n = joined_.size();
    const Tensor unit = equal(iota(j, {n, n}, 0, j.dtype()), iota(j, {n, n}, 1, j.dtype()));
    w_ = unit - kD * step_of(in.h, j) * j;
  }

  Tensor hd_ft() const { return hd_ft_; }  ///< h d df/dt
  Tensor join(const State& values) const { return joined_.join(values); }
  Tensor solve(Tensor b) const {
    const std::int64_t n = joined_.size();
    return reshape(lu_solve(w_, reshape(b, {kRows, n, 1})), {kRows, n});
  }
  /// `values` with the joined members replaced.
  State put(State values, Tensor joined) const {
    joined_.separate(joined, like_, values);
    return values;
  }
  /// `values` with the joined members solved for.
  State stage(State values, Tensor b) const { return put(std::move(values), solve(b)); }

 private:
  Joined joined_;
  const State& like_;
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
  std::string refusal(const Dynamics& dynamics) const override;
  StepOutputs step(Rates& rates, const StepInputs& in) const override;
  State interpolate(Tensor x, const StepInputs& in, const StepOutputs& out) const override;

 private:
  std::int64_t limit_;
};

std::string Rosenbrock23::refusal(const Dynamics& dynamics) const {
  std::string operations;
  for (const std::string& name : couplings(dynamics)) {
    operations += (operations.empty() ? "" : ", ") + name;
  }
  if (!operations.empty()) {
    return "solves a linear system for each sample, but the field mixes samples (" + operations +
           "): use cvode with linear_solver: krylov";
  }
  const std::vector<bool> quadrature = quadratures(dynamics);
  std::int64_t size = 0;
  for (std::size_t m = 0; m < quadrature.size(); ++m) {
    if (quadrature[m]) continue;
    const Member& member = dynamics.members[m];
    if (!member.shape.has_rows()) {
      return "solves a linear system for each sample, but all samples' rates depend on '" +
             member.name + "', which has no rows: use an explicit method";
    }
    size += member.shape.elements_per_row();
  }
  if (size <= limit_) return "";
  return "makes a dense Jacobian of each sample's " + std::to_string(size) +
         " entries, more than jacobian_limit = " + std::to_string(limit_) +
         ": raise it, or use cvode with linear_solver: krylov";
}

// Quadratures take d = 0 in the formula: no linear system, and as order 2 and the error estimate
// hold for any approximation of the Jacobian (a W-method), they keep both. f(t, y) is recorded for
// the Jacobian's sake in any case, so no rate is carried from step to step.
StepOutputs Rosenbrock23::step(Rates& rates, const StepInputs& in) const {
  State step, half;
  for (std::size_t m = 0; m < in.y.size(); ++m) {
    step.push_back(step_of(rates.along_absolute_time(m) ? abs(in.h) : in.h, in.y[m]));
    half.push_back(0.5 * step.back());
  }
  const State f0 = rates(in.t, in.y);
  const StageSystem system(rates, in, f0);
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
    const Tensor at = cast(x, in.y[m].dtype());
    y.push_back(in.y[m] + at * (out.dense[m] + at * out.dense[members + m]));
  }
  return y;
}

}  // namespace
}  // namespace odeum::rosenbrock

ODEUM_PLUGIN(solver, "rosenbrock23", odeum::rosenbrock::Rosenbrock23, "1.0.0",
             "Rosenbrock 2(3), Shampine-Reichelt")
