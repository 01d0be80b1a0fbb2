// SPDX-License-Identifier: Apache-2.0
// ReadAhead: training batches that are read while the steps before them run. What a step gets is
// what TrainingBatches gives it: which rows, and their augmentation, are functions of seed and
// step.
#pragma once

#include <cstdint>
#include <deque>
#include <future>

#include "train/batches.hpp"

namespace odeum::train {

class ReadAhead {
 public:
  /// `ahead`: batches that are read before they are asked for, each on a thread of its own; 0:
  /// none. Nothing is read for step `end` or later unless it is asked for.
  ReadAhead(TrainingBatches batches, std::int64_t ahead, std::int64_t end)
      : batches_(std::move(batches)), ahead_(ahead), end_(end) {}
  ReadAhead(const ReadAhead&) = delete;  // threads read through it
  ReadAhead& operator=(const ReadAhead&) = delete;

  /// Fast for steps in a row. What reading throws is thrown at the step that it was for.
  model::Batch at(std::int64_t step);

  TrainingBatches::Position position(std::int64_t step) const { return batches_.position(step); }

 private:
  TrainingBatches batches_;
  std::int64_t ahead_;
  std::int64_t end_;
  std::int64_t first_ = 0;                      ///< step of the first one being read
  std::deque<std::future<model::Batch>> read_;  ///< first_, first_ + 1, ...; read from batches_
};

}  // namespace odeum::train
