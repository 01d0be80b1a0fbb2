// SPDX-License-Identifier: Apache-2.0
// Evaluating a split: per-row metrics to means and standard errors.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "model/pipeline.hpp"
#include "odeum/dataset.hpp"

namespace odeum::train {

struct Statistic {
  double mean = 0.0;
  double stderr_ = 0.0;  ///< of the mean: deviation over the root of the count
};
/// Of at least two values.
Statistic statistic(const std::vector<double>& values);

struct Evaluation {
  std::map<std::string, Statistic> metrics;
  std::map<std::string, double> figures;  ///< of the objective, of all rows together
  std::int64_t samples = 0;               ///< that the metrics are means over
  std::int64_t skipped = 0;          ///< samples whose solve failed, with on_failure: skip_sample
  double forward_evaluations = 0.0;  ///< mean over batches
};

/// What is evaluated: `samples` rows from the start of a split, `batch` at a time.
struct EvaluationRequest {
  Split split = Split::test;
  std::int64_t samples = 0;
  std::int64_t batch = 0;
  std::int64_t pass = 0;  ///< keys the noise
  std::uint64_t seed = 0;
  bool skip_failed = false;
};

/// Per-row metrics of rows that are there already. Rows that fail are left out of the result where
/// `skip_failed`; else SolveFailure.
struct RowMetrics {
  std::map<std::string, std::vector<double>> metrics;
  std::vector<std::int64_t> failed;  ///< positions in the batch
  model::Evaluations evaluations;
};
RowMetrics evaluate_rows(model::Pipeline& pipeline, const model::Batch& batch, std::int64_t pass,
                         View parameters, View buffers, bool skip_failed);

/// `stopped` is asked between batches; true ends the evaluation by throwing Interrupted.
Evaluation evaluate(model::Pipeline& pipeline, const EvaluationRequest& request, View parameters,
                    View buffers, const std::function<bool()>& stopped);

struct Interrupted {};

}  // namespace odeum::train
