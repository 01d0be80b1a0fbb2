// SPDX-License-Identifier: Apache-2.0
// Objective: what is minimised in training and reported in evaluation, against the model.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "odeum/config.hpp"
#include "odeum/field.hpp"
#include "odeum/plugin.hpp"
#include "odeum/tensor.hpp"

namespace odeum::inline v1 {

/// The model as an objective sees it, while a training or an evaluation step is recorded.
class Model {
 public:
  virtual ~Model();
  struct Result {
    Tensor value;            ///< [rows, ...] at the end of all blocks
    Tensor log_determinant;  ///< [rows] float64: of the whole map; of the ode blocks, the integral
                             ///< of the divergence
    Tensor cost = {};  ///< [rows] float64 [nats]: of the blocks that have one; empty: none has
  };
  /// All blocks, forward: from data towards the base.
  virtual Result forward(Tensor x) = 0;

  // The equation itself, of the model's one ode block, for objectives that match its rate
  // (Objective::matches_velocity) and so need no solve.

  /// What the blocks in front of the ode block make of the data x: the state at the span's start.
  virtual Tensor before_solve(Tensor x);
  /// The block's rate f(t, z), shaped as z, [rows, ...]. `t` is [rows]: each row has its own time.
  virtual Tensor velocity(Tensor t, Tensor z);
  /// Times at which the block's solve starts, at the data, and ends, at the base.
  virtual std::array<double, 2> span() const;
};

class Objective {
 public:
  virtual ~Objective();

  /// Roles that dataset columns are bound to (`bind: {x: points}`); the first one takes the
  /// dataset's main column where nothing is bound.
  virtual std::vector<std::string> roles() const = 0;

  /// Whether `losses` uses the model's log-determinant: then every ode block must provide one.
  virtual bool needs_log_determinant() const { return false; }
  /// Whether training compares the ode block's rate with a given one, by Model::velocity, and never
  /// solves; evaluation may do both. The model is then blocks without parameters and, as the last
  /// one, an ode block; what only a solve in training would use (a gradient method, regularizers of
  /// the path, a learned span) is refused, and a log-determinant is needed in evaluation alone.
  virtual bool matches_velocity() const { return false; }

  /// Whether `losses` uses the cost of the model's blocks: one that does not is refused with a
  /// model that has one.
  virtual bool uses_cost() const { return false; }

  /// Unit of the loss as it is reported and as regularizer weights are relative to: "nats", ...
  virtual std::string units() const = 0;
  /// What a per-sample value in the roles' natural unit is divided by to get the training loss's
  /// unit, for samples with the given number of elements: 1 for nats, elements * ln 2 for bits per
  /// dimension.
  virtual double unit_scale(std::int64_t elements) const { return (void)elements, 1.0; }

  struct Losses {
    Tensor loss;  ///< [rows] float64, per sample, in the training loss's unit: averaged over rows
    /// Per-sample quantities [rows] that evaluation averages and reports with standard errors,
    /// by name: {"nll", ...}. The first one is what validation minimises.
    std::vector<std::pair<std::string, Tensor>> metrics;
    /// Further terms of the training loss, [rows] float64 in its unit, each times what its weight
    /// is at the step: a penalty that is turned on slowly.
    struct Weighted {
      std::string name;  ///< in the log, beside the metrics
      Schedule weight;
      Tensor value;
    };
    std::vector<Weighted> weighted = {};
  };
  virtual Losses losses(Scope& scope, Model& model,
                        const std::map<std::string, Tensor>& roles) const = 0;

  /// Figures of a whole evaluation that are no means over rows (a calibration error), by name, from
  /// the metrics of all its rows.
  virtual std::map<std::string, double> figures(
      const std::map<std::string, std::vector<double>>& metrics) const {
    return (void)metrics, std::map<std::string, double>{};
  }

  /// Draws from the base distribution shaped [rows, ...], for `sample`; empty Tensor: this
  /// objective does not define one, with the reason in `why_no_sampling`.
  virtual Tensor base_sample(Scope& scope, const Shape& shape) const {
    return (void)scope, (void)shape, Tensor();
  }
  virtual std::string why_no_sampling() const { return ""; }
};

}  // namespace odeum::inline v1
