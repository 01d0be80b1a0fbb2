// SPDX-License-Identifier: Apache-2.0
#include "odeum/dense_solution.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "odeum/error.hpp"
#include "odeum/transforms.hpp"
#include "solve/step_programs.hpp"
#include "solve/workspace.hpp"

namespace odeum::inline v1 {
namespace {

using solve::ValueSpec;

constexpr std::size_t kAlignment = 64;  // as Device::allocate
constexpr std::size_t kBlockSteps = 16;

std::size_t aligned(std::size_t bytes) {
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

std::vector<Tensor> all_of(const StepInputs& in, const StepOutputs& out) {
  std::vector<Tensor> values = in.y;
  for (const auto* more : {&in.carry, &out.y, &out.carry, &out.dense}) {
    values.insert(values.end(), more->begin(), more->end());
  }
  return values;
}

/// Records interpolation of steps like the given one: (x, t, h; values as `all_of` gives them) to
/// members, or to their derivatives by time.
Program record(const Solver& solver, const Dynamics& dynamics, const StepInputs& in,
               const StepOutputs& out, bool derivative) {
  Recording recording;
  const Tensor control = recording.input("control", {3}, DType::f64);
  const auto entry = [&](int i) { return slice(control, 0, i, i + 1); };
  const auto declare = [&](const std::vector<Tensor>& like) {
    std::vector<Tensor> values;
    for (const Tensor& v : like) {
      values.push_back(recording.input("value", v.shape(), v.dtype(), v.row_class()));
    }
    return values;
  };
  StepInputs own;
  StepOutputs after;
  const Tensor x = entry(0);
  own.t = entry(1);
  own.h = entry(2);
  own.y = declare(in.y);
  own.carry = declare(in.carry);
  after.y = declare(out.y);
  after.carry = declare(out.carry);
  after.dense = declare(out.dense);
  State state = solver.interpolate(x, own, after);
  if (!derivative) return recording.program(state);
  State rates = jvp(state, std::span(&x, 1), std::vector<Tensor>{ones_like(x)});
  for (std::size_t m = 0; m < rates.size(); ++m) {
    const Tensor h = dynamics.members[m].along_absolute_time ? abs(own.h) : own.h;
    rates[m] = rates[m] / cast(h, rates[m].dtype());
  }
  return recording.program(rates);
}

std::vector<bool> inputs_used(const Program& program) {
  std::vector<bool> read(program.nodes.size(), false);
  for (const Node& node : program.nodes) {
    for (const ValueId operand : node.operands) read[static_cast<std::size_t>(operand)] = true;
  }
  for (const ValueId output : program.outputs) read[static_cast<std::size_t>(output)] = true;
  std::vector<bool> used;
  for (const ValueId input : program.inputs) used.push_back(read[static_cast<std::size_t>(input)]);
  return used;
}

}  // namespace

struct DenseSolution::Parts {
  const SolveSetting& setting;
  IntegratorRequest request;
  std::unique_ptr<Integrator> integrator;
  std::unique_ptr<Executable> run_value, run_rate;

  std::vector<ValueSpec> values;  ///< of a step, all that interpolation may ask for
  std::vector<bool> kept;         ///< by value: asked for
  std::vector<View> step_views;   ///< by kept value, of the step being written
  struct Step {
    double t = 0.0, h = 0.0;
  };
  std::vector<Step> steps;
  double start = 0.0, end = 0.0;
  std::int64_t rows = 0;
  std::size_t stride = 0;
  std::vector<std::shared_ptr<void>> blocks;
  std::vector<View> initial;
  std::shared_ptr<void> initial_memory, control_memory;

  explicit Parts(const SolveSetting& made) : setting(made) {}

  std::vector<Tensor> learn(const StepInputs& in, const StepOutputs& out);
  std::span<const View> place(std::int64_t index);
  View place_of(std::size_t step) const;
  void begin(const SolveCall& call);
  std::size_t step_at(double time) const;
  void run(Executable& executable, double time, std::span<const View> results);
};

/// Which values of a step are kept: those that its interpolant reads. Asked once, when the step is
/// recorded.
std::vector<Tensor> DenseSolution::Parts::learn(const StepInputs& in, const StepOutputs& out) {
  const auto compile = [&](bool derivative, const char* what) {
    const Program program =
        optimize(record(setting.solver(), setting.dynamics(), in, out, derivative));
    if (!derivative) kept = inputs_used(program);
    return setting.compile(program, {.name = what, .outputs = {}});
  };
  run_value = compile(false, "solution at a time");
  run_rate = compile(true, "rate of a solution");
  kept.erase(kept.begin());
  const std::vector<Tensor> all = all_of(in, out);
  values.clear();
  std::vector<Tensor> wanted;
  for (std::size_t i = 0; i < all.size(); ++i) {
    values.push_back({"value", all[i].shape(), all[i].dtype(), all[i].row_class()});
    if (kept[i]) wanted.push_back(all[i]);
  }
  return wanted;
}

void DenseSolution::Parts::begin(const SolveCall& call) {
  if (call.rows != rows) blocks.clear();
  rows = call.rows;
  stride = 0;
  steps.clear();
  start = end = call.times.front();
  Device& device = setting.device();
  const auto& members = setting.dynamics().members;
  std::size_t total = kAlignment;
  for (const Member& m : members) {
    total += aligned(static_cast<std::size_t>(m.shape.elements(rows)) * size_of(m.dtype));
  }
  initial_memory = device.allocate(total);
  if (!control_memory) control_memory = device.allocate(kAlignment);
  initial.clear();
  View place{initial_memory.get(), 0};
  for (std::size_t m = 0; m < members.size(); ++m) {
    const std::size_t bytes =
        static_cast<std::size_t>(members[m].shape.elements(rows)) * size_of(members[m].dtype);
    device.copy(place, call.initial[m], bytes);
    initial.push_back(place);
    place = place + aligned(bytes);
  }
}

View DenseSolution::Parts::place_of(std::size_t step) const {
  return View{blocks[step / kBlockSteps].get(), step % kBlockSteps * stride};
}

std::span<const View> DenseSolution::Parts::place(std::int64_t index) {
  if (stride == 0) {
    stride = kAlignment;
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (kept[i]) stride += aligned(solve::bytes_of(values[i], rows));
    }
  }
  const auto step = static_cast<std::size_t>(index);
  while (step / kBlockSteps >= blocks.size()) {
    blocks.push_back(setting.device().allocate(kBlockSteps * stride));
  }
  View next = place_of(step);
  step_views.clear();
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!kept[i]) continue;
    step_views.push_back(next);
    next = next + aligned(solve::bytes_of(values[i], rows));
  }
  return step_views;
}

/// The step that a time lies in; of two that meet there, the later one.
std::size_t DenseSolution::Parts::step_at(double time) const {
  const double direction = end >= start ? 1.0 : -1.0;
  const auto behind = std::upper_bound(
      steps.begin(), steps.end(), time,
      [direction](double t, const Step& step) { return direction * t < direction * step.t; });
  return behind == steps.begin() ? 0 : static_cast<std::size_t>(behind - steps.begin()) - 1;
}

void DenseSolution::Parts::run(Executable& executable, double time, std::span<const View> results) {
  const std::size_t index = step_at(time);
  const Step& step = steps[index];
  // Between the two sides of a jump the state stands still.
  const double x = std::clamp((time - step.t) / step.h, 0.0, 1.0);
  const std::array control{x, step.t, step.h};
  const View scalars{control_memory.get(), 0};
  setting.device().upload(scalars, control.data(), sizeof control);
  std::vector<View> arguments{scalars};
  View next = place_of(index);
  for (std::size_t i = 0; i < values.size(); ++i) {
    // What the program does not read may be any memory.
    arguments.push_back(kept[i] ? next : place_of(index));
    if (kept[i]) next = next + aligned(solve::bytes_of(values[i], rows));
  }
  executable.run(rows, arguments, results);
}

DenseSolution::DenseSolution(const SolveSetting& setting)
    : parts_(std::make_unique<Parts>(setting)) {
  if (setting.solver().host_driven()) {
    throw ConfigError(
        "a dense solution is made of a method's own steps, and this solver takes its steps inside "
        "a library: choose another solver, or save at times");
  }
  Parts& parts = *parts_;
  parts.request.save = SaveTimes::interpolated;
  parts.request.extra = [&parts](const StepInputs& in, const StepOutputs& out, auto) {
    return parts.learn(in, out);
  };
  parts.request.extra_at = [&parts](std::int64_t index) { return parts.place(index); };
}

DenseSolution::~DenseSolution() = default;

void DenseSolution::watch(EventFunctions events, Until until) {
  if (parts_->integrator) bug("DenseSolution::watch was called after a solve");
  parts_->request.events = std::move(events);
  parts_->request.until = until;
}

SolveReport DenseSolution::solve(const SolveCall& call) {
  Parts& parts = *parts_;
  if (!parts.integrator) {
    parts.integrator =
        parts.setting.integrator(parts.setting.dynamics(), parts.setting.options(), parts.request);
  }
  parts.begin(call);
  SolveCall watched = call;
  watched.observer = [&](const AcceptedStep& step) {
    parts.steps.push_back({step.t, step.h});
    if (call.observer) call.observer(step);
  };
  SolveReport report = parts.integrator->integrate(watched);
  parts.end = report.t;
  return report;
}

double DenseSolution::start() const { return parts_->start; }
double DenseSolution::end() const { return parts_->end; }
std::size_t DenseSolution::steps() const { return parts_->steps.size(); }
std::size_t DenseSolution::bytes() const {
  return parts_->blocks.size() * kBlockSteps * parts_->stride;
}

namespace {

void check_within(std::span<const double> times, double start, double end) {
  for (const double time : times) {
    if (time >= std::min(start, end) && time <= std::max(start, end)) continue;
    char text[128];
    std::snprintf(text, sizeof text,
                  "t = %.17g lies outside the solution, which goes from %.17g "
                  "to %.17g",
                  time, start, end);
    throw RunError(text);
  }
}

}  // namespace

void DenseSolution::evaluate(std::span<const double> times, std::span<const View> results) {
  Parts& parts = *parts_;
  check_within(times, parts.start, parts.end);
  const auto& members = parts.setting.dynamics().members;
  if (results.size() != times.size() * members.size()) bug("DenseSolution: views and times differ");
  for (std::size_t i = 0; i < times.size(); ++i) {
    const auto views = results.subspan(i * members.size(), members.size());
    if (!parts.steps.empty()) {
      parts.run(*parts.run_value, times[i], views);
      continue;
    }
    for (std::size_t m = 0; m < members.size(); ++m) {
      const std::size_t bytes = static_cast<std::size_t>(members[m].shape.elements(parts.rows)) *
                                size_of(members[m].dtype);
      if (views[m]) parts.setting.device().copy(views[m], parts.initial[m], bytes);
    }
  }
}

void DenseSolution::differentiate(std::span<const double> times, std::span<const View> results) {
  Parts& parts = *parts_;
  check_within(times, parts.start, parts.end);
  const std::size_t members = parts.setting.dynamics().members.size();
  if (results.size() != times.size() * members) bug("DenseSolution: views and times differ");
  if (parts.steps.empty()) {
    throw RunError("a solution without a step has no derivative by time");
  }
  for (std::size_t i = 0; i < times.size(); ++i) {
    parts.run(*parts.run_rate, times[i], results.subspan(i * members, members));
  }
}

}  // namespace odeum::inline v1
