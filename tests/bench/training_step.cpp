// SPDX-License-Identifier: Apache-2.0
#include "training_step.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>

#include "cli/session.hpp"
#include "io/npy.hpp"
#include "model/batch_memory.hpp"
#include "model/declarations.hpp"
#include "odeum/random.hpp"
#include "plugin/registry.hpp"
#include "train/batches.hpp"
#include "train/schemas.hpp"

namespace odeum::bench {
namespace {

Config root_of(const std::string& file, const std::vector<std::string>& sets) {
  return cli::load(file, sets, train::root_schema(), plugin::registry());
}

/// The hidden layers' weights, of the state and of the time.
void scale_hidden(const model::Layout& layout, double gain, std::vector<double>& parameters) {
  std::string last;
  for (const model::Entry& entry : layout.entries) {
    const std::string layer = entry.name.substr(0, entry.name.rfind('.'));
    last = std::max(last, layer);
  }
  for (const model::Entry& entry : layout.entries) {
    const bool weight = entry.name.ends_with(".weight") || entry.name.ends_with(".time");
    if (entry.name.starts_with(last + ".") || !weight) continue;
    for (std::int64_t i = 0; i < entry.size; ++i)
      parameters[static_cast<std::size_t>(entry.offset + i)] *= gain;
  }
}

/// What the pipeline draws as probe of its block `flow` in step 0.
std::vector<double> probe(std::uint64_t seed, std::int64_t rows, std::size_t elements) {
  const std::uint64_t of_noise = stream_key(stream_key(seed, Purpose::noise, 0), Purpose::noise,
                                            model::name_key("flow.probe"));
  const std::uint64_t stream = stream_key(of_noise, Purpose::user, 0);
  std::vector<double> values(static_cast<std::size_t>(rows) * elements);
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = RandomElement(stream, i / elements, i % elements).normal();
  return values;
}

void write(const std::string& file, std::vector<std::int64_t> shape,
           const std::vector<double>& values) {
  io::write_npy(file, io::make_array(DType::f64, std::move(shape), values));
}

}  // namespace

TrainingStep::TrainingStep(const std::string& file, const std::vector<std::string>& sets)
    : TrainingStep(root_of(file, sets)) {}

TrainingStep::TrainingStep(const Config& root)
    : pipeline_(root, plugin::registry()),
      seed_(static_cast<std::uint64_t>(root.integer("seed"))) {}

void TrainingStep::fill(double hidden_gain) {
  const auto on_device = [this](const std::vector<double>& values, std::int64_t size) {
    return model::upload_flat(pipeline_.device(), values, static_cast<std::size_t>(size),
                              pipeline_.precision());
  };
  values_ = pipeline_.initial_parameters();
  scale_hidden(pipeline_.parameters(), hidden_gain, values_);
  parameters_ = on_device(values_, pipeline_.parameters().size);
  buffers_ = on_device(pipeline_.initial_buffers(), pipeline_.buffers().size);
  gradient_ = on_device({}, pipeline_.parameters().size);
  std::vector<std::int64_t> samples(static_cast<std::size_t>(pipeline_.batch_rows()));
  std::iota(samples.begin(), samples.end(), std::int64_t{0});
  batch_ = train::read_rows(pipeline_.dataset(), Split::train, 1, std::move(samples),
                            pipeline_.wanted_columns());
}

model::StepResult TrainingStep::run() {
  model::StepResult result = pipeline_.train_step(batch_, 0, {parameters_.get(), 0},
                                                  {buffers_.get(), 0}, {gradient_.get(), 0});
  pipeline_.device().synchronize();
  if (!std::isfinite(result.loss)) throw std::runtime_error("the loss is not finite");
  return result;
}

void TrainingStep::write_entries(const std::string& folder, const std::vector<double>& flat) const {
  for (const model::Entry& entry : pipeline_.parameters().entries) {
    const auto begin = flat.begin() + entry.offset;
    std::vector<std::int64_t> shape;
    for (int axis = 0; axis < entry.shape.rank(); ++axis) shape.push_back(entry.shape[axis]);
    write(folder + "/" + entry.name + ".npy", std::move(shape), {begin, begin + entry.size});
  }
}

void TrainingStep::write_problem(const std::string& folder) const {
  write_entries(folder, values_);
  const std::vector<Column> columns = pipeline_.dataset().columns();
  const std::string main = pipeline_.dataset().main_column();
  for (std::size_t c = 0; c < batch_.columns.size(); ++c) {
    if (batch_.columns[c].empty()) continue;
    std::vector<std::int64_t> shape{batch_.rows};
    for (const std::int64_t extent : columns[c].shape) shape.push_back(extent);
    const bool is_main = columns[c].name == main;
    write(folder + "/" + (is_main ? "x" : columns[c].name) + ".npy", shape, batch_.columns[c]);
    if (!is_main) continue;
    const std::size_t elements = batch_.columns[c].size() / static_cast<std::size_t>(batch_.rows);
    write(folder + "/probe.npy", shape, probe(seed_, batch_.rows, elements));
  }
}

void TrainingStep::write_gradient(const std::string& folder) const {
  std::vector<double> values;
  model::append_flat(pipeline_.device(), {gradient_.get(), 0},
                     static_cast<std::size_t>(pipeline_.parameters().size), pipeline_.precision(),
                     values);
  write_entries(folder, values);
}

}  // namespace odeum::bench
