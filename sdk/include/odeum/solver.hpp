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
#include <span>
#include <vector>

#include "odeum/plugin.hpp"
#include "odeum/tableau.hpp"
#include "odeum/tensor.hpp"

namespace odeum::inline v1 {

/// The members of a solve's state: z, log-density, running costs, or whatever a gradient method
/// integrates.
using State = std::vector<Tensor>;

/// The rates of all members at (t, y). t is float64, [1] or [rows]. Each call is an evaluation of
/// the dynamics and is counted.
class Rates {
 public:
  virtual ~Rates();
  virtual State operator()(Tensor t, const State& y) = 0;
  /// Members whose quadrature runs along |h| instead of h (running costs): reversing time must
  /// not flip a penalty.
  virtual bool along_absolute_time(std::size_t member) const = 0;
  /// Evaluations so far. A call with the very tensors of an earlier one gives that one's rates
  /// and counts nothing.
  virtual std::int64_t calls() const = 0;
};

struct StepInputs {
  Tensor t;  ///< float64, [1] or [rows]
  Tensor h;  ///< float64, as t; signed
  State y;
  std::vector<Tensor> carry;  ///< what the last step (or `start`) handed on
};

struct StepOutputs {
  State y;
  std::vector<Tensor> carry;
  State error;                ///< local error estimate by member; empty: none
  std::vector<Tensor> dense;  ///< what `interpolate` needs beside y0 and y1
};

class Solver {
 public:
  virtual ~Solver();

  virtual int order() const = 0;
  /// The k in `error ratio ~ h^k` for step control; 0: the method has no error estimate and
  /// needs a given step.
  virtual int error_order() const { return 0; }

  /// The carry before the first step, e.g. f(t0, y0) of a method that reuses its last stage.
  /// Also used to restart after a discontinuity or from a stored state.
  virtual std::vector<Tensor> start(Rates& rates, Tensor t, const State& y) const;
  virtual StepOutputs step(Rates& rates, const StepInputs& in) const = 0;

  /// The state at t + x h, x in [0, 1] of shape [1], float64, from a step's in- and outputs.
  /// Differentiable in x and all else. The default is linear.
  virtual State interpolate(Tensor x, const StepInputs& in, const StepOutputs& out) const;
};

/// Explicit Runge-Kutta methods. The carry of a method whose last stage is the next one's first
/// holds that rate, by member. Members without rows (parameter gradients) are summed up as the
/// stages come, so that a device need not keep their stage rates.
class RungeKutta : public Solver {
 public:
  virtual const Tableau& tableau() const = 0;

  int order() const override;
  int error_order() const override;
  std::vector<Tensor> start(Rates& rates, Tensor t, const State& y) const override;
  StepOutputs step(Rates& rates, const StepInputs& in) const override;
  State interpolate(Tensor x, const StepInputs& in, const StepOutputs& out) const override;
};

}  // namespace odeum::inline v1
