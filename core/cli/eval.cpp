// SPDX-License-Identifier: Apache-2.0
// odeum eval: a trained model on its test split, or on the user's own rows.
#include <cstdio>
#include <limits>
#include <numeric>

#include "cli/output.hpp"
#include "cli/run_model.hpp"
#include "train/batches.hpp"
#include "train/checkpoint.hpp"
#include "train/evaluation.hpp"
#include "train/predictor.hpp"
#include "train/settings.hpp"
#include "train/skip_rows.hpp"
#include "train/summary.hpp"
#include "train/trained_model.hpp"

namespace odeum::cli {
namespace {

Arguments arguments() {
  Arguments all(
      "RUN [options]",
      "Evaluates a trained model under its `evaluate:` settings: on its test split, or, with "
      "--data, "
      "on every row of a file, where -o writes one number per row: log p in nats for a model of "
      "densities, else the objective's first metric.");
  all.positional("RUN", "a run folder");
  all.option("data", "FILE", "rows to evaluate, .csv (columns by their names in training) or .npy");
  all.option("out,o", "FILE", "write a number per row there, .npy or .csv; with --data");
  all.flag("values",
           "with --data and -o: write what the model gives for each row instead, the classes' "
           "unnormalised log-probabilities or the predicted numbers; no target is needed");
  add_set_option(all);
  return all;
}

/// A number per row; rows whose solve failed (on_failure: skip_sample) get not-a-number.
struct RowResults {
  std::map<std::string, std::vector<double>> metrics;
  std::int64_t failed = 0;
};

RowResults evaluate_all(train::TrainedModel& model, const Config& root) {
  const bool skip = train::skips_failed_samples(root.for_evaluation());
  const std::int64_t rows = model.pipeline().dataset().count(Split::train).value_or(0);
  const std::int64_t batch = embed::batch_rows(root);
  const auto seed = static_cast<std::uint64_t>(root.integer("seed"));
  RowResults all;
  for (std::int64_t begin = 0; begin < rows; begin += batch) {
    std::vector<std::int64_t> samples(static_cast<std::size_t>(std::min(batch, rows - begin)));
    std::iota(samples.begin(), samples.end(), begin);
    const model::Batch read = train::read_rows(
        model.pipeline().dataset(), Split::train, train::split_key(seed, Split::train, 0),
        std::move(samples), model.pipeline().wanted_columns());
    train::RowMetrics part =
        train::evaluate_rows(model.pipeline(), read, 0, model.parameters(), model.buffers(), skip);
    for (auto& [name, values] : part.metrics) {
      for (const std::int64_t failed : part.failed) {
        values.insert(values.begin() + failed, std::numeric_limits<double>::quiet_NaN());
      }
      all.metrics[name].insert(all.metrics[name].end(), values.begin(), values.end());
    }
    all.failed += static_cast<std::int64_t>(part.failed.size());
  }
  return all;
}

void print_metrics(const train::Evaluation& evaluation, const io::Json& metrics,
                   const std::string& what) {
  for (const auto& [name, value] : metrics.items()) {
    const std::string error = name + "_stderr";
    if (!metrics.contains(error)) continue;
    std::printf("%s %s %s +- %s\n", what.c_str(), name.c_str(), shown(value).c_str(),
                shown(metrics[error]).c_str());
  }
  for (const auto& [figure, value] : evaluation.figures) {
    std::printf("%s %s %s\n", what.c_str(), figure.c_str(), shown(metrics[figure]).c_str());
  }
  std::printf("samples %s\n", metrics["samples"].dump().c_str());
}

void require_fitting_rows(const model::Pipeline& pipeline, const Run& run,
                          const std::string& file) {
  const Shape wanted(train::trained_on(run.checkpoint).sample_shape);
  if (pipeline.sample_shape() == wanted) return;
  throw ConfigError(Place{file}, "has rows of shape " + pipeline.sample_shape().text() +
                                     ", the model takes " + wanted.text());
}

int evaluate_file(const Values& values, const Run& run, plugin::Registry& plugins) {
  const std::string file = text_of(values, "data");
  const std::string out = text_of(values, "out");
  const Config root = with_rows_of(run, file, Wanted::roles, plugins);
  require_fitting_rows(model::Pipeline(root, plugins), run, file);
  train::TrainedModel model(root, run.checkpoint, plugins);
  const RowResults rows = evaluate_all(model, root);

  const bool density = rows.metrics.contains("nll");
  std::vector<double> per_row = rows.metrics.at(density ? "nll" : model.pipeline().main_metric());
  if (density) {
    for (double& value : per_row) value = -value;
  }
  const std::string name = density ? "log_p" : model.pipeline().main_metric();
  if (!out.empty()) write_table(out, {name}, per_row, DType::f64, NpyShape::vector);

  io::Json json = io::Json::object();
  for (const auto& [metric, all] : rows.metrics) {
    std::vector<double> good;
    for (const double value : all) {
      if (value == value) good.push_back(value);
    }
    const train::Statistic statistic = train::statistic(good);
    json[metric] = statistic.mean;
    json[metric + "_stderr"] = statistic.stderr_;
  }
  if (rows.failed == 0) {
    for (const auto& [figure, value] : model.pipeline().objective().figures(rows.metrics)) {
      json[figure] = value;
    }
  }
  json["samples"] = per_row.size();
  if (rows.failed > 0) json["failed_samples"] = rows.failed;
  if (is_set(values, "json")) {
    json["data"] = file;
    print_json(json);
  } else {
    if (out.empty()) {
      for (const double value : per_row) std::printf("%.9g\n", value);
    }
    std::fprintf(out.empty() ? stderr : stdout, "%s of %zu rows%s%s\n", name.c_str(),
                 per_row.size(), out.empty() ? "" : " in ", out.c_str());
  }
  return kDone;
}

int write_values(const Values& values, const Run& run, plugin::Registry& plugins) {
  const std::string file = text_of(values, "data");
  const std::string out = text_of(values, "out");
  const Config root = with_rows_of(run, file, Wanted::input, plugins);
  train::Predictor predict(root, run.checkpoint, plugins);
  const std::vector<double> predicted = predict.values(embed::batch_rows(run.root));
  std::vector<std::string> names;
  for (std::int64_t i = 0; i < predict.elements(); ++i) names.push_back("v" + std::to_string(i));
  write_table(out, names, predicted, predict.precision());
  if (is_set(values, "json")) {
    print_json({{"data", file}, {"samples", predict.rows()}, {"elements", predict.elements()}});
  } else {
    std::printf("%lld values for each of %lld rows in %s\n",
                static_cast<long long>(predict.elements()), static_cast<long long>(predict.rows()),
                out.c_str());
  }
  return kDone;
}

int evaluate_test_split(const Values& values, const Run& run, plugin::Registry& plugins) {
  train::TrainedModel model(run.root, run.checkpoint, plugins);
  const train::Settings settings(run.root, model.pipeline().dataset());
  if (settings.test_samples < 2) throw ConfigError("the data have no test split; give --data FILE");
  train::EvaluationRequest request;
  request.split = Split::test;
  request.samples = settings.test_samples;
  request.batch = settings.evaluate_batch;
  request.pass = 1;
  request.seed = static_cast<std::uint64_t>(run.root.integer("seed"));
  request.skip_failed = train::skips_failed_samples(run.root.for_evaluation());
  const train::Evaluation evaluation = train::evaluate(
      model.pipeline(), request, model.parameters(), model.buffers(), [] { return false; });
  io::Json json = train::to_json(evaluation);
  if (is_set(values, "json")) {
    json["step"] = model.step();
    print_json(json);
  } else {
    print_metrics(evaluation, json, "test");
  }
  return kDone;
}

int run(const Values& values) {
  const std::string out = text_of(values, "out");
  if (!out.empty() && !is_set(values, "data")) {
    throw ConfigError("-o goes with --data: it writes a number per row of that file");
  }
  if (is_set(values, "values") && out.empty()) {
    throw ConfigError("--values goes with --data and -o: it writes a row of numbers for each row");
  }
  if (!out.empty()) require_table_file(out);
  plugin::Registry& plugins = registry(values);
  const Run trained = open_run(values, plugins);
  if (is_set(values, "values")) return write_values(values, trained, plugins);
  return is_set(values, "data") ? evaluate_file(values, trained, plugins)
                                : evaluate_test_split(values, trained, plugins);
}

}  // namespace

Command eval_command() {
  return {"eval", "a trained model on its test split or your rows", arguments, run};
}

}  // namespace odeum::cli
