// SPDX-License-Identifier: Apache-2.0
// Steps of a training: begun one after another, and finished when the host has their loss and
// gradient's norm. A device with memory of its own takes the next step on while those are on their
// way; one whose step is not finite changes nothing (Learned::update), so what is begun behind it
// is begun from where it stood. A step of an optimizer that searches is done when it is begun.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "model/pipeline.hpp"
#include "train/learned.hpp"
#include "train/line_search.hpp"

namespace odeum::train {

class Steps {
 public:
  /// skip_failed: leaves rows out whose solve fails (skip_rows.hpp).
  Steps(model::Pipeline& pipeline, Learned& learned, bool skip_failed);

  /// What a search did in a step.
  struct Searched {
    SearchReport report;
    std::int64_t evaluations = 0;  ///< of loss and gradient
  };

  /// Solves and their gradients, and the update. What a solve throws is thrown on, and the step is
  /// not begun. `step` counts from 0.
  void begin(const model::Batch& batch, std::int64_t step, double learning_rate);
  /// Steps that are begun and not finished, and how many there should be at most when another one
  /// is begun: none where the host's memory is the device's.
  std::size_t under_way() const { return under_way_.size(); }
  std::size_t most_under_way() const { return most_; }

  struct Finished {
    std::int64_t step = 0;
    double learning_rate = 0.0;
    model::StepResult result;
    double gradient_norm = 0.0;
    std::int64_t rows = 0;
    std::int64_t skipped = 0;
    DeviceTraffic traffic;  ///< when it had been begun
    std::optional<Searched> searched;
  };
  /// Waits for the first of those under way.
  Finished finish();

 private:
  struct UnderWay {
    Finished known;  ///< all but what is read
    model::QueuedStep queued;
    std::unique_ptr<Readback> numbers;  ///< none: all is known
  };
  void search(const model::Batch& batch, std::int64_t step, double learning_rate);

  model::Pipeline& pipeline_;
  Learned& learned_;
  bool skip_failed_;
  std::optional<LineSearch> search_;
  std::size_t most_;
  std::deque<UnderWay> under_way_;
  std::vector<std::unique_ptr<Readback>> free_;
};

}  // namespace odeum::train
