// SPDX-License-Identifier: Apache-2.0
#include "train/steps.hpp"

#include <cstring>
#include <utility>

#include "train/skip_rows.hpp"

namespace odeum::train {

Steps::Steps(model::Pipeline& pipeline, Learned& learned, bool skip_failed)
    : pipeline_(pipeline),
      learned_(learned),
      skip_failed_(skip_failed),
      most_(pipeline.device().host_addressable() || learned.line_search() ? 0 : 1) {
  if (learned.line_search()) search_.emplace(pipeline, learned, skip_failed);
}

void Steps::begin(const model::Batch& batch, std::int64_t step, double learning_rate) {
  if (search_) return search(batch, step, learning_rate);
  const auto run = [&](const model::Batch& rows) {
    return pipeline_.queue_train_step(rows, step, learned_.parameters(), learned_.buffers(),
                                      learned_.gradient());
  };
  UnderWay begun;
  std::vector<std::int64_t> skipped;
  begun.queued = skip_failed_
                     ? without_failing_rows(batch, pipeline_.dataset().columns(), skipped, run)
                     : run(batch);
  learned_.update(learning_rate, step + 1, begun.queued.loss);

  // All steps have as many numbers, and the norm behind them.
  const std::size_t bytes = begun.queued.numbers * sizeof(double);
  if (free_.empty()) free_.push_back(pipeline_.device().readback(bytes + sizeof(double)));
  begun.numbers = std::move(free_.back());
  free_.pop_back();
  begun.numbers->read(0, begun.queued.loss, bytes);
  begun.numbers->read(bytes, learned_.norm(), sizeof(double));
  begun.known.step = step;
  begun.known.learning_rate = learning_rate;
  begun.known.rows = batch.rows;
  begun.known.skipped = static_cast<std::int64_t>(skipped.size());
  begun.known.traffic = pipeline_.device().traffic();
  under_way_.push_back(std::move(begun));
}

void Steps::search(const model::Batch& batch, std::int64_t step, double learning_rate) {
  LineSearch::Outcome outcome = search_->step(batch, step, learning_rate);
  UnderWay done;
  done.known.step = step;
  done.known.learning_rate = learning_rate;
  done.known.result = std::move(outcome.begin);
  done.known.gradient_norm = outcome.gradient_norm;
  done.known.rows = batch.rows;
  done.known.skipped = outcome.skipped;
  done.known.traffic = pipeline_.device().traffic();
  done.known.searched = Searched{std::move(outcome.report), outcome.evaluations};
  under_way_.push_back(std::move(done));
}

Steps::Finished Steps::finish() {
  UnderWay& first = under_way_.front();
  if (!first.numbers) {
    Finished known = std::move(first.known);
    under_way_.pop_front();
    return known;
  }
  std::vector<double> numbers(first.queued.numbers + 1);
  std::memcpy(numbers.data(), first.numbers->wait(), numbers.size() * sizeof(double));
  Finished finished = std::move(first.known);
  finished.result = pipeline_.step_result(first.queued, numbers);
  finished.gradient_norm = numbers.back();
  free_.push_back(std::move(first.numbers));
  under_way_.pop_front();
  return finished;
}

}  // namespace odeum::train
