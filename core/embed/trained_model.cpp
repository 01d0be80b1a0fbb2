// SPDX-License-Identifier: Apache-2.0
// odeum::TrainedModel: batches, spans and outcomes around train::Inference.
#include <algorithm>
#include <limits>
#include <utility>

#include "embed/run.hpp"
#include "odeum/model.hpp"
#include "plugin/registry.hpp"
#include "train/inference.hpp"

namespace odeum {
namespace embed {
namespace {

std::vector<plugin::Folder> folders(const LoadOptions& options) {
  std::vector<std::string> given;
  for (const std::filesystem::path& folder : options.plugin_path) given.push_back(folder.string());
  std::vector<plugin::Folder> all = plugin::search_path(plugin::Environment::current(given));
  for (plugin::Folder& folder : all) {
    if (folder.origin == "--plugin-path") folder.origin = "LoadOptions::plugin_path";
  }
  return all;
}

std::vector<std::string> sets(const LoadOptions& options) {
  std::vector<std::string> all;
  if (!options.device.empty()) all.push_back("device=" + options.device);
  if (options.threads) all.push_back("device.threads=" + std::to_string(*options.threads));
  all.insert(all.end(), options.set.begin(), options.set.end());
  return all;
}

ModelInfo describe(const Run& run, const train::Inference& inference, const Input& input) {
  ModelInfo info;
  info.objective = run.root.component("objective").use();
  info.input = input.name;
  info.columns = names_of_row(run, input.position, inference.input_shape().elements(1));
  info.input_shape = inference.input_shape();
  info.output_shape = inference.output_shape();
  info.precision = inference.precision();
  info.batch = batch_rows(run.root);
  info.why_no_values = why_no_own_units(run.root);
  info.why_no_log_density =
      info.why_no_values.empty() ? inference.why_no_log_density() : info.why_no_values;
  info.why_no_samples = inference.why_no_samples();
  return info;
}

void add(const model::SolveLog& log, SolveSummary& summary) {
  for (const model::SolveLog::Record& record : log.records) {
    summary.evaluations += record.report.evaluations;
    summary.accepted += record.report.accepted;
    summary.rejected += record.report.rejected;
  }
}

/// Rows in a span of `numbers`; a ConfigError that names the call where they are not whole.
std::int64_t whole_rows(const char* call, std::size_t numbers, const Shape& row) {
  const auto elements = static_cast<std::size_t>(row.elements(1));
  if (numbers % elements == 0) return static_cast<std::int64_t>(numbers / elements);
  throw ConfigError(std::string(call) + ": " + std::to_string(numbers) +
                    " numbers are no whole rows, which are of shape " + row.text());
}

void require_room(const char* call, std::size_t numbers, std::int64_t rows, const Shape& of_row) {
  if (static_cast<std::int64_t>(numbers) == rows * of_row.elements(1)) return;
  throw ConfigError(std::string(call) + ": room for " + std::to_string(numbers) +
                    " numbers is given for the results of " + std::to_string(rows) +
                    " rows, which are of shape " + of_row.text());
}

void require_possible(const char* call, const std::string& reason) {
  if (!reason.empty()) throw ConfigError(std::string(call) + ": " + reason);
}

/// `each(first, count)` solves rows first, ..., first + count - 1 of `rows`, `most` at a time;
/// where that fails, `out` [rows, elements] is not-a-number there.
template <class Real, class Each>
SolveSummary in_batches(const train::Inference& inference, std::int64_t rows, std::int64_t most,
                        std::span<Real> out, const Each& each) {
  SolveSummary summary;
  const auto elements = out.size() / static_cast<std::size_t>(std::max<std::int64_t>(rows, 1));
  for (std::int64_t first = 0; first < rows; first += most) {
    const std::int64_t count = std::min(most, rows - first);
    const auto part = out.subspan(static_cast<std::size_t>(first) * elements,
                                  static_cast<std::size_t>(count) * elements);
    try {
      each(first, count, part);
    } catch (const model::SolveFailure& failure) {
      std::fill(part.begin(), part.end(), std::numeric_limits<Real>::quiet_NaN());
      if (summary.ok()) {
        summary.status = failure.report().status;
        summary.message = failure.what();
      }
      summary.failed_rows += count;
    }
    add(inference.log(), summary);
  }
  return summary;
}

class Loaded {
 public:
  Loaded(const std::filesystem::path& folder, const LoadOptions& options)
      : registry_(folders(options)),
        run_(open_run(folder, sets(options), component_schemas(registry_).lookup())),
        inference_(run_.root, run_.checkpoint, registry_),
        info_(describe(run_, inference_, input_of(run_, registry_))) {
    if (options.batch) info_.batch = *options.batch;
    if (info_.batch < 1)
      throw ConfigError("LoadOptions::batch: at least 1 row is solved at a time");
    // A checkpoint of another model is refused here, not at the first call.
    inference_.compile_values();
  }

  const ModelInfo& info() const { return info_; }

  template <class Real>
  SolveSummary predict(std::span<const Real> rows, std::span<Real> values) {
    require_possible("predict", info_.why_no_values);
    const std::int64_t n = whole_rows("predict", rows.size(), info_.input_shape);
    require_room("predict", values.size(), n, info_.output_shape);
    return in_batches(inference_, n, info_.batch, values,
                      [&](std::int64_t first, std::int64_t count, std::span<Real> out) {
                        inference_.values(part(rows, first, count), first, out);
                      });
  }

  template <class In, class Out>
  SolveSummary log_density(std::span<const In> rows, std::span<Out> log_p) {
    require_possible("log_density", info_.why_no_log_density);
    const std::int64_t n = whole_rows("log_density", rows.size(), info_.input_shape);
    require_room("log_density", log_p.size(), n, Shape{});
    return in_batches(inference_, n, info_.batch, log_p,
                      [&](std::int64_t first, std::int64_t count, std::span<Out> out) {
                        inference_.log_density(part(rows, first, count), first, out);
                      });
  }

  template <class Real>
  SolveSummary sample(std::uint64_t seed, std::span<Real> rows) {
    require_possible("sample", info_.why_no_samples);
    const std::int64_t n = whole_rows("sample", rows.size(), info_.input_shape);
    return in_batches(inference_, n, inference_.samples_at_once(), rows,
                      [&](std::int64_t first, std::int64_t, std::span<Real> out) {
                        inference_.sample(seed, first, out);
                      });
  }

 private:
  template <class Real>
  std::span<const Real> part(std::span<const Real> rows, std::int64_t first, std::int64_t count) {
    const auto elements = static_cast<std::size_t>(info_.input_shape.elements(1));
    return rows.subspan(static_cast<std::size_t>(first) * elements,
                        static_cast<std::size_t>(count) * elements);
  }

  plugin::Registry registry_;
  Run run_;
  train::Inference inference_;
  ModelInfo info_;
};

}  // namespace
}  // namespace embed

inline namespace v1 {

struct TrainedModel::Parts {
  Parts(const std::filesystem::path& run, const LoadOptions& options) : model(run, options) {}
  embed::Loaded model;
};

TrainedModel TrainedModel::load(const std::filesystem::path& run, const LoadOptions& options) {
  return TrainedModel(std::make_unique<Parts>(run, options));
}

TrainedModel::TrainedModel(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
TrainedModel::TrainedModel(TrainedModel&& other) noexcept = default;
TrainedModel& TrainedModel::operator=(TrainedModel&& other) noexcept = default;
TrainedModel::~TrainedModel() = default;

const ModelInfo& TrainedModel::info() const { return parts_->model.info(); }

SolveSummary TrainedModel::predict(std::span<const float> rows, std::span<float> values) {
  return parts_->model.predict(rows, values);
}
SolveSummary TrainedModel::predict(std::span<const double> rows, std::span<double> values) {
  return parts_->model.predict(rows, values);
}
SolveSummary TrainedModel::log_density(std::span<const float> rows, std::span<float> log_p) {
  return parts_->model.log_density(rows, log_p);
}
SolveSummary TrainedModel::log_density(std::span<const float> rows, std::span<double> log_p) {
  return parts_->model.log_density(rows, log_p);
}
SolveSummary TrainedModel::log_density(std::span<const double> rows, std::span<double> log_p) {
  return parts_->model.log_density(rows, log_p);
}
SolveSummary TrainedModel::sample(std::uint64_t seed, std::span<float> rows) {
  return parts_->model.sample(seed, rows);
}
SolveSummary TrainedModel::sample(std::uint64_t seed, std::span<double> rows) {
  return parts_->model.sample(seed, rows);
}

}  // namespace v1
}  // namespace odeum
