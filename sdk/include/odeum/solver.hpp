// SPDX-License-Identifier: Apache-2.0
// Solver: one step of a numerical method, as tensor code. The core's one loop does the rest: step
// control, save times, events, statuses, statistics.
//
// An explicit Runge-Kutta method is a tableau and a name:
//
//   class Heun final : public RungeKutta {
//    public:
//     static Schema schema() { return Schema("Heun's method").cite("..."); }
//     const Tableau& tableau() const override { return kTableau; }
//   };
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "odeum/plugin.hpp"
#include "odeum/tableau.hpp"
#include "odeum/tensor.hpp"

namespace odeum::inline v1 {

/// The members of a solve's state: z, log-density, running costs, or whatever a gradient method
/// integrates.
using State = std::vector<Tensor>;

/// A step's scalar (t, h, x: [1] or [rows]) in y's type and shaped to multiply it.
Tensor matched(Tensor scalar, Tensor y);

struct Dynamics;
struct SolveOptions;
struct IntegratorRequest;
class Device;
class Integrator;

/// The rates of all members at (t, y). t is float64, [1] or [rows]. Each call is an evaluation of
/// the dynamics and is counted.
class Rates {
 public:
  virtual ~Rates();
  virtual State operator()(Tensor t, const State& y) = 0;

  /// Rates in two parts whose sum is the whole, for implicit-explicit methods. Counts as one
  /// evaluation. The stiff part of a quadrature is an empty Tensor. Where the dynamics has no
  /// parts (an adjoint equation), all but its quadratures is stiff.
  struct Parts {
    State rest;
    State stiff;
  };
  virtual Parts parts(Tensor t, const State& y) = 0;

  /// Whether no rate depends on this member (log-density, costs, parameters' cotangents): it is
  /// integrated, but no equation has to be solved for it. The first member never is one.
  virtual bool quadrature(std::size_t member) const = 0;
  /// What an entry may be wrong by: atol + rtol magnitude, shaped as `magnitude`.
  virtual Tensor tolerance(std::size_t member, Tensor magnitude) const = 0;
  /// Members whose quadrature runs along |h| instead of h (running costs): reversing time must
  /// not flip a penalty.
  virtual bool along_absolute_time(std::size_t member) const = 0;
  /// Evaluations so far. A call with the very tensors of an earlier one gives that one's rates
  /// and counts nothing.
  virtual std::int64_t calls() const = 0;
};

/// Whether anyone is going to ask a step for values inside it.
enum class DenseOutput : std::uint8_t { wanted, not_wanted };

struct StepInputs {
  Tensor t;  ///< float64, [1] or [rows]
  Tensor h;  ///< float64, as t; signed
  State y;
  std::vector<Tensor> carry;  ///< what the last step (or `start`) handed on
  /// Not wanted: StepOutputs::dense may stay empty, and no evaluation is made for it alone.
  DenseOutput dense_output = DenseOutput::wanted;
};

struct StepOutputs {
  State y;
  std::vector<Tensor> carry;
  State error;  ///< local error estimate by member; empty: none
  /// Of an iteration inside the step: how far it is from done, over what is allowed, float64, [1]
  /// or [rows]; above 1 or not a number: it has not converged and the step is repeated
  /// shorter. Empty: nothing was iterated.
  Tensor convergence = {};
  std::vector<Tensor> dense;  ///< what `interpolate` needs beside y0 and y1
};

class Solver {
 public:
  virtual ~Solver();

  virtual int order() const = 0;
  /// The k in `error ratio ~ h^k` for step control; 0: the method has no error estimate and
  /// needs a given step.
  virtual int error_order() const { return 0; }
  /// Why this method cannot solve the given dynamics (no stiff part, rows that mix, too large for
  /// a dense Jacobian, ...), with what to use instead; empty: it can. Asked at validation.
  virtual std::string refusal(const Dynamics& dynamics) const;
  /// The method's coefficients, where it is a Runge-Kutta method, explicit or not.
  virtual const Tableau* runge_kutta() const { return nullptr; }

  /// The carry before the first step, e.g. f(t0, y0) of a method that reuses its last stage.
  /// Also used to restart after a discontinuity or from a stored state.
  virtual std::vector<Tensor> start(Rates& rates, Tensor t, const State& y) const;
  virtual StepOutputs step(Rates& rates, const StepInputs& in) const = 0;

  /// The state at t + x h, x in [0, 1], float64, shaped as t, from a step's in- and outputs.
  /// Differentiable in x and all else. The default is linear.
  virtual State interpolate(Tensor x, const StepInputs& in, const StepOutputs& out) const;

  /// Whether `undo` is there: the step is an exactly invertible map of (state, carry).
  virtual bool reversible() const { return false; }
  /// From the end of a step of length h (`end.t` = t + h, `end.h` = h, state and carry there) back
  /// to what it began from: y and carry of the result; up to rounding the step's inputs.
  virtual StepOutputs undo(Rates& rates, const StepInputs& end) const;

  /// Whether the method brings its own loop (a bridge to a library): then `integrator` makes it,
  /// and `start`, `step` and `interpolate` are never called. Gradient methods that need steps
  /// refuse it; those that only integrate further equations work.
  virtual bool host_driven() const { return false; }
  /// `dynamics` is kept by the integrator; the rest must outlive it.
  virtual std::unique_ptr<Integrator> integrator(const Dynamics& dynamics,
                                                 const SolveOptions& options,
                                                 std::shared_ptr<Device> device,
                                                 const IntegratorRequest& request) const;
};

/// Explicit Runge-Kutta methods. The carry of a method whose last stage is the next one's first
/// holds that rate, by member. Members without rows (parameter gradients) are summed up as the
/// stages come, so that a device need not keep their stage rates.
class RungeKutta : public Solver {
 public:
  virtual const Tableau& tableau() const = 0;

  const Tableau* runge_kutta() const override { return &tableau(); }
  int order() const override;
  int error_order() const override;
  std::vector<Tensor> start(Rates& rates, Tensor t, const State& y) const override;
  StepOutputs step(Rates& rates, const StepInputs& in) const override;
  State interpolate(Tensor x, const StepInputs& in, const StepOutputs& out) const override;
};

}  // namespace odeum::inline v1
