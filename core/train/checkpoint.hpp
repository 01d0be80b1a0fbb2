// SPDX-License-Identifier: Apache-2.0
// Checkpoint: everything that a training needs to go on as if it had never stopped.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "model/pipeline.hpp"
#include "train/running_means.hpp"

namespace odeum::train {

/// The best validation so far.
struct Best {
  std::int64_t step = -1;  ///< steps done then; -1: none yet
  double metric = 0.0;
  std::int64_t evaluations_since = 0;  ///< without a better one
};

/// The scalar part; all of it follows from configuration and steps, never from the clock.
struct Progress {
  std::int64_t step = 0;  ///< steps done
  bool stopped_early = false;
  std::uint64_t metrics_bytes = 0;  ///< length of metrics.jsonl at this step
  std::int64_t skipped_samples = 0;
  model::Evaluations evaluations;     ///< summed over the training steps
  std::int64_t iterations = 0;        ///< of an optimizer that searches, over the training steps
  std::int64_t loss_evaluations = 0;  ///< those that it asked for
  RunningMeans since_log;             ///< of the next line of metrics.jsonl
  Best best;
};

struct Checkpoint {
  Progress progress;
  std::uint64_t seed = 0;
  std::int64_t epoch = 0;                  ///< of the next batch
  std::int64_t epoch_row = 0;              ///< rows of that epoch already seen
  std::string config;                      ///< fingerprint of the configuration
  std::string table;                       ///< fingerprint of the device's (TunedDevice), or ""
  std::vector<std::string> columns;        ///< of the training data, in order
  std::vector<std::int64_t> sample_shape;  ///< of what the model takes
  std::vector<double> parameters;          ///< flat, as the pipeline's layouts say
  std::vector<double> buffers;
  std::map<std::string, std::vector<double>> slots;  ///< of the optimizer, by name
};

/// Writes the file atomically. Arrays are named "parameters.<entry>", "buffers.<entry>" and
/// "optimizer.<slot>.<entry>", of the pipeline's type; the metadata has a checksum of all.
void save(const std::filesystem::path& file, const Checkpoint& checkpoint,
          const model::Layout& parameters, const model::Layout& buffers, DType type);

/// A ConfigError naming the file where it is malformed, not what was written, or belongs to another
/// model: an array that is missing, or of another shape or type than the layouts say.
Checkpoint load(const std::filesystem::path& file, const model::Layout& parameters,
                const model::Layout& buffers, DType type);

/// What the checkpoint's model was trained on; reads the file alone.
struct TrainedOn {
  std::vector<std::string> columns;
  std::vector<std::int64_t> sample_shape;
};
TrainedOn trained_on(const std::filesystem::path& file);

}  // namespace odeum::train
