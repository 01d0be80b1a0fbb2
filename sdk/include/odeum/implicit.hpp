// SPDX-License-Identifier: Apache-2.0
// Implicit methods: stages that are roots of equations, for stiff problems.
//
// A diagonally implicit method is a tableau and a name, as an explicit one is:
//
//   class Kvaerno3 final : public DiagonallyImplicit {
//    public:
//     static Schema schema() { return Schema("...").cite("...").include(newton_keys()); }
//     explicit Kvaerno3(const Config& config) : DiagonallyImplicit(newton_options(config)) {}
//     const Tableau& tableau() const override { return kTableau; }
//   };
//
// Every stage is solved by Newton's iteration inside the step program, row by row, with analytic
// Jacobians. Nothing about it needs a derivative rule of its own: the last correction is a
// differentiable one whose derivative is the implicit function theorem's, so reverse mode, forward
// mode and the adjoint equation work as they do with explicit methods. First derivatives are exact
// up to the iteration's last correction; derivatives of derivatives of a step are not.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "odeum/plugin.hpp"
#include "odeum/solver.hpp"

namespace odeum::inline v1 {

/// How the stage equations are solved.
struct NewtonOptions {
  /// Iterations before the last, differentiable one.
  int iterations = 4;
  /// Iterations with one Jacobian before it is taken anew at the present iterate.
  int reuse = 2;
  /// The last correction's share of the error tolerance; more than that and the step is repeated
  /// shorter (Hairer, Wanner, Solving ODEs II, IV.8, eq. 8.10).
  double share = 0.01;
  /// The largest number of unknowns of one row that a dense matrix is made for.
  std::int64_t jacobian_limit = 256;
};
Schema newton_keys();
NewtonOptions newton_options(const Config& config);

/// Why a dense Newton iteration cannot solve the dynamics, `stages` of a step at once, with what to
/// use instead; empty: it can.
std::string newton_refusal(const Dynamics& dynamics, const NewtonOptions& options,
                           std::size_t stages = 1);

/// d output / d input, [rows, m, n] for [rows, m] and [rows, n], by one vmapped tangent: costs n
/// directional derivatives.
Tensor jacobian(Tensor output, Tensor input);

/// The solution x of A x = b for each row: A [rows, n, n], b [rows, n].
Tensor solve_rows(Tensor matrix, Tensor right);

struct Root {
  Tensor z;       ///< the root, [rows, n]
  Tensor update;  ///< the last correction, shaped as z: what the iterate before it was wrong by
  Tensor matrix;  ///< the first iterate's Jacobian, [rows, n, n]; constant to derivatives
};
/// The root of `residual`, [rows, n] to [rows, n], near `guess` (computed, no constant):
/// `options.iterations` of Newton's method on constants, then one correction z = z* - J(z*)^-1
/// residual(z*) with z* and J constant, so that dz = -J^-1 d residual for whatever else the
/// residual depends on. The work is fixed: iterations + 1 evaluations, and a Jacobian for every
/// `reuse` iterations and one for the correction. `jacobian_of` gives the residual's Jacobian at z
/// where it is cheaper than by `jacobian`.
Root root(const std::function<Tensor(Tensor z)>& residual, Tensor guess,
          const NewtonOptions& options,
          const std::function<Tensor(Tensor z, Tensor value)>& jacobian_of = {});

/// The members that equations are solved for, joined to one unknown [rows, n]. The others are
/// quadratures: no rate depends on them, so they are summed up and not solved for.
class Unknown {
 public:
  Unknown(const Rates& rates, const State& like);

  const std::vector<std::size_t>& members() const { return members_; }
  std::int64_t size() const { return size_; }
  Tensor join(const State& state) const;
  /// `state` with the joined members in the places of its own.
  State put(Tensor joined, State state) const;
  /// For each row, the RMS of `update` over `share` of the tolerance, magnitudes being the larger
  /// of both states', but no less than what rounding leaves: float64 [rows].
  Tensor convergence(const Rates& rates, Tensor update, const State& y0, const State& y1,
                     double share) const;

 private:
  std::vector<std::size_t> members_;
  std::vector<std::int64_t> sizes_;
  std::int64_t size_ = 0;
  DType dtype_ = DType::f32;
};

/// Methods whose stages are solved one after another (SDIRK, ESDIRK): row i of the tableau has i
/// entries (an explicit stage) or i + 1. Quadratures are integrated with the same stages' rates.
/// A stiffly accurate method, whose last stage is y1, carries that stage's rates: they are the
/// first stage's where that is explicit, else the first prediction, and with y and y1 they make the
/// cubic Hermite dense output of a tableau without `dense`.
class DiagonallyImplicit : public Solver {
 public:
  explicit DiagonallyImplicit(NewtonOptions options) : options_(options) {}
  virtual const Tableau& tableau() const = 0;
  /// Whether the error estimate is multiplied by (I - h gamma J)^-1, as the paper does where the
  /// companion is unbounded for stiff components (Hosea, Shampine 1996; Hairer, Wanner IV.8).
  virtual bool filters_error() const { return false; }

  const Tableau* runge_kutta() const override { return &tableau(); }
  std::string refusal(const Dynamics& dynamics) const override;
  int order() const override { return tableau().order; }
  int error_order() const override;
  std::vector<Tensor> start(Rates& rates, Tensor t, const State& y) const override;
  StepOutputs step(Rates& rates, const StepInputs& in) const override;
  State interpolate(Tensor x, const StepInputs& in, const StepOutputs& out) const override;

 protected:
  struct Taken {
    StepOutputs out;
    std::vector<State> rates;  ///< by stage, of all members
  };
  /// The step from the rates `before`, those of the first stage if that is explicit, else a guess
  /// for it. `in.carry` is not looked at.
  Taken step_from(Rates& rates, const StepInputs& in, const State& before) const;

 private:
  NewtonOptions options_;
};

/// Methods whose stages are solved at once: full rows. The rates of the last step's stages are
/// carried and their polynomial, extrapolated, is the next prediction. Dense output is the
/// collocation polynomial, the tableau's `dense`. The error estimate, for methods with
/// `error_weight`, is that of Hairer, Wanner, Solving ODEs II, IV.8, eq. (8.19): the defect of the
/// collocation polynomial at the step's beginning, (I - h g J)^-1 h g (f(t, y) - u'(t)), of order
/// s + 1 for s stages.
class FullyImplicit : public Solver {
 public:
  explicit FullyImplicit(NewtonOptions options) : options_(options) {}
  virtual const Tableau& tableau() const = 0;
  virtual Coefficient error_weight() const = 0;  ///< the g above

  const Tableau* runge_kutta() const override { return &tableau(); }
  std::string refusal(const Dynamics& dynamics) const override;
  int order() const override { return tableau().order; }
  int error_order() const override;
  std::vector<Tensor> start(Rates& rates, Tensor t, const State& y) const override;
  StepOutputs step(Rates& rates, const StepInputs& in) const override;
  State interpolate(Tensor x, const StepInputs& in, const StepOutputs& out) const override;

 private:
  NewtonOptions options_;
};

/// Additive methods: an explicit tableau for the rest of the field and a diagonally implicit one
/// for its stiff part, with the same nodes and weights (Kennedy, Carpenter 2003).
class ImplicitExplicit : public Solver {
 public:
  explicit ImplicitExplicit(NewtonOptions options) : options_(options) {}
  virtual const Tableau& explicit_tableau() const = 0;
  /// Its weights, companion and dense output are both parts'.
  virtual const Tableau& implicit_tableau() const = 0;

  std::string refusal(const Dynamics& dynamics) const override;
  int order() const override { return implicit_tableau().order; }
  int error_order() const override;
  StepOutputs step(Rates& rates, const StepInputs& in) const override;
  State interpolate(Tensor x, const StepInputs& in, const StepOutputs& out) const override;

 private:
  NewtonOptions options_;
};

}  // namespace odeum::inline v1
