// SPDX-License-Identifier: Apache-2.0
#include "model/pipeline.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <utility>

#include "model/pipeline_parts.hpp"
#include "model/roles.hpp"
#include "model/sampling.hpp"
#include "odeum/gradient.hpp"
#include "odeum/reversal.hpp"
#include "odeum/tensor.hpp"
#include "odeum/transforms.hpp"
#include "plugin/registry.hpp"

namespace odeum::model {

namespace {

Shape column_shape(const Column& column) {
  std::vector<std::int64_t> extents{kRows};
  extents.insert(extents.end(), column.shape.begin(), column.shape.end());
  return Shape(std::move(extents));
}

Evaluations count(const SolveLog& log) {
  Evaluations total;
  for (const SolveLog::Record& record : log.records) {
    (record.backward ? total.backward : total.forward) += record.report.evaluations;
    if (record.backward) continue;
    total.accepted += record.report.accepted;
    total.rejected += record.report.rejected;
  }
  return total;
}

/// Without its cost nothing holds what a block draws near the prior.
void require_cost_used(const Objective& objective, const RecordedModel& model) {
  const PluginBlock* block = model.first_with_cost();
  if (block == nullptr || objective.uses_cost()) return;
  throw ConfigError(block->place,
                    "block '" + block->name +
                        "' draws its result and has a cost, the divergence of what it draws from "
                        "and a prior, which this objective leaves out: its deviations would shrink "
                        "to nothing. Choose an objective that takes it, such as latent_ode, or "
                        "leave the block out");
}

}  // namespace

SolveFailure::SolveFailure(const std::string& block, SolveReport report, OnFailure policy)
    : RunError("the solve of '" + block + "' failed: " + report.message()),
      report_(std::move(report)),
      policy_(policy) {}

Pipeline::Parts::Parts(const Config& config, const plugin::Registry& registry)
    : root(config),
      seed(static_cast<std::uint64_t>(config.integer("seed"))),
      precision(config.text("precision") == "float64" ? DType::f64 : DType::f32),
      device(registry.create<Device>(config.component("device"))),
      memory(precision) {
  const std::string reason = device->probe();
  if (!reason.empty()) config.fail("device", "cannot be used here: " + reason);
  memory.use(device);
  dataset = registry.create<Dataset>(config.component("data"));
  objective = registry.create<Objective>(config.component("objective"));
  evaluation_objective = registry.create<Objective>(config.component("objective").for_evaluation());
  columns = dataset->columns();
  bind_roles();
  chain = std::make_unique<Chain>(config.components("model"),
                                  column_shape(columns[static_cast<std::size_t>(main_column)]),
                                  precision, registry, device, log, warnings);
  require_what_is_needed();
  compile_training();
  compile_evaluation();
}

void Pipeline::Parts::require_what_is_needed() const {
  const bool matches = objective->matches_velocity();
  if (matches) chain->require_matching();
  const bool evaluated = evaluation_objective->needs_log_determinant();
  const std::array evaluation_alone{Use::evaluation};
  if (objective->needs_log_determinant() && !matches) {
    chain->require_log_determinant();
  } else if (evaluated) {
    chain->require_log_determinant(evaluation_alone);
  }
}

void Pipeline::Parts::bind_roles() {
  const RoleNames names = role_names(*dataset, *objective);
  require_known_roles(root, names);
  for (const std::string& role : names.roles) roles[role] = column_of_role(root, names, role);
  main_column = roles[names.roles.front()];
}

Objective::Losses Pipeline::Parts::record_losses(const Objective& of, Recorder& recorder, Use use,
                                                 RecordedModel& model) {
  std::map<std::string, Tensor> values;
  for (const auto& [role, column] : roles) {
    values[role] = recorder.column(column, column_shape(columns[static_cast<std::size_t>(column)]));
  }
  NamedScope scope = recorder.scope("objective", use);
  try {
    Objective::Losses losses = of.losses(scope, model, values);
    require_cost_used(of, model);
    return losses;
  } catch (const std::invalid_argument& error) {
    root.component("objective").fail("", error.what());
  }
}

std::unique_ptr<BoundProgram> Pipeline::Parts::compile(const Recorder& recorder,
                                                       std::span<const Tensor> outputs,
                                                       std::vector<std::string> names,
                                                       const std::string& name) {
  const Program program = recorder.recording().program(outputs, std::move(names));
  return std::make_unique<BoundProgram>(recorder, program, name, device, parameters, buffers);
}

void Pipeline::Parts::compile_training() {
  Recorder recorder(parameters, buffers, precision);
  RecordedModel model(*chain, recorder, Use::training);
  const Objective::Losses losses = record_losses(*objective, recorder, Use::training, model);

  std::vector<Tensor> outputs{mean_rows(cast(losses.loss, DType::f64))};
  std::vector<std::string> names{"loss"};
  for (const auto& [name, value] : losses.metrics) {
    training.metrics.push_back(name);
    outputs.push_back(mean_rows(cast(value, DType::f64)));
    names.push_back(name);
  }
  std::vector<OdeBlock::Cost> costs = model.costs();
  for (const Objective::Losses::Weighted& term : losses.weighted)
    costs.push_back({term.name, term.weight, cast(term.value, DType::f64)});
  for (const OdeBlock::Cost& cost : costs) {
    const Tensor mean = cost.value.shape().has_rows() ? mean_rows(cost.value) : cost.value;
    outputs.front() =
        outputs.front() + recorder.scalar(static_cast<int>(training.weights.size())) * mean;
    training.costs.push_back(cost.name);
    training.weights.push_back(cost.weight);
    outputs.push_back(mean);
    names.push_back(cost.name);
  }

  std::vector<Tensor> wanted;
  const std::vector<Tensor> used = recorder.used_parameters();
  for (std::size_t i = 0; i < used.size(); ++i) {
    if (!used[i]) continue;
    wanted.push_back(used[i]);
    training.gradients.push_back(static_cast<int>(i));
  }
  const std::array loss{outputs.front()};
  const std::array seed_cotangent{ones_like(loss.front())};
  const std::vector<Tensor> gradients = vjp(loss, wanted, seed_cotangent);
  for (std::size_t i = 0; i < gradients.size(); ++i) {
    outputs.push_back(gradients[i]);
    names.push_back("gradient." +
                    parameters.entries[static_cast<std::size_t>(training.gradients[i])].name);
  }
  for (const auto& [index, value] : recorder.next_buffers()) {
    training.next.push_back(index);
    outputs.push_back(value);
    names.push_back("next." + buffers.entries[static_cast<std::size_t>(index)].name);
  }
  training.program = compile(recorder, outputs, std::move(names), "training step");
  if (!training.next.empty()) {
    next_buffers = device->allocate(static_cast<std::size_t>(buffers.size) * size_of(precision));
  }
}

void Pipeline::Parts::compile_evaluation() {
  Recorder recorder(parameters, buffers, precision);
  RecordedModel model(*chain, recorder, Use::evaluation);
  const Objective::Losses losses =
      record_losses(*evaluation_objective, recorder, Use::evaluation, model);
  std::vector<Tensor> outputs;
  for (const auto& [name, value] : losses.metrics) {
    evaluation.metrics.push_back(name);
    outputs.push_back(cast(value, DType::f64));
  }
  evaluation.program = compile(recorder, outputs, evaluation.metrics, "evaluation");
}

void Pipeline::Parts::compile_sampling() {
  Recorder recorder(parameters, buffers, precision);
  const std::array output{record_samples(*chain, *evaluation_objective, recorder)};
  sampling = compile(recorder, output, {"samples"}, "sampling");
}

Sources Pipeline::Parts::sources(const Batch& batch, Purpose purpose, std::int64_t step,
                                 View parameter_values, View buffer_values) {
  Sources result;
  result.rows = batch.rows;
  result.parameters = parameter_values;
  result.buffers = buffer_values;
  result.noise_seed = stream_key(seed, purpose, 0);
  result.step = step;
  memory.load(batch);
  result.columns = memory.columns();
  result.sample_index = memory.sample_index();
  return result;
}

Pipeline::Pipeline(const Config& root, const plugin::Registry& registry)
    : parts_(std::make_unique<Parts>(root, registry)) {}
Pipeline::~Pipeline() = default;

const Dataset& Pipeline::dataset() const { return *parts_->dataset; }
const Objective& Pipeline::objective() const { return *parts_->objective; }
Device& Pipeline::device() const { return *parts_->device; }
std::shared_ptr<Device> Pipeline::shared_device() const { return parts_->device; }
DType Pipeline::precision() const { return parts_->precision; }
const std::vector<std::string>& Pipeline::warnings() const { return parts_->warnings; }
std::int64_t Pipeline::batch_rows() const {
  return parts_->root.component("data").integer("batch");
}
const std::string& Pipeline::main_metric() const { return parts_->evaluation.metrics.front(); }

const Layout& Pipeline::parameters() const { return parts_->parameters; }
const Layout& Pipeline::buffers() const { return parts_->buffers; }

std::vector<bool> Pipeline::wanted_columns() const {
  std::vector<bool> wanted(parts_->columns.size(), false);
  for (const auto& [role, column] : parts_->roles) wanted[static_cast<std::size_t>(column)] = true;
  return wanted;
}

std::vector<double> Pipeline::initial_parameters() const {
  return initial_values(parts_->parameters, parts_->seed);
}
std::vector<double> Pipeline::initial_buffers() const {
  return initial_values(parts_->buffers, parts_->seed);
}

StepResult Pipeline::train_step(const Batch& batch, std::int64_t step, View parameters,
                                View buffers, View gradient) {
  const QueuedStep queued = queue_train_step(batch, step, parameters, buffers, gradient);
  Device& device = *parts_->device;
  if (next_buffers()) {
    const auto elements = static_cast<std::size_t>(parts_->buffers.size);
    device.copy(buffers, next_buffers(), elements * size_of(parts_->precision));
  }
  std::vector<double> numbers(queued.numbers);
  device.download(numbers.data(), queued.loss, numbers.size() * sizeof(double));
  return step_result(queued, numbers);
}

View Pipeline::next_buffers() const { return {parts_->next_buffers.get(), 0}; }

QueuedStep Pipeline::queue_train_step(const Batch& batch, std::int64_t step, View parameters,
                                      View buffers, View gradient) {
  Parts& parts = *parts_;
  const Compiled& training = parts.training;
  Sources sources = parts.sources(batch, Purpose::noise, step, parameters, buffers);
  for (const Schedule& weight : training.weights) sources.scalars.push_back(weight.at(step));

  const std::size_t element = size_of(parts.precision);
  parts.device->fill_zero(gradient, static_cast<std::size_t>(parts.parameters.size) * element);
  const std::size_t scalars = 1 + training.metrics.size() + training.costs.size();
  const View results = parts.memory.results(scalars * sizeof(double));
  std::vector<View> outputs;
  for (std::size_t i = 0; i < scalars; ++i) outputs.push_back(results + i * sizeof(double));
  for (const int index : training.gradients) {
    const Entry& entry = parts.parameters.entries[static_cast<std::size_t>(index)];
    outputs.push_back(gradient + static_cast<std::size_t>(entry.offset) * element);
  }
  if (const View next = next_buffers()) {
    // Those that do not move are taken along.
    parts.device->copy(next, buffers, static_cast<std::size_t>(parts.buffers.size) * element);
    for (const int index : training.next) {
      const Entry& entry = parts.buffers.entries[static_cast<std::size_t>(index)];
      outputs.push_back(next + static_cast<std::size_t>(entry.offset) * element);
    }
  }
  parts.log->records.clear();
  training.program->run(sources, outputs);
  return {results, scalars, count(*parts.log)};
}

StepResult Pipeline::step_result(const QueuedStep& step, std::span<const double> numbers) const {
  const Compiled& training = parts_->training;
  StepResult result;
  result.loss = numbers[0];
  for (std::size_t i = 0; i < training.metrics.size(); ++i)
    result.metrics[training.metrics[i]] = numbers[1 + i];
  for (std::size_t i = 0; i < training.costs.size(); ++i)
    result.costs[training.costs[i]] = numbers[1 + training.metrics.size() + i];
  result.evaluations = step.evaluations;
  return result;
}

EvaluationResult Pipeline::evaluate(const Batch& batch, std::int64_t pass, View parameters,
                                    View buffers) {
  Parts& parts = *parts_;
  const Sources sources = parts.sources(batch, Purpose::evaluation, pass, parameters, buffers);
  const auto rows = static_cast<std::size_t>(batch.rows);
  const std::size_t metrics = parts.evaluation.metrics.size();
  const View results = parts.memory.results(metrics * rows * sizeof(double));
  std::vector<View> outputs;
  for (std::size_t i = 0; i < metrics; ++i) outputs.push_back(results + i * rows * sizeof(double));
  parts.log->records.clear();
  parts.evaluation.program->run(sources, outputs);
  EvaluationResult result;
  for (std::size_t i = 0; i < metrics; ++i) {
    std::vector<double>& values = result.metrics[parts.evaluation.metrics[i]];
    values.resize(rows);
    parts.device->download(values.data(), outputs[i], rows * sizeof(double));
  }
  result.evaluations = count(*parts.log);
  return result;
}

bool Pipeline::needs_fit() const {
  for (std::size_t i = 0; i < parts_->chain->size(); ++i) {
    const PluginBlock* link = parts_->chain->plugin(i);
    if (link != nullptr && link->block->needs_moments()) return true;
  }
  return false;
}

std::vector<double> Pipeline::fit(const Batch& rows, View parameters, std::vector<double> buffers) {
  Parts& parts = *parts_;
  for (std::size_t i = 0; i < parts.chain->size(); ++i) {
    const PluginBlock* link = parts.chain->plugin(i);
    if (link == nullptr || !link->block->needs_moments()) continue;

    Recorder recorder(parts.parameters, parts.buffers, parts.precision);
    const Tensor x = recorder.column(parts.main_column, parts.chain->input_shape());
    const std::array output{
        cast(parts.chain->forward(recorder, x, Use::evaluation, i).value, DType::f64)};
    const auto program =
        parts.compile(recorder, output, {"input"}, "moments for '" + link->name + "'");
    const std::shared_ptr<void> buffer_memory = upload_flat(
        *parts.device, buffers, static_cast<std::size_t>(parts.buffers.size), parts.precision);
    const Sources sources =
        parts.sources(rows, Purpose::noise, -1, parameters, {buffer_memory.get(), 0});
    const auto count = static_cast<std::size_t>(rows.rows);
    const auto features = static_cast<std::size_t>(parts.chain->shape_before(i).elements_per_row());
    const View result = parts.memory.results(count * features * sizeof(double));
    const std::array outputs{result};
    program->run(sources, outputs);
    std::vector<double> values(count * features);
    parts.device->download(values.data(), result, values.size() * sizeof(double));

    Moments fit_to = moments(values, features);
    if (link->block->needs_covariance()) fit_to.covariance = covariance(values, fit_to.mean);
    for (const auto& [name, fitted] : link->block->fit(fit_to)) {
      store(parts.buffers, link->name + "." + name, fitted, buffers);
    }
  }
  return buffers;
}

Pipeline::Features Pipeline::before_first_solve(const Batch& batch, std::int64_t pass,
                                                View parameters, View buffers) {
  Parts& parts = *parts_;
  std::size_t position = 0;
  while (position < parts.chain->size() && parts.chain->plugin(position) != nullptr) ++position;
  Recorder recorder(parts.parameters, parts.buffers, parts.precision);
  const Tensor x = recorder.column(parts.main_column, parts.chain->input_shape());
  const Chain::Output prefix = parts.chain->forward(recorder, x, Use::evaluation, position);
  const std::array outputs{cast(prefix.value, DType::f64), prefix.log_determinant};
  const auto program =
      parts.compile(recorder, outputs, {"features", "log_determinant"}, "blocks before the solve");

  Features features;
  features.width = parts.chain->shape_before(position).elements_per_row();
  const auto rows = static_cast<std::size_t>(batch.rows);
  const std::size_t count = rows * static_cast<std::size_t>(features.width);
  const Sources sources = parts.sources(batch, Purpose::evaluation, pass, parameters, buffers);
  const View results = parts.memory.results((count + rows) * sizeof(double));
  const std::array views{results, results + count * sizeof(double)};
  program->run(sources, views);
  features.values.resize(count);
  features.log_determinant.resize(rows);
  parts.device->download(features.values.data(), views[0], count * sizeof(double));
  parts.device->download(features.log_determinant.data(), views[1], rows * sizeof(double));
  return features;
}

std::vector<double> Pipeline::sample(std::int64_t n, std::uint64_t key, View parameters,
                                     View buffers) {
  Parts& parts = *parts_;
  if (!parts.sampling) parts.compile_sampling();
  const std::int64_t width = parts.chain->input_shape().elements_per_row();
  const std::int64_t most = samples_at_once(width);
  const auto features = static_cast<std::size_t>(width);
  const std::size_t element = size_of(parts.precision);
  std::vector<double> samples;
  samples.reserve(static_cast<std::size_t>(n) * features);
  for (std::int64_t begin = 0; begin < n; begin += most) {
    Batch batch;
    batch.rows = std::min(most, n - begin);
    for (std::int64_t i = 0; i < batch.rows; ++i) batch.samples.push_back(begin + i);
    Sources sources = parts.sources(batch, Purpose::sample, 0, parameters, buffers);
    sources.noise_seed = stream_key(key, Purpose::sample, 0);
    const std::size_t values = static_cast<std::size_t>(batch.rows) * features;
    const View result = parts.memory.results(values * element);
    const std::array outputs{result};
    parts.log->records.clear();
    parts.sampling->run(sources, outputs);
    append_flat(*parts.device, result, values, parts.precision, samples);
  }
  return samples;
}

Shape Pipeline::sample_shape() const {
  const std::vector<std::int64_t>& extents = parts_->chain->input_shape().extents();
  return Shape(std::vector<std::int64_t>(extents.begin() + 1, extents.end()));
}

std::size_t Pipeline::MemoryEstimate::total() const {
  std::size_t sum = programs;
  for (const Solve& solve : solves) sum += solve.kept.value_or(0);
  return sum;
}

Pipeline::MemoryEstimate Pipeline::memory_estimate(std::int64_t rows) const {
  // A solve over a unit span at the tolerances of training takes some dozens of steps.
  constexpr std::int64_t kAssumedSteps = 64;
  const std::size_t element = size_of(parts_->precision);
  const std::size_t flat =
      static_cast<std::size_t>(parts_->parameters.size + parts_->buffers.size) * element;
  MemoryEstimate estimate;
  estimate.programs = 2 * flat + parts_->training.program->scratch_bytes(rows);
  for (const SolveLog::Trained& trained : parts_->log->trained) {
    const std::shared_ptr<const OdeSolveSession> session = trained.session.lock();
    if (!session) continue;
    MemoryEstimate::Solve solve{.block = session->block};
    solve.steps = given_steps(trained.options, session->grid);
    solve.steps_assumed = solve.steps == 0;
    if (solve.steps_assumed) solve.steps = kAssumedSteps;
    solve.kept = session->differentiable->estimate_kept_bytes(
        rows, static_cast<std::int64_t>(session->grid.size()) - 1, solve.steps);
    estimate.solves.push_back(std::move(solve));
  }
  return estimate;
}

std::size_t Pipeline::kept_bytes() const {
  std::size_t bytes = 0;
  for (const SolveLog::Trained& trained : parts_->log->trained) {
    if (const auto session = trained.session.lock()) bytes += session->differentiable->kept_bytes();
  }
  return bytes;
}

}  // namespace odeum::model
