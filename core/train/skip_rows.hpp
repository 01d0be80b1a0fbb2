// SPDX-License-Identifier: Apache-2.0
// on_failure: skip_sample. Rows whose solve fails are taken out of a batch, the rest goes on.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "model/pipeline.hpp"
#include "odeum/config.hpp"
#include "train/batches.hpp"

namespace odeum::train {

/// Whether any solver of the model says `on_failure: skip_sample`.
bool skips_failed_samples(const Config& root);

/// Calls `run(batch)`; on a SolveFailure that names a row, of a block whose solver says
/// skip_sample, takes the row out and tries again.
/// Positions of the rows taken out are added to `left_out`, ascending. When more than half of the
/// rows fail, that is no exception any more and the failure is thrown on.
template <class Run>
auto without_failing_rows(const model::Batch& batch, const std::vector<Column>& columns,
                          std::vector<std::int64_t>& left_out, const Run& run) {
  while (true) {
    try {
      if (left_out.empty()) return run(batch);
      return run(without_rows(batch, left_out, columns));
    } catch (const model::SolveFailure& failure) {
      const std::int64_t sample = failure.report().sample;
      const auto gone = static_cast<std::int64_t>(left_out.size());
      const bool skips = failure.policy() == OnFailure::skip_sample;
      if (!skips || sample < 0 || 2 * (gone + 1) > batch.rows) throw;
      // The report counts the rows that were left; back to a position in the whole batch.
      std::int64_t position = sample;
      for (const std::int64_t earlier : left_out) {
        if (earlier <= position) ++position;
      }
      left_out.insert(std::upper_bound(left_out.begin(), left_out.end(), position), position);
    }
  }
}

}  // namespace odeum::train
