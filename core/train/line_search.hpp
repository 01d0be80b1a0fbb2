// SPDX-License-Identifier: Apache-2.0
// A training step by an optimizer that searches: the loss and the gradient of one batch at
// whatever parameters it asks for. Such a step is done when it returns.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "model/pipeline.hpp"
#include "train/learned.hpp"

namespace odeum::plugin {
class Registry;
}

namespace odeum::train {

/// The optimizer of a configuration. A ConfigError where one that searches is to have its gradients
/// clipped.
std::shared_ptr<const Optimizer> make_optimizer(const Config& root,
                                                const plugin::Registry& registry);

/// What a user should know of a search on batches that are not the whole training set; empty: they
/// are. `optimizer` may be null: empty.
std::string search_warning(const LineSearchOptimizer* optimizer, const model::Pipeline& pipeline);

class LineSearch {
 public:
  /// skip_failed: leaves rows out whose solve fails where the search begins (skip_rows.hpp). At
  /// other points a solve that fails is an infinite loss.
  LineSearch(model::Pipeline& pipeline, Learned& learned, bool skip_failed)
      : pipeline_(pipeline), learned_(learned), skip_failed_(skip_failed) {}

  struct Outcome {
    /// Loss, metrics, costs where the search began; evaluations of all its points.
    model::StepResult begin;
    double gradient_norm = 0.0;  ///< there
    std::int64_t skipped = 0;
    std::int64_t evaluations = 0;  ///< of loss and gradient
    SearchReport report;
  };
  /// Parameters and slots become what the search leaves, buffers what they moved to where it began.
  /// Where loss or gradient are not finite there, nothing is searched and nothing changes. What a
  /// solve throws there is thrown on.
  Outcome step(const model::Batch& batch, std::int64_t step, double learning_rate);

 private:
  model::StepResult run(const model::Batch& batch, std::int64_t step);
  void keep_buffers();

  model::Pipeline& pipeline_;
  Learned& learned_;
  bool skip_failed_;
  std::shared_ptr<void> moved_buffers_;
};

}  // namespace odeum::train
