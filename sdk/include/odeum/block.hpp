// SPDX-License-Identifier: Apache-2.0
// Block: tensor code between data and loss, with inverse and log-determinant where it has one.
// The block `ode` comes with the core.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "odeum/field.hpp"
#include "odeum/plugin.hpp"
#include "odeum/tensor.hpp"

namespace odeum::inline v1 {

/// Mean and standard deviation of each feature of a block's input over the training rows; their
/// covariance, row-major [features, features], where the block needs it.
struct Moments {
  std::vector<double> mean;
  std::vector<double> deviation;
  std::vector<double> covariance = {};
};

class Block {
 public:
  virtual ~Block();

  struct Output {
    Tensor value;            ///< [rows, ...]
    Tensor log_determinant;  ///< [rows], float64 best: ln |det d value / d x|; empty: zero
    /// What the value costs, [rows] float64 in nats: the divergence of the law that it was drawn
    /// from and a prior. Empty: nothing. Objectives that take no costs are refused (objective.hpp).
    Tensor cost = {};
  };
  /// From data towards the base. x is [rows, ...].
  virtual Output forward(Scope& scope, Tensor x) const = 0;

  /// Extents of the result of one sample (without rows) for an input of one sample. A ConfigError
  /// where the block cannot take that shape.
  virtual Shape output_shape(const Shape& input) const { return input; }

  /// From the base towards data. Blocks without an inverse say so in `why_no_inverse`, and
  /// sampling through them is refused with those words.
  virtual Tensor inverse(Scope& scope, Tensor y) const;
  virtual std::string why_no_inverse() const { return ""; }

  /// Why the block is no change of variables, so that nothing behind it has a density with respect
  /// to the data: an objective that needs the log-determinant is refused with these words. Empty:
  /// it is one, or declares its result to be the data.
  virtual std::string why_no_log_determinant() const { return ""; }

  /// Whether the block wants `fit` before training.
  virtual bool needs_moments() const { return false; }
  /// ... with the covariance, which costs features^2 numbers.
  virtual bool needs_covariance() const { return false; }
  /// Values of its buffers (by the names used with Scope::buffer) for these moments.
  virtual std::map<std::string, std::vector<double>> fit(const Moments& moments) const;
};

}  // namespace odeum::inline v1
