// SPDX-License-Identifier: Apache-2.0
// Pipeline: what a training configuration describes, assembled and ready to run: data, blocks,
// objective, on a device. It owns no numbers: parameters, gradients and buffers are the caller's
// (train/), as flat device memory laid out as `parameters()` and `buffers()` say.
//
// Errors: a configuration that cannot work is a ConfigError from the constructor; a solve that
// fails is a SolveFailure from the call that ran it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "odeum/dataset.hpp"
#include "odeum/device.hpp"
#include "odeum/field.hpp"
#include "odeum/objective.hpp"
#include "odeum/solve.hpp"

namespace odeum::plugin {
class Registry;
}

namespace odeum::model {

/// One named array in a flat buffer of the pipeline's precision.
struct Entry {
  std::string name;  ///< "flow.field.layer0.weight"
  Shape shape;
  Initializer initializer;
  std::int64_t offset = 0;  ///< in elements
  std::int64_t size = 0;    ///< in elements
};
struct Layout {
  std::vector<Entry> entries;
  std::int64_t size = 0;  ///< elements of the whole buffer
};

/// Rows of the dataset, on the host, by column in the order of Dataset::columns().
struct Batch {
  std::int64_t rows = 0;
  std::vector<std::int64_t> samples;         ///< the rows' sample indices
  std::vector<std::vector<double>> columns;  ///< row-major; empty where not wanted
};

/// Field evaluations of the solves of one call, summed over blocks.
struct Evaluations {
  std::int64_t forward = 0;
  std::int64_t backward = 0;
  std::int64_t accepted = 0;  ///< steps, forward
  std::int64_t rejected = 0;

  Evaluations& operator+=(const Evaluations& more) {
    forward += more.forward;
    backward += more.backward;
    accepted += more.accepted;
    rejected += more.rejected;
    return *this;
  }
};

/// What a step or an evaluation gives, averaged over the batch's rows.
struct StepResult {
  double loss = 0.0;                      ///< with the weighted costs
  std::map<std::string, double> metrics;  ///< of the objective
  std::map<std::string, double> costs;    ///< of the regularizers, unweighted, by "block.name"
  Evaluations evaluations;
};
/// A training step that a device may still be at work on.
struct QueuedStep {
  View loss;  ///< float64, the first of `numbers` that a StepResult is made of
  std::size_t numbers = 0;
  Evaluations evaluations;
};
struct EvaluationResult {
  std::map<std::string, std::vector<double>> metrics;  ///< per row
  Evaluations evaluations;
};

/// A solve inside a pipeline ended in a failure status.
class SolveFailure : public RunError {
 public:
  SolveFailure(const std::string& block, SolveReport report, OnFailure policy);
  const SolveReport& report() const { return report_; }
  /// What the solver of this block says about failures.
  OnFailure policy() const { return policy_; }

 private:
  SolveReport report_;
  OnFailure policy_;
};

class Pipeline {
 public:
  /// `root` is validated against train::root_schema().
  Pipeline(const Config& root, const plugin::Registry& registry);
  ~Pipeline();

  const Dataset& dataset() const;
  const Objective& objective() const;
  Device& device() const;
  std::shared_ptr<Device> shared_device() const;
  DType precision() const;
  /// What a user should know though it is no mistake, a line each.
  const std::vector<std::string>& warnings() const;
  std::int64_t batch_rows() const;  ///< `data.batch`
  /// Which dataset columns are used (others need not be read).
  std::vector<bool> wanted_columns() const;

  /// The evaluation's first metric: what validation minimises.
  const std::string& main_metric() const;

  const Layout& parameters() const;
  const Layout& buffers() const;
  /// Drawn by each entry's initializer from the run's stream, independent of layout order.
  std::vector<double> initial_parameters() const;
  std::vector<double> initial_buffers() const;
  /// Whether `fit` changes anything: a block wants moments of training rows.
  bool needs_fit() const;
  /// Values of the blocks' buffers that are fitted to training rows (standardize, ...); returns
  /// the buffers, the others unchanged. `rows`: training rows, at most some 100,000.
  std::vector<double> fit(const Batch& rows, View parameters, std::vector<double> buffers);

  /// One training step's loss and gradient. `step` counts from 0 and keys the noise. The gradient
  /// buffer is overwritten; `buffers` move as the step's components let them (Scope::observe), once
  /// the whole step has run.
  StepResult train_step(const Batch& batch, std::int64_t step, View parameters, View buffers,
                        View gradient);

  /// The same without waiting for its loss, and `buffers` stay: what they move to is in
  /// `next_buffers()`. Both are there until another call queues something behind them.
  QueuedStep queue_train_step(const Batch& batch, std::int64_t step, View parameters, View buffers,
                              View gradient);
  /// `numbers`: what was read where QueuedStep::loss begins.
  StepResult step_result(const QueuedStep& step, std::span<const double> numbers) const;
  /// Laid out as the buffers; a null view where no training step moves any.
  View next_buffers() const;

  /// Per-row metrics under the `evaluate:` settings. `pass` keys the noise: same pass, same noise.
  EvaluationResult evaluate(const Batch& batch, std::int64_t pass, View parameters, View buffers);

  /// The batch as the first ode block gets it, [rows, features], and the log-determinant up to
  /// there: what simpler densities (a Gaussian) can be fitted to for comparison.
  struct Features {
    std::int64_t width = 0;
    std::vector<double> values;
    std::vector<double> log_determinant;
  };
  Features before_first_solve(const Batch& batch, std::int64_t pass, View parameters, View buffers);

  /// The batch carried to the base distribution and back to the data: its main column again, up to
  /// what the solves of evaluation lose on the way. ConfigError where a block has no inverse.
  std::vector<double> reconstruct(const Batch& batch, std::int64_t pass, View parameters,
                                  View buffers);

  /// n samples of the model in the data's units, row-major; `sample_shape()` each. Sample i of a
  /// key does not depend on n.
  std::vector<double> sample(std::int64_t n, std::uint64_t key, View parameters, View buffers);
  Shape sample_shape() const;

  /// About how much device memory a training step of `rows` rows needs.
  struct MemoryEstimate {
    std::size_t programs = 0;  ///< from the plans of the outer programs, parameters, buffers
    /// What a solve keeps between forward and backward.
    struct Solve {
      std::string block;
      std::int64_t steps = 0;
      bool steps_assumed = false;         ///< the tolerance decides; so many are assumed
      std::optional<std::size_t> kept{};  ///< bytes; nothing: its gradient method cannot tell
    };
    std::vector<Solve> solves;
    std::size_t total() const;
  };
  MemoryEstimate memory_estimate(std::int64_t rows) const;
  /// Bytes that the solves of the last training step kept.
  std::size_t kept_bytes() const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace odeum::model
