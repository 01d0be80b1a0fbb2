// SPDX-License-Identifier: Apache-2.0
// Controller: after an attempted step, accept it or not, and choose the next step. Tensor code,
// recorded into the step program; the same code serves one step size for the batch and one per
// sample.
#pragma once

#include <vector>

#include "odeum/plugin.hpp"
#include "odeum/tensor.hpp"

namespace odeum::inline v1 {

/// All tensors here are float64, shape [1] (shared step) or [rows] (per-sample steps).
struct ControlInputs {
  Tensor error_ratio;  ///< norm of error over tolerance: at most 1 is acceptable; may be non-finite
  Tensor h;            ///< the attempted step, signed
  std::vector<Tensor> memory;
  int order = 1;  ///< the order k of the error estimate's step-size law: ratio ~ h^k
};

struct ControlOutputs {
  Tensor accept;  ///< 1 or 0
  Tensor next_h;  ///< signed; for the next step when accepted, for the repetition when not
  std::vector<Tensor> memory;
};

class Controller {
 public:
  virtual ~Controller();
  /// Whether it looks at the error at all; one that does not works with every solver.
  virtual bool adaptive() const { return true; }
  /// Starting values of the memory, one scalar each (error ratios of earlier steps, ...).
  virtual std::vector<double> initial_memory() const { return {}; }
  virtual ControlOutputs decide(const ControlInputs& in) const = 0;
};

}  // namespace odeum::inline v1
