// SPDX-License-Identifier: Apache-2.0
// summary.json: what came out of a training, for people and programs.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "io/json.hpp"
#include "model/pipeline.hpp"
#include "odeum/config.hpp"
#include "train/checkpoint.hpp"
#include "train/evaluation.hpp"

namespace odeum::plugin {
class Registry;
}

namespace odeum::train {

struct SummaryFacts {
  std::string status;   ///< done, interrupted, failed
  std::string message;  ///< of a failure
  const Progress* progress = nullptr;
  std::optional<std::int64_t> resumed_from;
  double startup_seconds = 0.0;     ///< from the process's start to the first step
  double train_seconds = 0.0;       ///< of the steps and validations of this process
  double seconds = 0.0;             ///< of this process from the first step on, test included
  std::optional<double> last_loss;  ///< mean over the last line of metrics.jsonl
  std::optional<Evaluation> test;
  std::string finished;   ///< why an optimizer that searches ended the training
  DeviceTraffic traffic;  ///< of the steps and validations of this process
};

/// Keys: status, message, steps, stopped_early, resumed_from, seconds, train_seconds,
/// startup_seconds, seed, device, precision, parameters, loss, validation {step, <metric>}, test
/// {samples, <metric>, <metric>_stderr, evaluations, skipped_samples}, traffic {launches, replays,
/// synchronizations, uploads, downloads} (of devices that count), entropy, evaluations
/// {forward_mean, backward_mean, accepted_mean, rejected_mean}, search {iterations,
/// loss_evaluations, finished} (of an optimizer that searches), skipped_samples, versions, plugins.
/// What is not known is left out.
io::Json make_summary(const Config& root, const model::Pipeline& pipeline,
                      plugin::Registry& registry, const SummaryFacts& facts);

/// {<metric>, <metric>_stderr, <figure>, samples, evaluations, skipped_samples (where there are
/// any)}.
io::Json to_json(const Evaluation& evaluation);

/// [{kind, name, version}] of everything that a configuration names, each once.
io::Json plugins_of(const Config& root, plugin::Registry& registry);

/// Learned numbers, without the padding between entries.
std::int64_t parameter_count(const model::Layout& layout);

/// Seconds since this process was started.
double process_seconds();

}  // namespace odeum::train
