// SPDX-License-Identifier: Apache-2.0
// Which rows a step sees. A batch is a function of the seed and the step alone, so a resumed run
// sees what an undisturbed one does.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/pipeline.hpp"
#include "odeum/dataset.hpp"

namespace odeum::train {

/// Reads rows of a split. Values that are not finite in a wanted column are a RunError naming the
/// column and the sample.
model::Batch read_rows(const Dataset& dataset, Split split, std::uint64_t key,
                       std::vector<std::int64_t> samples, const std::vector<bool>& wanted);

/// The stream of a split: `round` counts epochs in training, so that jitters are drawn anew, and is
/// zero otherwise.
std::uint64_t split_key(std::uint64_t seed, Split split, std::int64_t round);

/// Rows of a batch by index, without those in `left_out` (positions in the batch, ascending).
model::Batch without_rows(const model::Batch& batch, const std::vector<std::int64_t>& left_out,
                          const std::vector<Column>& columns);

/// "x from -1.5 to 3, label from 0 to 4": of each column that was read.
std::string ranges(const model::Batch& batch, const std::vector<Column>& columns);

/// Training batches. Endless data: step s takes samples s*rows ... s*rows + rows - 1. Data with an
/// end: every epoch is a permutation of all rows, drawn from seed and epoch; the last batch of an
/// epoch is as short as need be, so that every row is seen once an epoch.
class TrainingBatches {
 public:
  TrainingBatches(const Dataset& dataset, std::uint64_t seed, std::int64_t rows,
                  std::vector<bool> wanted);

  model::Batch at(std::int64_t step);

  /// What is to be read for a step.
  struct Rows {
    std::vector<std::int64_t> samples;
    std::uint64_t key = 0;
  };
  Rows rows_of(std::int64_t step);
  /// Thread-safe.
  model::Batch read(Rows rows) const;

  struct Position {
    std::int64_t epoch = 0;
    std::int64_t row = 0;  ///< rows of this epoch that came before
  };
  Position position(std::int64_t step) const;

 private:
  void shuffle(std::int64_t epoch);

  const Dataset& dataset_;
  std::uint64_t seed_;
  std::int64_t rows_;
  std::vector<bool> wanted_;
  std::int64_t count_;  ///< 0: endless
  std::int64_t shuffled_epoch_ = -1;
  std::vector<std::int64_t> order_;
};

}  // namespace odeum::train
