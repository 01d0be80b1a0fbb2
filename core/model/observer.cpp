// SPDX-License-Identifier: Apache-2.0
#include "model/observer.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "model/noted_rates.hpp"
#include "odeum/program.hpp"
#include "odeum/tensor.hpp"
#include "solve/rates.hpp"

namespace odeum::model {

using Seen = OdeDynamics::Seen;

std::string observation_refusal(const Solver& solver, const SolveOptions& options) {
  if (solver.host_driven()) {
    return "takes its steps inside a library, which does not tell accepted ones from rejected "
           "ones, and this field observes statistics at accepted steps while it is trained: use "
           "one that odeum steps, as dopri5";
  }
  if (options.step_size == StepSize::per_sample) {
    return "is asked for step_size: per_sample, but this field observes statistics of the batch "
           "while it is trained, and samples with steps of their own are never at one time: leave "
           "step_size out in training (evaluation may have it)";
  }
  if (!options.jump_times.empty()) {
    return "is asked for jump_times, but this field observes statistics along one smooth solve "
           "while it is trained: leave them out, or write the field smooth there";
  }
  return "";
}

namespace {

/// A value that may stand for many: what is seen at a step, each once.
class Distinct {
 public:
  /// Where the value stands.
  std::size_t place(Tensor value) {
    const auto [found, is_new] = places_.try_emplace(value.id(), values.size());
    if (is_new) values.push_back(value);
    return found->second;
  }
  std::vector<Tensor> values;

 private:
  std::map<ValueId, std::size_t> places_;
};

/// One observation with weight and value by their places.
struct Placed {
  std::size_t item = 0;
  std::size_t weight = 0;
  std::size_t value = 0;
};

}  // namespace

Observer::Observer(OdeDynamics dynamics, DType precision, std::shared_ptr<Device> device)
    : dynamics_(std::move(dynamics)), precision_(precision), device_(std::move(device)) {
  for (std::vector<View>& half : halves_) {
    for (std::size_t i = 0; i < dynamics_.observed.size(); ++i) {
      memory_.push_back(device_->allocate(bytes(i)));
      half.push_back({memory_.back().get(), 0});
    }
  }
}

const InputSpec& Observer::spec(std::size_t observed) const {
  return dynamics_.dynamics.constants[constant_of(dynamics_.observed[observed])];
}

std::size_t Observer::bytes(std::size_t observed) const {
  return static_cast<std::size_t>(spec(observed).shape.elements(1)) * size_of(precision_);
}

Tensor Observer::declare(Recording& recording, std::size_t observed) const {
  return recording.input(spec(observed).name, spec(observed).shape, precision_);
}

void Observer::begin(std::span<const View> constants) {
  steps_ = 0;
  for (std::size_t i = 0; i < now().size(); ++i) {
    device_->copy(now()[i], constants[constant_of(dynamics_.observed[i])], bytes(i));
  }
}

void Observer::fold(Executable& run, std::span<const View> values) {
  std::vector<View> inputs = now();
  inputs.insert(inputs.end(), values.begin(), values.end());
  run.run(1, inputs, halves_[1 - current_]);
  current_ = 1 - current_;
}

/// An integrator of the observed dynamics. What its steps see comes out of them as extra outputs,
/// behind those that the gradient method asks for.
class ObservedSolve final : public Integrator {
 public:
  ObservedSolve(Observer& observer, const SolveSetting& setting, const SolveOptions& options,
                const IntegratorRequest& request)
      : observer_(observer), setting_(setting), options_(options), asked_(request) {
    IntegratorRequest own = request;
    own.extra = [this](const StepInputs& in, const StepOutputs& out,
                       std::span<const Tensor> constants) { return record(in, out, constants); };
    if (!request.extra) own.extra_dense = DenseOutput::not_wanted;
    if (request.extra_at) {
      own.extra_at = [this](std::int64_t index) { return places(index); };
    }
    integrator_ = setting.integrator(setting.dynamics(), options, own);
  }

  SolveReport integrate(const SolveCall& call) override {
    observer_.begin(call.constants);
    SolveCall own = call;
    own.observer = [&](const AcceptedStep& step) {
      if (step.index == 0 && run_first_) fold_first(call, step);
      observer_.fold(*run_step_, step.extra.last(seen_values_));
      ++observer_.steps_;
      if (!call.observer) return;
      AcceptedStep shown = step;
      shown.extra = step.extra.first(step.extra.size() - seen_values_);
      call.observer(shown);
    };
    return integrator_->integrate(own);
  }

 private:
  std::vector<Tensor> record(const StepInputs& in, const StepOutputs& out,
                             std::span<const Tensor> constants);
  std::unique_ptr<Executable> compile_step(const std::vector<Placed>& placed,
                                           const std::vector<Tensor>& values);
  std::unique_ptr<Executable> compile_first();
  void fold_first(const SolveCall& call, const AcceptedStep& step);
  std::span<const View> places(std::int64_t index);
  std::vector<Tensor> fold(std::vector<Tensor> buffers, const std::vector<Placed>& placed,
                           std::span<const Tensor> values) const;

  Observer& observer_;
  const SolveSetting& setting_;
  SolveOptions options_;
  IntegratorRequest asked_;
  std::unique_ptr<Integrator> integrator_;
  std::size_t seen_values_ = 0;  ///< outputs of a step that are of ours, the last ones
  std::unique_ptr<Executable> run_step_;
  std::unique_ptr<Executable> run_first_;  ///< where a step does not evaluate its own beginning
  std::shared_ptr<void> time_;
  std::vector<std::shared_ptr<void>> memory_;  ///< of our outputs, where the method says the place
  std::vector<View> own_places_;
  std::vector<View> all_places_;
};

/// The stages are recorded a second time, which gives the values that are there already.
std::vector<Tensor> ObservedSolve::record(const StepInputs& in, const StepOutputs& out,
                                          std::span<const Tensor> constants) {
  std::vector<Tensor> outputs;
  if (asked_.extra) outputs = asked_.extra(in, out, constants);
  solve::CountedRates rates(setting_.dynamics(), options_, constants);
  NotedRates noted(rates, in.t.graph());
  setting_.solver().step(noted, in);

  Distinct distinct;
  std::vector<Placed> placed;
  bool sees_its_beginning = false;
  for (const SolverStep::Evaluation& one : noted.noted) {
    sees_its_beginning |= one.t.id() == in.t.id() && one.z.id() == in.y.front().id();
    for (const Seen& seen : observer_.dynamics_.seen(one.t, one.z, constants)) {
      placed.push_back({seen.item, distinct.place(seen.weight), distinct.place(seen.value)});
    }
  }
  seen_values_ = distinct.values.size();
  run_step_ = compile_step(placed, distinct.values);
  if (!sees_its_beginning) run_first_ = compile_first();
  for (const Tensor& value : distinct.values) {
    const auto bytes = static_cast<std::size_t>(value.shape().elements(1)) * size_of(value.dtype());
    memory_.push_back(setting_.device().allocate(bytes));
    own_places_.push_back({memory_.back().get(), 0});
  }
  outputs.insert(outputs.end(), distinct.values.begin(), distinct.values.end());
  return outputs;
}

std::vector<Tensor> ObservedSolve::fold(std::vector<Tensor> buffers,
                                        const std::vector<Placed>& placed,
                                        std::span<const Tensor> values) const {
  const std::vector<std::size_t>& observed = observer_.dynamics_.observed;
  for (const Placed& one : placed) {
    const auto at = std::lower_bound(observed.begin(), observed.end(), one.item);
    Tensor& buffer = buffers[static_cast<std::size_t>(at - observed.begin())];
    const Tensor next = folded(buffer, values[one.weight], values[one.value]);
    if (!(next.shape() == buffer.shape())) {
      throw std::invalid_argument("what is observed for a buffer of shape " +
                                  buffer.shape().text() + " has shape " + next.shape().text());
    }
    buffer = next;
  }
  return buffers;
}

std::unique_ptr<Executable> ObservedSolve::compile_step(const std::vector<Placed>& placed,
                                                        const std::vector<Tensor>& values) {
  Recording recording;
  std::vector<Tensor> buffers;
  for (std::size_t i = 0; i < observer_.now().size(); ++i) {
    buffers.push_back(observer_.declare(recording, i));
  }
  std::vector<Tensor> inputs;
  inputs.reserve(values.size());
  for (const Tensor& value : values) {
    inputs.push_back(recording.input("seen" + std::to_string(inputs.size()),
                                     Shape(value.shape().extents()), value.dtype()));
  }
  return setting_.compile(recording.program(fold(buffers, placed, inputs)),
                          {.name = "fold what a step has seen", .outputs = {}});
}

/// (buffers, t, z, constants) to the buffers behind an evaluation there.
std::unique_ptr<Executable> ObservedSolve::compile_first() {
  const Dynamics& dynamics = setting_.dynamics();
  Recording recording;
  std::vector<Tensor> buffers;
  for (std::size_t i = 0; i < observer_.now().size(); ++i) {
    buffers.push_back(observer_.declare(recording, i));
  }
  const Tensor t = recording.input("t", {1}, DType::f64);
  const Member& state = dynamics.members.front();
  const Tensor z = recording.input(state.name, state.shape, state.dtype);
  std::vector<Tensor> constants;
  constants.reserve(dynamics.constants.size());
  for (const InputSpec& one : dynamics.constants) {
    constants.push_back(recording.input(one.name, one.shape, one.dtype));
  }
  Distinct distinct;
  std::vector<Placed> placed;
  for (const Seen& seen : observer_.dynamics_.seen(t, z, constants)) {
    placed.push_back({seen.item, distinct.place(seen.weight), distinct.place(seen.value)});
  }
  time_ = setting_.device().allocate(sizeof(double));
  return setting_.compile(recording.program(fold(buffers, placed, distinct.values)),
                          {.name = "fold what the first evaluation has seen", .outputs = {}});
}

void ObservedSolve::fold_first(const SolveCall& call, const AcceptedStep& step) {
  std::vector<View> inputs = observer_.now();
  setting_.device().upload({time_.get(), 0}, &step.t, sizeof step.t);
  inputs.push_back({time_.get(), 0});
  inputs.push_back(step.y.front());
  inputs.insert(inputs.end(), call.constants.begin(), call.constants.end());
  run_first_->run(call.rows, inputs, observer_.halves_[1 - observer_.current_]);
  observer_.current_ = 1 - observer_.current_;
}

std::span<const View> ObservedSolve::places(std::int64_t index) {
  const std::span<const View> asked = asked_.extra_at(index);
  all_places_.assign(asked.begin(), asked.end());
  all_places_.insert(all_places_.end(), own_places_.begin(), own_places_.end());
  return all_places_;
}

namespace {

class ObservedSetting final : public SolveSetting {
 public:
  ObservedSetting(std::unique_ptr<SolveSetting> setting,
                  std::function<std::unique_ptr<Integrator>(
                      const SolveSetting&, const SolveOptions&, const IntegratorRequest&)>
                      observed)
      : setting_(std::move(setting)), observed_(std::move(observed)) {}

  const Dynamics& dynamics() const override { return setting_->dynamics(); }
  const Solver& solver() const override { return setting_->solver(); }
  const SolveOptions& options() const override { return setting_->options(); }
  Device& device() const override { return setting_->device(); }
  /// The setting's own dynamics are integrated forward; any other ones are a further equation.
  std::unique_ptr<Integrator> integrator(const Dynamics& dynamics, const SolveOptions& options,
                                         const IntegratorRequest& request) const override {
    if (&dynamics != &setting_->dynamics()) return setting_->integrator(dynamics, options, request);
    return observed_(*setting_, options, request);
  }
  std::unique_ptr<Executable> compile(const Program& program,
                                      const CompileOptions& options) const override {
    return setting_->compile(program, options);
  }
  std::unique_ptr<Rates> rates(const Dynamics& dynamics,
                               std::span<const Tensor> constants) const override {
    return setting_->rates(dynamics, constants);
  }

 private:
  std::unique_ptr<SolveSetting> setting_;
  std::function<std::unique_ptr<Integrator>(const SolveSetting&, const SolveOptions&,
                                            const IntegratorRequest&)>
      observed_;
};

}  // namespace

std::unique_ptr<SolveSetting> Observer::observed(std::unique_ptr<SolveSetting> setting) {
  return std::make_unique<ObservedSetting>(
      std::move(setting),
      [this](const SolveSetting& inner, const SolveOptions& options,
             const IntegratorRequest& request) -> std::unique_ptr<Integrator> {
        return std::make_unique<ObservedSolve>(*this, inner, options, request);
      });
}

}  // namespace odeum::model
