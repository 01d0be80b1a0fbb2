// SPDX-License-Identifier: Apache-2.0
#include "train/line_search.hpp"

#include <cmath>
#include <limits>
#include <utility>

#include "plugin/registry.hpp"
#include "train/skip_rows.hpp"

namespace odeum::train {
namespace {

double length(const std::vector<double>& gradient) {
  double sum = 0.0;
  for (const double g : gradient) sum += g * g;
  return std::sqrt(sum);
}

/// `run` gives the StepResult of the batch at the parameters in place.
template <class Run>
class BatchLoss final : public LossFunction {
 public:
  BatchLoss(Learned& learned, LineSearch::Outcome& outcome, Run run)
      : learned_(learned), outcome_(outcome), run_(std::move(run)) {}

  double operator()(std::span<double> parameters, std::span<double> gradient) override {
    learned_.round(parameters);
    learned_.set_parameters({parameters.begin(), parameters.end()});
    ++outcome_.evaluations;
    try {
      const model::StepResult result = run_();
      outcome_.begin.evaluations += result.evaluations;
      const std::vector<double> values = learned_.gradient_values();
      std::copy(values.begin(), values.end(), gradient.begin());
      return result.loss;
    } catch (const model::SolveFailure& failure) {
      outcome_.begin.evaluations.forward += failure.report().evaluations;
      return std::numeric_limits<double>::infinity();
    }
  }

 private:
  Learned& learned_;
  LineSearch::Outcome& outcome_;
  Run run_;
};

}  // namespace

std::shared_ptr<const Optimizer> make_optimizer(const Config& root,
                                                const plugin::Registry& registry) {
  const Config& config = root.component("optimizer");
  std::shared_ptr<const Optimizer> optimizer = registry.create<Optimizer>(config);
  const bool searches = dynamic_cast<const LineSearchOptimizer*>(optimizer.get()) != nullptr;
  if (searches && config.has("gradient_clip")) {
    config.fail("gradient_clip",
                "'" + config.use() +
                    "' compares losses with their gradients, which a clipped one is not: its line "
                    "search limits the steps. Remove it");
  }
  return optimizer;
}

std::string search_warning(const LineSearchOptimizer* optimizer, const model::Pipeline& pipeline) {
  if (optimizer == nullptr) return "";
  const auto rows = pipeline.dataset().count(Split::train);
  if (rows && *rows <= pipeline.batch_rows()) return "";
  const std::string of = rows ? std::to_string(*rows) + " training rows" : "data without end";
  return "a batch is " + std::to_string(pipeline.batch_rows()) + " of " + of +
         ": this optimizer's line search lowers the loss of each batch by itself, and what it "
         "learns of the curvature mixes batches" +
         (rows ? "; data.batch: " + std::to_string(*rows) + " takes them all" : "");
}

LineSearch::Outcome LineSearch::step(const model::Batch& batch, std::int64_t step,
                                     double learning_rate) {
  Outcome outcome;
  std::vector<std::int64_t> skipped;
  const auto begin = [&](const model::Batch& rows) { return run(rows, step); };
  const std::vector<Column> columns = pipeline_.dataset().columns();
  outcome.begin =
      skip_failed_ ? without_failing_rows(batch, columns, skipped, begin) : run(batch, step);
  outcome.skipped = static_cast<std::int64_t>(skipped.size());
  outcome.evaluations = 1;
  const std::vector<double> gradient = learned_.gradient_values();
  outcome.gradient_norm = length(gradient);
  if (!std::isfinite(outcome.begin.loss) || !std::isfinite(outcome.gradient_norm)) return outcome;
  keep_buffers();

  const model::Batch kept = skipped.empty() ? batch : without_rows(batch, skipped, columns);
  BatchLoss loss(learned_, outcome, [&] { return run(kept, step); });
  std::vector<double> parameters = learned_.parameter_values();
  std::vector<std::vector<double>>& held = learned_.host_slots();
  const std::vector<std::span<double>> slots(held.begin(), held.end());
  outcome.report = learned_.line_search()->search(
      {parameters, gradient, outcome.begin.loss, slots, learning_rate}, loss);
  learned_.round(parameters);
  learned_.set_parameters(parameters);
  for (const std::span<double>& slot : slots) learned_.round(slot);
  if (moved_buffers_) learned_.take_buffers({moved_buffers_.get(), 0});
  return outcome;
}

model::StepResult LineSearch::run(const model::Batch& batch, std::int64_t step) {
  const model::QueuedStep queued = pipeline_.queue_train_step(
      batch, step, learned_.parameters(), learned_.buffers(), learned_.gradient());
  std::vector<double> numbers(queued.numbers);
  pipeline_.device().download(numbers.data(), queued.loss, numbers.size() * sizeof(double));
  return pipeline_.step_result(queued, numbers);
}

/// Aside: the search's other points move them elsewhere.
void LineSearch::keep_buffers() {
  const View next = pipeline_.next_buffers();
  if (!next) return;
  const std::size_t bytes =
      static_cast<std::size_t>(pipeline_.buffers().size) * size_of(pipeline_.precision());
  if (!moved_buffers_) moved_buffers_ = pipeline_.device().allocate(bytes);
  pipeline_.device().copy({moved_buffers_.get(), 0}, next, bytes);
}

}  // namespace odeum::train
