// SPDX-License-Identifier: Apache-2.0
// Optimizer: one update of the flat parameter buffer, as tensor code; or, for methods that look at
// the loss at several points before they move, a search on the host.
#pragma once

#include <cstdint>
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

/// The loss of one training step as a function of the parameters: rows, noise and buffers are the
/// same at every call, so equal parameters give equal bits.
class LossFunction {
 public:
  virtual ~LossFunction();
  /// The loss and its gradient, both spans [parameters]. The parameters are rounded to the run's
  /// precision first, in place: they are the point that is looked at. Infinite, with a gradient
  /// that means nothing, where a solve fails; it may be not a number.
  virtual double operator()(std::span<double> parameters, std::span<double> gradient) = 0;
};

/// What a search begins with. Spans are [parameters], float64 on the host.
struct SearchInputs {
  std::span<double> parameters;      ///< where it begins; it leaves those that it chose there
  std::span<const double> gradient;  ///< there, finite
  double loss = 0.0;                 ///< there, finite
  /// In the order of Optimizer::slots(); zeros before the first search. What is left there comes
  /// back at the next one, rounded to the run's precision.
  std::span<const std::span<double>> slots;
  double learning_rate = 1.0;  ///< the schedule's value for this step
};

struct SearchReport {
  std::int64_t iterations = 0;  ///< moves to a lower loss
  /// Why a further search of the same loss would change nothing (a tolerance is met, no lower loss
  /// can be found); empty: it may.
  std::string finished = {};
};

/// An optimizer whose step asks for the loss and its gradient at points of its own choice. Its
/// learning rate is 1 where the configuration has none. It is deterministic: what it does follows
/// from the inputs and the losses alone.
class LineSearchOptimizer : public Optimizer {
 public:
  ~LineSearchOptimizer() override;
  virtual SearchReport search(const SearchInputs& in, LossFunction& loss) const = 0;
  /// Never called.
  UpdateOutputs update(const UpdateInputs& in) const final;
};

}  // namespace odeum::inline v1
