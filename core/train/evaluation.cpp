// SPDX-License-Identifier: Apache-2.0
#include "train/evaluation.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "train/batches.hpp"
#include "train/skip_rows.hpp"

namespace odeum::train {

Statistic statistic(const std::vector<double>& values) {
  const auto n = static_cast<double>(values.size());
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / n;
  double squares = 0.0;
  for (const double v : values) squares += (v - mean) * (v - mean);
  return {mean, std::sqrt(squares / (n - 1.0) / n)};
}

RowMetrics evaluate_rows(model::Pipeline& pipeline, const model::Batch& batch, std::int64_t pass,
                         View parameters, View buffers, bool skip_failed) {
  const auto run = [&](const model::Batch& rows) {
    return pipeline.evaluate(rows, pass, parameters, buffers);
  };
  RowMetrics result;
  model::EvaluationResult evaluated =
      skip_failed ? without_failing_rows(batch, pipeline.dataset().columns(), result.failed, run)
                  : run(batch);
  result.metrics = std::move(evaluated.metrics);
  result.evaluations = evaluated.evaluations;
  return result;
}

Evaluation evaluate(model::Pipeline& pipeline, const EvaluationRequest& request, View parameters,
                    View buffers, const std::function<bool()>& stopped) {
  std::map<std::string, std::vector<double>> all;
  Evaluation result;
  std::int64_t batches = 0;
  std::int64_t evaluations = 0;
  for (std::int64_t begin = 0; begin < request.samples; begin += request.batch) {
    if (stopped()) throw Interrupted{};
    const std::int64_t end = std::min(begin + request.batch, request.samples);
    std::vector<std::int64_t> samples(static_cast<std::size_t>(end - begin));
    std::iota(samples.begin(), samples.end(), begin);
    const model::Batch batch =
        read_rows(pipeline.dataset(), request.split, split_key(request.seed, request.split, 0),
                  std::move(samples), pipeline.wanted_columns());
    const RowMetrics rows =
        evaluate_rows(pipeline, batch, request.pass, parameters, buffers, request.skip_failed);
    for (const auto& [name, values] : rows.metrics) {
      all[name].insert(all[name].end(), values.begin(), values.end());
    }
    result.skipped += static_cast<std::int64_t>(rows.failed.size());
    evaluations += rows.evaluations.forward;
    ++batches;
  }
  for (const auto& [name, values] : all) result.metrics[name] = statistic(values);
  result.figures = pipeline.objective().figures(all);
  result.samples = request.samples - result.skipped;
  result.forward_evaluations = static_cast<double>(evaluations) / static_cast<double>(batches);
  return result;
}

}  // namespace odeum::train
