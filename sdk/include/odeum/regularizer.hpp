// SPDX-License-Identifier: Apache-2.0
// Regularizer: a cost added to the training loss. Weights are relative to the training loss in
// its units (nats or bits per dimension); the core multiplies by `weight:` and averages over rows.
#pragma once

#include <string>
#include <vector>

#include "odeum/plugin.hpp"
#include "odeum/tensor.hpp"

namespace odeum::inline v1 {

/// A point of the trajectory during a solve. Each thing is computed once and shared by all that
/// ask for it: the divergence estimate, every regularizer, the field itself.
class Path {
 public:
  virtual ~Path();
  virtual Tensor time() = 0;      ///< [1] or [rows, 1], in the state's type
  virtual Tensor state() = 0;     ///< z [rows, ...]
  virtual Tensor velocity() = 0;  ///< f(t, z), shaped as z
  /// The solve's random probe, shaped as z: drawn once a solve, reused in its gradient;
  /// mean 0, covariance the identity. Gaussian, or as `divergence:` says.
  virtual Tensor probe() = 0;
  virtual Tensor vjp(Tensor cotangent) = 0;  ///< J^T v, J = df/dz; vjp(probe()) is shared
  virtual Tensor jvp(Tensor tangent) = 0;    ///< J v
  virtual Tensor divergence() = 0;           ///< [rows], exact or estimated as configured
  virtual Tensor time_derivative() = 0;      ///< partial df/dt, shaped as z
  /// k-th total derivative of the trajectory, d^k z/dt^k; k = 1 is velocity().
  virtual Tensor derivative(int k) = 0;
};

/// One accepted step of the solver, as tensor code inside the step.
struct SolverStep {
  /// An evaluation that the step made: z's rate at (t, z).
  struct Evaluation {
    Tensor t;  ///< float64, [1] or [rows]; the same Tensor for equal times
    Tensor z;
    Tensor rate;
  };
  Tensor t;      ///< where it began, float64, [1] or [rows]
  Tensor h;      ///< signed, as t
  Tensor z0;     ///< state before [rows, ...]
  Tensor z1;     ///< and after
  Tensor error;  ///< the local error estimate, shaped as z; empty: the solver has none
  /// In the order made, the step's reused first one too; none where the method iterates.
  std::vector<Evaluation> evaluations;
};

class Regularizer {
 public:
  virtual ~Regularizer();
  /// The rate of the running cost per sample, [rows]; integrated along the solve with |dt|. An
  /// empty Tensor: no running cost.
  virtual Tensor running_cost(Path& path) const { return (void)path, Tensor(); }
  /// A cost of the state at the end, [rows]; empty: none.
  virtual Tensor terminal_cost(Path& path) const { return (void)path, Tensor(); }
  /// A cost of one step of the solver, [rows], added up over the accepted steps of a solve; empty:
  /// none. It belongs to the discretisation, so only gradient methods that differentiate the
  /// steps themselves carry it. Throws std::invalid_argument, saying what it needs, where the
  /// solver's steps lack it (an error estimate, two evaluations at one time).
  virtual Tensor step_cost(const SolverStep& step) const { return (void)step, Tensor(); }
  /// The b of a span whose end is drawn uniformly from (end - b, end + b) in each training step,
  /// in the span's units of time; 0: the end stays.
  virtual double span_jitter() const { return 0.0; }
  /// A cost of one parameter, [1]; empty: none.
  virtual Tensor parameter_cost(Tensor parameter) const { return (void)parameter, Tensor(); }
  /// The same, for a cost that depends on which parameter it is: `name` as the field gave it to
  /// Scope::parameter. This one is asked.
  virtual Tensor named_parameter_cost(const std::string& name, Tensor parameter) const {
    return (void)name, parameter_cost(parameter);
  }
};

}  // namespace odeum::inline v1
