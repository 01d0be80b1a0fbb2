// SPDX-License-Identifier: Apache-2.0
// From YAML to a pipeline with numbers in it: what the tests of core/model run.
#pragma once

#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "config/load.hpp"
#include "config/lookup.hpp"
#include "config/yaml.hpp"
#include "io/array.hpp"
#include "io/npy.hpp"
#include "model/batch_memory.hpp"
#include "model/pipeline.hpp"
#include "odeum/field.hpp"
#include "odeum/random.hpp"
#include "plugin/registry.hpp"
#include "train/schemas.hpp"

namespace odeum::model_tests {

using Values = std::vector<double>;

/// The validated configuration of a training file with this text, which is "test.yaml".
inline Config configuration(const std::string& yaml, const std::vector<std::string>& sets = {}) {
  static config::KindSchemas schemas = [] {
    config::KindSchemas all(plugin::registry().lookup(), train::common_keys);
    for (train::BuiltIn& one : train::built_in_components())
      all.add(one.kind, one.name, one.schema);
    return all;
  }();
  return config::resolve(config::parse_yaml(yaml, "test.yaml"), sets, train::root_schema(),
                         schemas.lookup(), std::filesystem::temp_directory_path());
}

/// A field as `field:` of a training configures it.
inline std::shared_ptr<const VectorField> field_of(const std::string& yaml) {
  const Config root = configuration(
      "objective: likelihood\ndata: moons\nmodel: [{use: ode, field: " + yaml + "}]\n");
  return plugin::registry().create<VectorField>(
      root.components("model").front().component("field"));
}

/// Rows with the given values in the data's main column; row i is sample first + i.
inline model::Batch rows_of(Values values, std::int64_t width, std::int64_t first = 0) {
  model::Batch batch;
  batch.rows = static_cast<std::int64_t>(values.size()) / width;
  batch.samples.resize(static_cast<std::size_t>(batch.rows));
  std::iota(batch.samples.begin(), batch.samples.end(), first);
  batch.columns = {std::move(values)};
  return batch;
}

/// Standard normal numbers that are the same in every run.
inline Values normal(std::size_t count, std::uint64_t key = 1) {
  RandomStream random(key, 0);
  Values values(count);
  for (double& value : values) value = random.normal();
  return values;
}

/// A `data:` entry for rows of a width. The rows in the file do not matter to a test: it feeds the
/// pipeline with its own.
class DataOfWidth {
 public:
  explicit DataOfWidth(std::int64_t width) : DataOfWidth(std::vector<std::int64_t>{width}) {}
  explicit DataOfWidth(std::vector<std::int64_t> shape) {
    static int count = 0;
    path_ = std::filesystem::temp_directory_path() /
            ("odeum_model_" + std::to_string(::getpid()) + "_" + std::to_string(count++) + ".npy");
    shape.insert(shape.begin(), 10);
    const Values zeros(static_cast<std::size_t>(Shape(shape).elements(1)), 0.0);
    io::write_npy(path_, io::make_array(DType::f64, shape, zeros));
  }
  ~DataOfWidth() {
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
  }
  DataOfWidth(const DataOfWidth&) = delete;
  DataOfWidth& operator=(const DataOfWidth&) = delete;

  std::string yaml() const { return "{use: npy, file: " + path_.string() + ", batch: 8}"; }

 private:
  std::filesystem::path path_;
};

/// A pipeline with values for its parameters and buffers.
struct Assembled {
  explicit Assembled(const std::string& yaml, const std::vector<std::string>& sets = {})
      : Assembled(configuration(yaml, sets)) {}
  explicit Assembled(const Config& root)
      : pipeline(root, plugin::registry()),
        parameters(pipeline.initial_parameters()),
        buffers(pipeline.initial_buffers()) {}

  struct Step {
    model::StepResult result;
    Values gradient;  ///< laid out as the parameters
    Values buffers;   ///< behind the step
  };
  Step train_step(const model::Batch& batch, std::int64_t step = 0) {
    const auto theta = on_device(parameters, pipeline.parameters());
    const auto state = on_device(buffers, pipeline.buffers());
    const auto slope = on_device({}, pipeline.parameters());
    Step taken;
    taken.result =
        pipeline.train_step(batch, step, {theta.get(), 0}, {state.get(), 0}, {slope.get(), 0});
    model::append_flat(pipeline.device(), {slope.get(), 0},
                       static_cast<std::size_t>(pipeline.parameters().size), pipeline.precision(),
                       taken.gradient);
    model::append_flat(pipeline.device(), {state.get(), 0},
                       static_cast<std::size_t>(pipeline.buffers().size), pipeline.precision(),
                       taken.buffers);
    return taken;
  }
  model::EvaluationResult evaluate(const model::Batch& batch, std::int64_t pass = 0) {
    const auto theta = on_device(parameters, pipeline.parameters());
    const auto state = on_device(buffers, pipeline.buffers());
    return pipeline.evaluate(batch, pass, {theta.get(), 0}, {state.get(), 0});
  }
  Values nll(const model::Batch& batch, std::int64_t pass = 0) {
    return evaluate(batch, pass).metrics.at("nll");
  }
  Values sample(std::int64_t count, std::uint64_t key) {
    const auto theta = on_device(parameters, pipeline.parameters());
    const auto state = on_device(buffers, pipeline.buffers());
    return pipeline.sample(count, key, {theta.get(), 0}, {state.get(), 0});
  }
  Values reconstruct(const model::Batch& batch, std::int64_t pass = 0) {
    const auto theta = on_device(parameters, pipeline.parameters());
    const auto state = on_device(buffers, pipeline.buffers());
    return pipeline.reconstruct(batch, pass, {theta.get(), 0}, {state.get(), 0});
  }
  model::Pipeline::Features features(const model::Batch& batch, std::int64_t pass = 0) {
    const auto theta = on_device(parameters, pipeline.parameters());
    const auto state = on_device(buffers, pipeline.buffers());
    return pipeline.before_first_solve(batch, pass, {theta.get(), 0}, {state.get(), 0});
  }
  void fit(const model::Batch& batch) {
    const auto theta = on_device(parameters, pipeline.parameters());
    buffers = pipeline.fit(batch, {theta.get(), 0}, buffers);
  }

  model::Pipeline pipeline;
  Values parameters;
  Values buffers;

 private:
  std::shared_ptr<void> on_device(const Values& values, const model::Layout& layout) {
    return model::upload_flat(pipeline.device(), values, static_cast<std::size_t>(layout.size),
                              pipeline.precision());
  }
};

/// The message of the ConfigError that a configuration's assembly throws; "" if it throws none.
inline std::string refusal(const std::string& yaml, const std::vector<std::string>& sets = {}) {
  try {
    const Assembled assembled(yaml, sets);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "";
}

inline double mean(const Values& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

}  // namespace odeum::model_tests
