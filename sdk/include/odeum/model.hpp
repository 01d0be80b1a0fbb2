// SPDX-License-Identifier: Apache-2.0
// TrainedModel: a finished training inside a program of your own. Link odeum::odeum.
//
//   odeum::TrainedModel model = odeum::TrainedModel::load("runs/quickstart");
//   std::vector<float> points = ..., log_p(points.size() / 2), drawn(2 * 1000);
//   model.log_density(points, log_p);
//   model.sample(/*seed=*/0, drawn);
//
// It is the code beneath `odeum eval` and `odeum sample`: the same numbers, bit for bit. (The model
// that an objective sees while a step is recorded is odeum::Model, in odeum/objective.hpp.)
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "odeum/shape.hpp"
#include "odeum/solve.hpp"

namespace odeum::inline v1 {

struct LoadOptions {
  /// Runs the model there, as `--set device=...` does: "cpu", "opencl", "{use: cuda, index: 1}".
  /// Empty: the device that the run was trained on. The precision is the run's.
  std::string device;
  /// Threads of a device that has the key `threads`; 0: one for each core. Results do not depend on
  /// them.
  std::optional<int> threads;
  /// Other keys of the run's configuration, as --set takes them: "flow.solver.rtol=1e-6".
  std::vector<std::string> set;
  /// Folders that are searched for plugins first, as --plugin-path; then come ODEUM_PLUGIN_PATH,
  /// the user's data folder and the installation.
  std::vector<std::filesystem::path> plugin_path;
  /// Most rows that are solved together, at least 1. A solver that chooses its steps chooses them
  /// for these rows together, so a row's last digits, within the tolerance, may depend on the
  /// others. Not given: the run's train.evaluate_batch, else data.batch, as the tool does.
  std::optional<std::int64_t> batch;
};

/// What a model is.
struct ModelInfo {
  std::string objective;             ///< that it was trained for: "likelihood", "classification"
  std::string input;                 ///< the data's column that it takes: "points"
  std::vector<std::string> columns;  ///< names of a row's numbers, where the data had them, or none
  Shape input_shape;                 ///< of one row: [2], [3, 32, 32]; [] is one number
  Shape output_shape;                ///< of what `predict` gives for a row
  DType precision = DType::f32;      ///< that it computes in
  std::int64_t batch = 0;            ///< most rows that are solved together
  std::string why_no_values;         ///< why `predict` is refused; empty: it is not
  std::string why_no_log_density;    ///< the same of `log_density`
  std::string why_no_samples;        ///< the same of `sample`
};

/// How the solves of one call went, over its batches and the model's blocks. What failed is a
/// value: a caller looks at ok().
struct SolveSummary {
  Status status = Status::success;  ///< of the first solve that failed
  std::string message;              ///< its block, what happened, where, what to try; or empty
  std::int64_t failed_rows = 0;     ///< rows of batches with a failed solve; their results are NaN
  std::int64_t evaluations = 0;     ///< of the fields
  std::int64_t accepted = 0;        ///< steps
  std::int64_t rejected = 0;

  bool ok() const { return failed_rows == 0; }
};

/// Numbers go in and out by rows: row-major, of the caller's memory, in float or double whatever
/// the model computes in. No number of rows is too many: `batch` at a time are in the device's
/// memory. The first call of each of the three compiles it, and prepares it for its number of rows
/// (on the device `cpu` some KB that are kept); calls with a number that it has seen compile
/// nothing and hold no more memory afterwards.
///
/// One thread at a time uses a model. Models are independent: each has a device of its own with its
/// threads, several may be loaded and used at the same time by as many threads. Nothing is left
/// behind by the destructor but plugins' code, which a process never unloads.
///
/// Errors: ConfigError for what the caller can mend (a folder that is no run, a checkpoint of
/// another model, a plugin that is missing or built for another odeum, a span of another size),
/// with its place and a remedy; RunError where a device fails; a failed solve is in the summary.
class TrainedModel {
 public:
  /// `run`: what `odeum train` wrote; of its files config.yaml and the best (else the last)
  /// checkpoint are read, and neither data nor anything else of the training is needed.
  static TrainedModel load(const std::filesystem::path& run, const LoadOptions& options = {});

  TrainedModel(TrainedModel&& other) noexcept;
  TrainedModel& operator=(TrainedModel&& other) noexcept;
  ~TrainedModel();

  const ModelInfo& info() const;

  /// What the model gives for each row, under the `evaluate:` settings, as `odeum eval --values`
  /// writes it: unnormalised log-probabilities of the classes, predicted numbers, the state a while
  /// later, a flow's place in the base. `rows` [rows, input_shape], `values` [rows, output_shape].
  SolveSummary predict(std::span<const float> rows, std::span<float> values);
  SolveSummary predict(std::span<const double> rows, std::span<double> values);

  /// log p of each row in nats, as `odeum eval -o` writes it. `log_p` [rows].
  SolveSummary log_density(std::span<const float> rows, std::span<float> log_p);
  SolveSummary log_density(std::span<const float> rows, std::span<double> log_p);
  SolveSummary log_density(std::span<const double> rows, std::span<double> log_p);

  /// Draws as many rows as `rows` [rows, input_shape] has room for, as `odeum sample` does: sample
  /// i of a seed is the same however many are drawn (up to the tolerance of an adaptive solver), on
  /// any number of threads. `batch` does not matter here.
  SolveSummary sample(std::uint64_t seed, std::span<float> rows);
  SolveSummary sample(std::uint64_t seed, std::span<double> rows);

 private:
  struct Parts;
  explicit TrainedModel(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace odeum::inline v1
