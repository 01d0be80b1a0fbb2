// SPDX-License-Identifier: Apache-2.0
// One training step of a configuration, loss and gradient without the optimizer, that can be run
// again and again on the same batch; and the numbers that a peer needs for the same step.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "model/pipeline.hpp"

namespace odeum::bench {

class TrainingStep {
 public:
  /// `file` with `sets` as the odeum tool takes them. Records and compiles the pipeline.
  TrainingStep(const std::string& file, const std::vector<std::string>& sets);

  /// Parameters and the first batch to the device. The weights of all layers but the last, those
  /// of the time included, are multiplied by `hidden_gain`.
  void fill(double hidden_gain);
  /// Loss and gradient of step 0. A std::runtime_error where the loss is not finite.
  model::StepResult run();

  /// Writes every parameter as NAME.npy, the batch as x.npy (its main column) and COLUMN.npy (what
  /// else is used of it), and the probe that step 0 of the block `flow` draws (normal) as
  /// probe.npy, in float64.
  void write_problem(const std::string& folder) const;
  /// Writes the last gradient as NAME.npy, in float64.
  void write_gradient(const std::string& folder) const;
  /// Bytes that the solves kept between forward and backward.
  std::size_t kept_bytes() const { return pipeline_.kept_bytes(); }

 private:
  explicit TrainingStep(const Config& root);
  void write_entries(const std::string& folder, const std::vector<double>& flat) const;

  model::Pipeline pipeline_;
  std::uint64_t seed_;
  std::vector<double> values_;
  model::Batch batch_;
  std::shared_ptr<void> parameters_, buffers_, gradient_;
};

}  // namespace odeum::bench
