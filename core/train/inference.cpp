// SPDX-License-Identifier: Apache-2.0
#include "train/inference.hpp"

#include <algorithm>
#include <array>
#include <numeric>
#include <utility>

#include "model/sampling.hpp"
#include "odeum/random.hpp"
#include "odeum/tensor.hpp"
#include "plugin/registry.hpp"
#include "train/checkpoint.hpp"

namespace odeum::train {
namespace {

Shape with_rows(const Shape& row) {
  std::vector<std::int64_t> extents{kRows};
  extents.insert(extents.end(), row.extents().begin(), row.extents().end());
  return Shape(std::move(extents));
}

}  // namespace

Inference::Inference(const Config& root, std::filesystem::path checkpoint,
                     const plugin::Registry& registry)
    : checkpoint_(std::move(checkpoint)),
      seed_(static_cast<std::uint64_t>(root.integer("seed"))),
      precision_(root.text("precision") == "float64" ? DType::f64 : DType::f32),
      device_(registry.create<Device>(root.component("device"))),
      objective_(registry.create<Objective>(root.component("objective").for_evaluation())),
      input_(trained_on(checkpoint_).sample_shape),
      memory_(precision_) {
  if (const std::string reason = device_->probe(); !reason.empty())
    root.fail("device", "cannot be used here: " + reason);
  memory_.use(device_);
  chain_ = std::make_unique<model::Chain>(root.components("model"), with_rows(input_), precision_,
                                          registry, device_, log_, warnings_);
}

Shape Inference::output_shape() const {
  const std::vector<std::int64_t>& extents = chain_->output_shape().extents();
  return Shape(std::vector<std::int64_t>(extents.begin() + 1, extents.end()));
}

std::string Inference::why_no_log_density() const {
  if (!objective_->needs_log_determinant()) return "its objective is none of densities";
  if (objective_->roles().size() > 1)
    return "its objective needs the role '" + objective_->roles()[1] + "' beside the model's input";
  try {
    chain_->require_log_determinant(std::array{model::Use::evaluation});
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "";
}

std::string Inference::why_no_samples() const {
  if (std::string reason = chain_->why_no_inverse(); !reason.empty()) return reason;
  model::Layout parameters, buffers;
  model::Recorder recorder(parameters, buffers, precision_);
  model::NamedScope scope = recorder.scope("objective", model::Use::evaluation);
  if (objective_->base_sample(scope, chain_->output_shape())) return "";
  return "this objective defines no samples: " + objective_->why_no_sampling();
}

std::unique_ptr<model::BoundProgram> Inference::compile(const model::Recorder& recorder,
                                                        Tensor output, const std::string& name) {
  const std::array outputs{output};
  auto program =
      std::make_unique<model::BoundProgram>(recorder, recorder.recording().program(outputs, {name}),
                                            name, device_, parameters_, buffers_);
  load_numbers();
  return program;
}

void Inference::load_numbers() {
  // What another of the three asked for has been read.
  if (parameters_.size == loaded_parameters_ && buffers_.size == loaded_buffers_) return;
  const Checkpoint loaded = load(checkpoint_, parameters_, buffers_, precision_);
  parameter_memory_ =
      model::upload_flat(*device_, loaded.parameters, loaded.parameters.size(), precision_);
  buffer_memory_ = model::upload_flat(*device_, loaded.buffers, loaded.buffers.size(), precision_);
  loaded_parameters_ = parameters_.size;
  loaded_buffers_ = buffers_.size;
}

void Inference::compile_values() {
  if (values_) return;
  model::Recorder recorder(parameters_, buffers_, precision_);
  const Tensor x = recorder.column(0, chain_->input_shape());
  values_ =
      compile(recorder, chain_->forward(recorder, x, model::Use::evaluation).value, "prediction");
}

void Inference::compile_log_density() {
  if (log_density_) return;
  if (const std::string reason = why_no_log_density(); !reason.empty())
    throw ConfigError("this model has no log-density: " + reason);
  model::Recorder recorder(parameters_, buffers_, precision_);
  model::RecordedModel model(*chain_, recorder, model::Use::evaluation);
  model::NamedScope scope = recorder.scope("objective", model::Use::evaluation);
  const Tensor x = recorder.column(0, chain_->input_shape());
  const Objective::Losses losses =
      objective_->losses(scope, model, {{objective_->roles().front(), x}});
  for (const auto& [name, value] : losses.metrics) {
    if (name != "nll") continue;
    log_density_ = compile(recorder, -cast(value, DType::f64), "log-density");
    return;
  }
  throw ConfigError("this model has no log-density: its objective reports no nll");
}

void Inference::compile_sampling() {
  if (sampling_) return;
  model::Recorder recorder(parameters_, buffers_, precision_);
  sampling_ = compile(recorder, model::record_samples(*chain_, *objective_, recorder), "samples");
}

template <class In, class Out>
void Inference::run(model::BoundProgram& program, DType type, std::uint64_t noise_seed,
                    std::int64_t first, std::int64_t count, std::span<const In> rows,
                    std::span<Out> out) {
  samples_.resize(static_cast<std::size_t>(count));
  std::iota(samples_.begin(), samples_.end(), first);
  memory_.load(samples_, rows);
  model::Sources sources;
  sources.rows = count;
  sources.parameters = {parameter_memory_.get(), 0};
  sources.buffers = {buffer_memory_.get(), 0};
  sources.columns = memory_.columns();
  sources.sample_index = memory_.sample_index();
  sources.noise_seed = noise_seed;
  const View result = memory_.results(out.size() * size_of(type));
  log_->records.clear();
  program.run(sources, std::array{result});
  memory_.fetch(result, type, out);
}

template <class Real>
void Inference::values(std::span<const Real> rows, std::int64_t first, std::span<Real> out) {
  compile_values();
  const auto count = static_cast<std::int64_t>(rows.size()) / input_.elements(1);
  run(*values_, precision_, stream_key(seed_, Purpose::evaluation, 0), first, count, rows, out);
}

template <class In, class Out>
void Inference::log_density(std::span<const In> rows, std::int64_t first, std::span<Out> out) {
  compile_log_density();
  const auto count = static_cast<std::int64_t>(out.size());
  run(*log_density_, DType::f64, stream_key(seed_, Purpose::evaluation, 0), first, count, rows,
      out);
}

std::int64_t Inference::samples_at_once() const {
  return model::samples_at_once(input_.elements(1));
}

template <class Real>
void Inference::sample(std::uint64_t key, std::int64_t first, std::span<Real> out) {
  compile_sampling();
  const auto count = static_cast<std::int64_t>(out.size()) / input_.elements(1);
  run(*sampling_, precision_, stream_key(key, Purpose::sample, 0), first, count,
      std::span<const Real>(), out);
}

template void Inference::values(std::span<const float>, std::int64_t, std::span<float>);
template void Inference::values(std::span<const double>, std::int64_t, std::span<double>);
template void Inference::log_density(std::span<const float>, std::int64_t, std::span<float>);
template void Inference::log_density(std::span<const float>, std::int64_t, std::span<double>);
template void Inference::log_density(std::span<const double>, std::int64_t, std::span<double>);
template void Inference::sample(std::uint64_t, std::int64_t, std::span<float>);
template void Inference::sample(std::uint64_t, std::int64_t, std::span<double>);

}  // namespace odeum::train
