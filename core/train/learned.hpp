// SPDX-License-Identifier: Apache-2.0
// Learned: the numbers of a training on its device, and the optimizer's update of them.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "model/pipeline.hpp"
#include "odeum/optimizer.hpp"

namespace odeum::train {

/// Parameters, gradient, buffers and optimizer slots, all flat and of the pipeline's type. Two
/// copies of what an update replaces: it reads one and writes the other. Slots of a
/// LineSearchOptimizer stay on the host, where it works.
class Learned {
 public:
  /// `clip`: longest gradient. A ConfigError where the pipeline has no parameters.
  Learned(const model::Pipeline& pipeline, const std::shared_ptr<const Optimizer>& optimizer,
          std::optional<double> clip);

  View parameters() const { return current().parameters; }
  View gradient() const { return {gradient_.get(), 0}; }
  View buffers() const { return current().buffers; }

  /// Queues one update with the gradient in place; `step` counts from 1. Buffers become the
  /// pipeline's next ones. Where `loss` (float64, on the device) or the norm of the gradient before
  /// clipping is not finite nothing is changed: the device itself sees to that, unless its memory
  /// is the host's, which then looks.
  void update(double learning_rate, std::int64_t step, View loss);
  /// Of the last update: the gradient's norm before clipping, float64.
  View norm() const;

  /// The optimizer, where it searches instead of updating: then `update` is never called, and
  /// parameters, buffers and slots move by the functions below.
  const LineSearchOptimizer* line_search() const { return search_.get(); }
  /// In the optimizer's order; to be rounded by `round` when a search has changed them.
  std::vector<std::vector<double>>& host_slots() { return host_slots_; }
  /// To the pipeline's type.
  void round(std::span<double> values) const;
  void take_buffers(View from);

  // To and from host numbers, exact.
  std::vector<double> parameter_values() const;
  std::vector<double> gradient_values() const;
  std::vector<double> buffer_values() const;
  std::vector<double> slot_values(std::size_t slot) const;
  void set_parameters(const std::vector<double>& values);
  void set_buffers(const std::vector<double>& values);
  void set_slot(std::size_t slot, const std::vector<double>& values);
  const std::vector<std::string>& slots() const { return slots_; }

 private:
  struct Copy {
    std::vector<std::shared_ptr<void>> memory;
    View parameters;
    View buffers;
    std::vector<View> slots;
  };
  const Copy& current() const { return copies_[at_]; }
  Copy make_copy() const;
  void compile(const Optimizer& optimizer, std::optional<double> clip);
  void take_if_finite(View loss);
  void upload(View to, const std::vector<double>& values, std::int64_t elements);

  std::shared_ptr<Device> device_;
  DType type_;
  std::int64_t size_;
  std::int64_t buffer_size_;
  std::vector<std::string> slots_;
  std::shared_ptr<const LineSearchOptimizer> search_;
  std::vector<std::vector<double>> host_slots_;
  Copy copies_[2];
  std::size_t at_ = 0;
  std::shared_ptr<void> gradient_;
  View next_buffers_;              ///< the pipeline's; null where buffers do not move
  bool guarded_;                   ///< whether the update's program itself leaves all as it was
  std::shared_ptr<void> scalars_;  ///< learning rate, step, and the norm, 64 bytes apart
  std::unique_ptr<Executable> update_;
};

}  // namespace odeum::train
