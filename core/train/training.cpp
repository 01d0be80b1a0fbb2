// SPDX-License-Identifier: Apache-2.0
#include "train/training.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <memory>
#include <numeric>
#include <optional>

#include "io/file.hpp"
#include "model/pipeline.hpp"
#include "odeum/tuning.hpp"
#include "plugin/registry.hpp"
#include "train/batches.hpp"
#include "train/checkpoint.hpp"
#include "train/evaluation.hpp"
#include "train/fingerprint.hpp"
#include "train/interrupt.hpp"
#include "train/learned.hpp"
#include "train/learning_rate.hpp"
#include "train/line_search.hpp"
#include "train/progress_line.hpp"
#include "train/read_ahead.hpp"
#include "train/run_folder.hpp"
#include "train/settings.hpp"
#include "train/skip_rows.hpp"
#include "train/steps.hpp"
#include "train/summary.hpp"

namespace odeum::train {
namespace {

using io::Json;
using Clock = std::chrono::steady_clock;

constexpr std::int64_t kMostFitRows = 100000;
constexpr std::int64_t kValidationPass = 0;
constexpr std::int64_t kTestPass = 1;

std::string shown(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", value);
  return text;
}

/// Size of the lines of timing.jsonl up to a step: a resumed run goes on behind them.
std::uint64_t bytes_until(const std::filesystem::path& timing, std::int64_t step) {
  if (step == 0 || !std::filesystem::exists(timing)) return 0;
  const std::string text = io::read_file(timing);
  std::size_t end = 0;
  for (std::size_t next; (next = text.find('\n', end)) != std::string::npos; end = next + 1) {
    const Json line = Json::parse(text.substr(end, next - end), nullptr, false);
    if (!line.is_object() || line.value("step", step + 1) > step) break;
  }
  return end;
}

class Training {
 public:
  Training(const TrainRequest& request, plugin::Registry& registry)
      : request_(request),
        root_(request.root),
        registry_(registry),
        seed_(static_cast<std::uint64_t>(root_.integer("seed"))),
        pipeline_(root_, registry),
        settings_(root_, pipeline_.dataset()),
        learned_(pipeline_, make_optimizer(root_, registry), clip()),
        rate_(root_.component("optimizer"), settings_.steps,
              learned_.line_search() ? kUsualSearchRate : kUsualRate),
        batches_({pipeline_.dataset(), seed_, pipeline_.batch_rows(), pipeline_.wanted_columns()},
                 settings_.read_ahead, settings_.steps),
        skip_failed_(skips_failed_samples(root_)),
        steps_(pipeline_, learned_, skip_failed_),
        skip_failed_in_evaluation_(skips_failed_samples(root_.for_evaluation())) {}

  TrainOutcome run() {
    RunFolder folder = open_folder();
    folder.lock();
    folder_ = &folder;
    log_.emplace(folder.metrics(), progress_.metrics_bytes);
    timing_.emplace(folder.timing(), bytes_until(folder.timing(), progress_.step));
    for (const std::string& warning : pipeline_.warnings()) {
      std::fprintf(stderr, "warning: %s\n", warning.c_str());
    }
    const std::string search = search_warning(learned_.line_search(), pipeline_);
    if (!search.empty()) std::fprintf(stderr, "warning: %s\n", search.c_str());
    whole_batches_ = search.empty();
    startup_seconds_ = process_seconds();
    begin_ = Clock::now();
    logged_traffic_ = pipeline_.device().traffic();
    const InterruptWatch interrupt;
    TrainOutcome outcome;
    try {
      outcome.ending = loop(interrupt);
      train_seconds_ = seconds();
      traffic_ = pipeline_.device().traffic();
      if (outcome.ending == Ending::done) test(interrupt);
    } catch (const Interrupted&) {
      outcome.ending = Ending::interrupted;
    } catch (const std::runtime_error& error) {
      outcome.ending = Ending::failed;
      outcome.message = error.what();
    }
    finish(outcome);
    return outcome;
  }

 private:
  /// The summary, on the disk too; where it cannot be written, the outcome says so or why before.
  void finish(TrainOutcome& outcome) const {
    outcome.summary = summary(outcome);
    try {
      io::write_atomically(folder_->summary(), io::to_text(outcome.summary));
    } catch (const RunError& error) {
      outcome.ending = Ending::failed;
      if (outcome.message.empty()) outcome.message = error.what();
      outcome.summary = summary(outcome);
    }
  }

  std::optional<double> clip() const {
    const Config& optimizer = root_.component("optimizer");
    if (!optimizer.has("gradient_clip")) return std::nullopt;
    return optimizer.number("gradient_clip");
  }

  // --- Beginning
  // ----------------------------------------------------------------------------------

  RunFolder open_folder() {
    if (!request_.resume || !RunFolder::taken(request_.out)) {
      initialise();
      return RunFolder::create(request_.out, request_.config_text, [this](const RunFolder& folder) {
        const io::LineFile metrics(folder.metrics(), 0);
        save_checkpoint(folder.checkpoint(0));
      });
    }
    RunFolder folder = RunFolder::open(request_.out);
    const auto steps = folder.checkpoints();
    if (steps.empty())
      throw ConfigError(folder.path().string() + " has no checkpoint to go on from");
    restore(load(folder.checkpoint(steps.back()), pipeline_.parameters(), pipeline_.buffers(),
                 pipeline_.precision()),
            folder.checkpoint(steps.back()));
    resumed_from_ = progress_.step;
    // A run that was killed between a best checkpoint and its copy.
    if (progress_.best.step == progress_.step) folder.keep_as_best(progress_.step);
    std::filesystem::remove(folder.summary());
    io::write_atomically(folder.config(), request_.config_text);
    return folder;
  }

  void initialise() {
    learned_.set_parameters(pipeline_.initial_parameters());
    std::vector<double> buffers = pipeline_.initial_buffers();
    if (!pipeline_.needs_fit()) {
      learned_.set_buffers(buffers);
      return;
    }
    const std::int64_t rows =
        std::min(pipeline_.dataset().count(Split::train).value_or(kMostFitRows), kMostFitRows);
    std::vector<std::int64_t> samples(static_cast<std::size_t>(rows));
    std::iota(samples.begin(), samples.end(), std::int64_t{0});
    const model::Batch fitted =
        read_rows(pipeline_.dataset(), Split::train, split_key(seed_, Split::train, 0),
                  std::move(samples), pipeline_.wanted_columns());
    learned_.set_buffers(pipeline_.fit(fitted, learned_.parameters(), std::move(buffers)));
  }

  void restore(const Checkpoint& checkpoint, const std::filesystem::path& file) {
    learned_.set_parameters(checkpoint.parameters);
    learned_.set_buffers(checkpoint.buffers);
    for (std::size_t i = 0; i < learned_.slots().size(); ++i) {
      const auto found = checkpoint.slots.find(learned_.slots()[i]);
      if (found == checkpoint.slots.end()) {
        throw ConfigError(Place{file.string()}, "has no optimizer state '" + learned_.slots()[i] +
                                                    "': it was made with another optimizer");
      }
      learned_.set_slot(i, found->second);
    }
    require_table(checkpoint, file);
    progress_ = checkpoint.progress;
  }

  /// Fingerprint of the table by which the device chooses kernels; "" where it has none.
  std::string table() const {
    const auto* const tuned = dynamic_cast<const TunedDevice*>(&pipeline_.device());
    return tuned == nullptr ? "" : fingerprint(tuned->table());
  }

  /// Another table adds up in another order. A device without one, or a checkpoint of before there
  /// were tables, says nothing.
  void require_table(const Checkpoint& checkpoint, const std::filesystem::path& file) const {
    const std::string now = table();
    if (request_.allow_other_table || now.empty() || checkpoint.table.empty() ||
        now == checkpoint.table)
      return;
    throw ConfigError(Place{file.string()},
                      "was made with kernels chosen by the table " + checkpoint.table +
                          ", the device's is " + now +
                          ": results would differ in their last bits. Give the device the table of "
                          "before (device.table), or go on with the new one by "
                          "--allow-changed-config");
  }

  // --- The loop
  // -----------------------------------------------------------------------------------

  Ending loop(const InterruptWatch& interrupt) {
    ProgressLine line(settings_.steps, progress_.step);
    while (progress_.step < settings_.steps && !progress_.stopped_early) {
      advance(line, interrupt);
      if (steps_.under_way() > 0) continue;
      const bool last = progress_.step == settings_.steps;
      const bool found = !finished_.empty();
      const bool due = validation_is_due(progress_.step) || (found && settings_.evaluate_every > 0);
      const bool best = due && validate(line);
      const bool ends = last || progress_.stopped_early;
      if (ends && progress_.since_log.count > 0) log_means(pipeline_.device().traffic());
      if (best || ends || interrupt.requested() || checkpoint_is_due(progress_.step)) {
        save_checkpoint(folder_->checkpoint(progress_.step));
        if (best) folder_->keep_as_best(progress_.step);
        folder_->prune(settings_.keep);
      }
      if (interrupt.requested() && !ends) return Ending::interrupted;
    }
    return Ending::done;
  }

  bool validation_is_due(std::int64_t step) const {
    if (settings_.evaluate_every == 0) return false;
    return step % settings_.evaluate_every == 0 || step == settings_.steps;
  }
  bool checkpoint_is_due(std::int64_t step) const { return step % settings_.checkpoint_every == 0; }

  /// Begins a step, and finishes those before it, as far as the device does not run ahead: what
  /// comes after some steps needs their numbers and what they learned.
  void advance(ProgressLine& line, const InterruptWatch& interrupt) {
    if (interrupt.requested() && steps_.under_way() > 0) return finish_steps(line, 0);
    const std::int64_t step = progress_.step + static_cast<std::int64_t>(steps_.under_way());
    try {
      steps_.begin(batches_.at(step), step, rate_.at(step));
    } catch (...) {
      finish_steps(line, 0);  // what went wrong before is what ends the training
      throw;
    }
    const std::int64_t after = step + 1;
    const bool awaited =
        after == settings_.steps || validation_is_due(after) || checkpoint_is_due(after);
    finish_steps(line, awaited || interrupt.requested() ? 0 : steps_.most_under_way());
  }

  /// All but `rest` of those under way.
  void finish_steps(ProgressLine& line, std::size_t rest) {
    while (steps_.under_way() > rest) {
      const Steps::Finished step = steps_.finish();
      const double loss = step.result.loss;
      if (!std::isfinite(loss)) not_finite("loss", loss, step.learning_rate);
      if (!std::isfinite(step.gradient_norm))
        not_finite("gradient's norm", step.gradient_norm, step.learning_rate);
      progress_.step = step.step + 1;
      progress_.skipped_samples += step.skipped;
      account(step.result, step.gradient_norm);
      if (step.searched) account(*step.searched, line);
      line.step(
          {progress_.step, loss, static_cast<double>(step.result.evaluations.forward), step.rows});
      if (progress_.since_log.count == settings_.log_every) log_means(step.traffic);
    }
  }

  [[noreturn]] void not_finite(const std::string& what, double value, double lr) {
    const auto steps = folder_->checkpoints();
    const std::string rows = ranges(batches_.at(progress_.step), pipeline_.dataset().columns());
    throw RunError(
        "the " + what + " of step " + std::to_string(progress_.step + 1) + " is " + shown(value) +
        " (learning rate " + shown(lr) + "). The last checkpoint is of step " +
        std::to_string(steps.empty() ? 0 : steps.back()) + ". The rows of the step have " + rows +
        "; odeum describe objective/" + root_.component("objective").use() +
        " says what it takes. If they are as they should be, try a smaller "
        "optimizer.lr, an optimizer.gradient_clip, or a smaller rtol");
  }

  void account(const model::StepResult& result, double norm) {
    progress_.evaluations += result.evaluations;
    RunningMeans& means = progress_.since_log;
    ++means.count;
    means.add("loss", result.loss);
    for (const auto& [name, value] : result.metrics) means.add("metric." + name, value);
    for (const auto& [name, value] : result.costs) means.add("cost." + name, value);
    means.add("gradient_norm", norm);
    means.add("evaluations_forward", static_cast<double>(result.evaluations.forward));
    means.add("evaluations_backward", static_cast<double>(result.evaluations.backward));
    means.add("rejected", static_cast<double>(result.evaluations.rejected));
  }

  /// What ends a search ends the training, where the next step would search the same loss.
  void account(const Steps::Searched& searched, ProgressLine& line) {
    progress_.iterations += searched.report.iterations;
    progress_.loss_evaluations += searched.evaluations;
    RunningMeans& means = progress_.since_log;
    means.add("iterations", static_cast<double>(searched.report.iterations));
    means.add("loss_evaluations", static_cast<double>(searched.evaluations));
    if (searched.report.finished.empty() || !whole_batches_) return;
    finished_ = searched.report.finished;
    progress_.stopped_early = true;
    line.note("step " + std::to_string(progress_.step) + "  " + finished_ + ": stopping");
  }

  /// traffic: of the device, when the step had been begun.
  void log_means(const DeviceTraffic& traffic) {
    RunningMeans& means = progress_.since_log;
    Json line{{"step", progress_.step}, {"loss", means.mean("loss")}};
    Json costs = Json::object();
    for (const auto& [name, sum] : means.sums) {
      if (name.rfind("metric.", 0) == 0) line[name.substr(7)] = means.mean(name);
      if (name.rfind("cost.", 0) == 0) costs[name.substr(5)] = means.mean(name);
    }
    if (!costs.empty()) line["costs"] = costs;
    line["lr"] = rate_.at(progress_.step - 1);
    for (const char* name :
         {"gradient_norm", "evaluations_forward", "evaluations_backward", "rejected"}) {
      line[name] = means.mean(name);
    }
    for (const char* name : {"iterations", "loss_evaluations"}) {
      if (learned_.line_search() != nullptr) line[name] = means.mean(name);
    }
    if (skip_failed_) line["skipped_samples"] = progress_.skipped_samples;
    log_->append(io::to_line(line));
    log_seconds(means.count, traffic);
    last_loss_ = means.mean("loss");
    means = {};
  }

  /// Of the steps since the last line, validations and checkpoints between them included.
  void log_seconds(std::int64_t steps, const DeviceTraffic& traffic) {
    const double now = seconds();
    const auto a_step = [steps](auto since) {
      return static_cast<double>(since) / static_cast<double>(steps);
    };
    Json line{{"step", progress_.step}, {"seconds", a_step(now - logged_seconds_)}};
    const DeviceTraffic& before = logged_traffic_;
    if (traffic.launches + traffic.replays > 0) {
      line["launches"] = a_step(traffic.launches - before.launches);
      line["replays"] = a_step(traffic.replays - before.replays);
      line["synchronizations"] = a_step(traffic.synchronizations - before.synchronizations);
      line["uploads"] = a_step(traffic.uploads - before.uploads);
      line["downloads"] = a_step(traffic.downloads - before.downloads);
    }
    timing_->append(io::to_line(line));
    logged_seconds_ = now;
    logged_traffic_ = traffic;
  }

  // --- Validation, checkpoints, test
  // --------------------------------------------------------------

  EvaluationRequest evaluation_request(Split split, std::int64_t samples, std::int64_t pass) const {
    return {split, samples, settings_.evaluate_batch, pass, seed_, skip_failed_in_evaluation_};
  }

  /// Whether this is the best one so far.
  bool validate(ProgressLine& line) {
    const Evaluation evaluation =
        evaluate(pipeline_,
                 evaluation_request(Split::validation, settings_.evaluate_samples, kValidationPass),
                 learned_.parameters(), learned_.buffers(), [] { return false; });
    log_->append(io::to_line({{"step", progress_.step}, {"validation", to_json(evaluation)}}));
    const std::string metric = pipeline_.main_metric();
    const Statistic& value = evaluation.metrics.at(metric);
    Best& best = progress_.best;
    const bool better = std::isfinite(value.mean) &&
                        (best.step < 0 || value.mean < best.metric - settings_.min_delta);
    bool impatient = false;
    if (better) {
      best = {progress_.step, value.mean, 0};
    } else {
      ++best.evaluations_since;
      impatient = settings_.patience > 0 && best.evaluations_since >= settings_.patience;
    }
    line.note("step " + std::to_string(progress_.step) + "  validation " + metric + " " +
              shown(value.mean) + " +- " + shown(value.stderr_) + (better ? "  (best)" : ""));
    if (impatient) {
      progress_.stopped_early = true;
      line.note("no better validation in " + std::to_string(settings_.patience) +
                " evaluations: stopping early");
    }
    return better;
  }

  void save_checkpoint(const std::filesystem::path& file) {
    Checkpoint checkpoint;
    if (log_) {
      log_->sync();
      progress_.metrics_bytes = log_->size();
    }
    checkpoint.progress = progress_;
    checkpoint.seed = seed_;
    const TrainingBatches::Position position = batches_.position(progress_.step);
    checkpoint.epoch = position.epoch;
    checkpoint.epoch_row = position.row;
    checkpoint.config = request_.fingerprint;
    checkpoint.table = table();
    for (const Column& column : pipeline_.dataset().columns())
      checkpoint.columns.push_back(column.name);
    checkpoint.sample_shape = pipeline_.sample_shape().extents();
    checkpoint.parameters = learned_.parameter_values();
    checkpoint.buffers = learned_.buffer_values();
    for (std::size_t i = 0; i < learned_.slots().size(); ++i) {
      checkpoint.slots[learned_.slots()[i]] = learned_.slot_values(i);
    }
    save(file, checkpoint, pipeline_.parameters(), pipeline_.buffers(), pipeline_.precision());
  }

  void test(const InterruptWatch& interrupt) {
    if (progress_.best.step >= 0 && progress_.best.step != progress_.step) {
      const Checkpoint best =
          load(folder_->best(), pipeline_.parameters(), pipeline_.buffers(), pipeline_.precision());
      learned_.set_parameters(best.parameters);
      learned_.set_buffers(best.buffers);
    }
    if (settings_.test_samples < 2) return;
    test_ = evaluate(pipeline_, evaluation_request(Split::test, settings_.test_samples, kTestPass),
                     learned_.parameters(), learned_.buffers(),
                     [&interrupt] { return interrupt.requested(); });
  }

  double seconds() const { return std::chrono::duration<double>(Clock::now() - begin_).count(); }

  Json summary(const TrainOutcome& outcome) const {
    SummaryFacts facts;
    facts.status = outcome.ending == Ending::done          ? "done"
                   : outcome.ending == Ending::interrupted ? "interrupted"
                                                           : "failed";
    facts.message = outcome.message;
    facts.progress = &progress_;
    facts.resumed_from = resumed_from_;
    facts.seconds = seconds();
    facts.train_seconds = train_seconds_.value_or(facts.seconds);
    facts.last_loss = last_loss_;
    facts.startup_seconds = startup_seconds_;
    facts.finished = finished_;
    facts.traffic = traffic_;
    facts.test = test_;
    return make_summary(root_, pipeline_, registry_, facts);
  }

  const TrainRequest& request_;
  const Config& root_;
  plugin::Registry& registry_;
  std::uint64_t seed_;
  model::Pipeline pipeline_;
  Settings settings_;
  Learned learned_;
  LearningRate rate_;
  ReadAhead batches_;
  bool skip_failed_;
  Steps steps_;
  bool skip_failed_in_evaluation_;

  const RunFolder* folder_ = nullptr;
  std::optional<io::LineFile> log_;
  std::optional<io::LineFile> timing_;
  double logged_seconds_ = 0.0;
  DeviceTraffic logged_traffic_;
  Progress progress_;
  bool whole_batches_ = false;  ///< of an optimizer that searches: each has all training rows
  std::string finished_;        ///< why it ended the training
  std::optional<std::int64_t> resumed_from_;
  std::optional<double> last_loss_;
  std::optional<double> train_seconds_;
  double startup_seconds_ = 0.0;
  DeviceTraffic traffic_;
  std::optional<Evaluation> test_;
  Clock::time_point begin_ = Clock::now();
};

}  // namespace

TrainOutcome train(const TrainRequest& request, plugin::Registry& registry) {
  if (!request.resume && RunFolder::taken(request.out)) {
    throw ConfigError("the run folder " + request.out.string() +
                      " exists already: go on with it by --resume, or choose another by --out");
  }
  return Training(request, registry).run();
}

}  // namespace odeum::train
