// SPDX-License-Identifier: Apache-2.0
#include "train/predictor.hpp"

#include <algorithm>
#include <array>
#include <numeric>

#include "model/roles.hpp"
#include "odeum/random.hpp"
#include "odeum/tensor.hpp"
#include "plugin/registry.hpp"
#include "train/batches.hpp"
#include "train/checkpoint.hpp"

namespace odeum::train {

Predictor::Predictor(const Config& root, const std::filesystem::path& checkpoint,
                     const plugin::Registry& registry)
    : seed_(static_cast<std::uint64_t>(root.integer("seed"))),
      precision_(root.text("precision") == "float64" ? DType::f64 : DType::f32),
      device_(registry.create<Device>(root.component("device"))),
      dataset_(registry.create<Dataset>(root.component("data"))),
      memory_(precision_) {
  if (const std::string reason = device_->probe(); !reason.empty())
    root.fail("device", "cannot be used here: " + reason);
  memory_.use(device_);
  const auto objective = registry.create<Objective>(root.component("objective"));
  const model::RoleNames names = model::role_names(*dataset_, *objective);
  const int input = model::column_of_role(root, names, names.roles.front());
  wanted_.resize(names.columns.size(), false);
  wanted_[static_cast<std::size_t>(input)] = true;

  const Column column = dataset_->columns()[static_cast<std::size_t>(input)];
  std::vector<std::int64_t> extents{kRows};
  extents.insert(extents.end(), column.shape.begin(), column.shape.end());
  const Shape shape(extents);
  const Shape trained(trained_on(checkpoint).sample_shape);
  if (Shape(column.shape) != trained) {
    root.fail("data", "has rows of shape " + Shape(column.shape).text() + ", the model takes " +
                          trained.text());
  }
  chain_ = std::make_unique<model::Chain>(root.components("model"), shape, precision_, registry,
                                          device_, log_, warnings_);
  model::Recorder recorder(parameters_, buffers_, precision_);
  const Tensor x = recorder.column(input, shape);
  const std::array output{
      cast(chain_->forward(recorder, x, model::Use::evaluation).value, DType::f64)};
  program_ = std::make_unique<model::BoundProgram>(recorder,
                                                   recorder.recording().program(output, {"values"}),
                                                   "prediction", device_, parameters_, buffers_);

  const Checkpoint loaded = load(checkpoint, parameters_, buffers_, precision_);
  parameter_memory_ =
      model::upload_flat(*device_, loaded.parameters, loaded.parameters.size(), precision_);
  buffer_memory_ = model::upload_flat(*device_, loaded.buffers, loaded.buffers.size(), precision_);
}

std::int64_t Predictor::rows() const { return dataset_->count(Split::train).value_or(0); }
std::int64_t Predictor::elements() const { return chain_->output_shape().elements_per_row(); }

std::vector<double> Predictor::values(std::int64_t batch) {
  std::vector<double> all;
  for (std::int64_t begin = 0; begin < rows(); begin += batch) {
    std::vector<std::int64_t> samples(static_cast<std::size_t>(std::min(batch, rows() - begin)));
    std::iota(samples.begin(), samples.end(), begin);
    const std::vector<double> part = values_of(read_rows(
        *dataset_, Split::train, split_key(seed_, Split::train, 0), std::move(samples), wanted_));
    all.insert(all.end(), part.begin(), part.end());
  }
  return all;
}

std::vector<double> Predictor::values_of(const model::Batch& rows) {
  memory_.load(rows);
  model::Sources sources;
  sources.rows = rows.rows;
  sources.parameters = {parameter_memory_.get(), 0};
  sources.buffers = {buffer_memory_.get(), 0};
  sources.columns = memory_.columns();
  sources.sample_index = memory_.sample_index();
  sources.noise_seed = stream_key(seed_, Purpose::evaluation, 0);
  std::vector<double> values(static_cast<std::size_t>(rows.rows * elements()));
  const View result = memory_.results(values.size() * sizeof(double));
  log_->records.clear();
  program_->run(sources, std::array{result});
  device_->download(values.data(), result, values.size() * sizeof(double));
  return values;
}

}  // namespace odeum::train
