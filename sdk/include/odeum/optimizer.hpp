// SPDX-License-Identifier: Apache-2.0
// Optimizer: one update of the flat parameter buffer, as tensor code.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "odeum/plugin.hpp"
#include "odeum/tensor.hpp"

namespace odeum::inline v1 {

/// Everything an update sees. Flat values have shape [parameters].
struct UpdateInputs {
  Tensor parameters;
  Tensor gradient;            ///< clipped already, where the configuration asks for it
  std::vector<Tensor> slots;  ///< in the order of Optimizer::slots(); zeros before the first update
  Tensor learning_rate;       ///< [1], the schedule's value for this step, in the parameters' type
  Tensor step;                ///< [1], 1 at the first update, in the parameters' type
};

struct UpdateOutputs {
  Tensor parameters;
  std::vector<Tensor> slots;
};

class Optimizer {
 public:
  virtual ~Optimizer();
  /// Names of the flat buffers kept between updates ("first_moment", ...); saved in checkpoints.
  virtual std::vector<std::string> slots() const = 0;
  virtual UpdateOutputs update(const UpdateInputs& in) const = 0;
};

}  // namespace odeum::inline v1
