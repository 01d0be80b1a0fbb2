// SPDX-License-Identifier: Apache-2.0
#include "reversal.hpp"

#include <optional>

#include "odeum/error.hpp"
#include "odeum/transforms.hpp"

namespace backprop {
namespace {

using Tensors = std::vector<Tensor>;

void append(Tensors& to, const Tensors& from) { to.insert(to.end(), from.begin(), from.end()); }

/// What a step asked the dynamics for, call by call.
struct Evaluation {
  Tensor t;
  State y;
  State rates;
};

/// Rates that are looked up, or handed through, and noted.
class NotedRates final : public Rates {
 public:
  using Answer = std::function<State(std::size_t call, Tensor t, const State& y)>;
  NotedRates(Rates& inner, Answer answer) : inner_(inner), answer_(std::move(answer)) {}

  State operator()(Tensor t, const State& y) override {
    for (const Evaluation& e : noted) {
      if (same(e, t, y)) return e.rates;
    }
    noted.push_back({t, y, answer_(noted.size(), t, y)});
    return noted.back().rates;
  }
  Parts parts(Tensor t, const State& y) override {
    in_parts = true;
    return inner_.parts(t, y);
  }
  bool quadrature(std::size_t member) const override { return inner_.quadrature(member); }
  Tensor tolerance(std::size_t member, Tensor magnitude) const override {
    return inner_.tolerance(member, magnitude);
  }
  bool along_absolute_time(std::size_t member) const override {
    return inner_.along_absolute_time(member);
  }
  std::int64_t calls() const override { return static_cast<std::int64_t>(noted.size()); }

  std::vector<Evaluation> noted;
  bool in_parts = false;  ///< asked for parts, which are not noted

 private:
  static bool same(const Evaluation& e, Tensor t, const State& y) {
    bool equal = e.t.id() == t.id();
    for (std::size_t m = 0; m < y.size(); ++m) equal = equal && e.y[m].id() == y[m].id();
    return equal;
  }
  Rates& inner_;
  Answer answer_;
};

/// A step with each stage's rates as inputs of its own, behind those of the step.
struct Replay {
  StepRecording step;
  std::unique_ptr<Rates> rates;
  std::optional<NotedRates> stored;
  std::vector<ArraySpec> extras;
  StepOutputs out;

  Replay(const Solver& solver, const SolveOptions& options, const Dynamics& dynamics,
         const std::vector<ArraySpec>& carry)
      : step(dynamics, carry), rates(step_rates(dynamics, options, step.constants)) {
    stored.emplace(*rates, [this](std::size_t, Tensor, const State& y) {
      State inputs;
      for (const Tensor& member : y) {
        extras.push_back(spec_of(member));
        inputs.push_back(step.extra(extras.back()));
      }
      return inputs;
    });
    out = solver.step(*stored, step.in);
  }
};

/// With the stage rates at hand the stages no longer wait for each other: the step is a small
/// linear map of them, and each stage is differentiated alone, from the last to the first.
Reversal record_stages(const SolveSetting& setting, const std::vector<ArraySpec>& carry,
                       const std::vector<bool>& wanted) {
  const Dynamics& dynamics = setting.dynamics();
  Replay replay(setting.solver(), setting.options(), dynamics, carry);
  StepRecording& step = replay.step;
  Tensors cotangents = step.cotangents();
  Reversal reversal;
  reversal.extras = replay.extras;
  reversal.step.arguments = step.arguments;
  reversal.step.evaluations = replay.stored->calls();

  Tensors outputs = results_of(replay.out);
  const Tensors variables = step.variables(wanted);
  const std::size_t ends = 2 + step.in.y.size() + step.in.carry.size();
  const Tensors parameters(variables.begin() + static_cast<std::ptrdiff_t>(ends), variables.end());
  Tensors gradients(parameters.size());
  for (auto stage = replay.stored->noted.rbegin(); stage != replay.stored->noted.rend(); ++stage) {
    const Tensors of_rates = vjp(outputs, stage->rates, cotangents);
    Tensors point{stage->t};
    append(point, stage->y);
    Tensors at = point;
    append(at, parameters);
    const Tensors found = vjp((*replay.rates)(stage->t, stage->y), at, of_rates);
    append(outputs, point);
    cotangents.insert(cotangents.end(), found.begin(),
                      found.begin() + static_cast<std::ptrdiff_t>(point.size()));
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      const Tensor more = found[point.size() + i];
      gradients[i] = gradients[i] ? gradients[i] + more : more;
    }
  }
  Tensors results = vjp(outputs, std::span(variables).first(ends), cotangents);
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    results.push_back(gradients[i] ? gradients[i] : zeros_like(parameters[i]));
  }
  reversal.step.program = step.recording.program(results);

  // The same step once more: equal nodes merge with the step's own.
  reversal.extra = [&setting, &dynamics](const StepInputs& in, const StepOutputs&,
                                         std::span<const Tensor> constants) {
    const auto inner = setting.rates(dynamics, constants);
    NotedRates noted(*inner, [&](std::size_t, Tensor t, const State& y) { return (*inner)(t, y); });
    StepInputs own = in;
    own.dense_output = DenseOutput::not_wanted;
    setting.solver().step(noted, own);
    Tensors extra;
    for (const Evaluation& e : noted.noted) append(extra, e.rates);
    return extra;
  };
  return reversal;
}

/// What the linearization of the step needs, kept by the forward solve.
Reversal record_residuals(const SolveSetting& setting, const std::vector<ArraySpec>& carry,
                          const std::vector<bool>& wanted) {
  StepRecording recorded(setting.dynamics(), carry);
  const std::vector<StepArgument> inputs = recorded.arguments;
  const auto rates = setting.rates(setting.dynamics(), recorded.constants);
  const Tensors results = results_of(setting.solver().step(*rates, recorded.in));
  const Program step = recorded.recording.program(results);
  Reversal reversal;
  reversal.step.evaluations = rates->calls();

  InputPositions positions;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (inputs[i].kind != StepArgument::Kind::constant || wanted[inputs[i].index]) {
      positions.push_back(static_cast<int>(i));
    }
  }
  Linearization parts = linearize(step, positions, Residuals::products);
  reversal.step.program = transpose(parts.linear, parts.residuals);

  // A residual that is an input of the step is at hand already, or kept as such.
  std::vector<std::size_t> kept;
  for (int r = 0; r < parts.residuals; ++r) {
    const std::size_t output = results.size() + static_cast<std::size_t>(r);
    const ValueId id = parts.primal.outputs[output];
    std::size_t input = 0;
    while (input < inputs.size() && parts.primal.inputs[input] != id) ++input;
    if (input < inputs.size()) {
      reversal.step.arguments.push_back(inputs[input]);
      continue;
    }
    const Node& node = parts.primal[id];
    reversal.step.arguments.push_back({StepArgument::Kind::extra, reversal.extras.size()});
    reversal.extras.push_back({node.shape, node.dtype, node.row_class});
    kept.push_back(output);
  }
  for (std::size_t m = 0; m < recorded.in.y.size(); ++m) {
    reversal.step.arguments.push_back({StepArgument::Kind::member_cotangent, m});
  }
  for (std::size_t c = 0; c < carry.size(); ++c) {
    reversal.step.arguments.push_back({StepArgument::Kind::carry_cotangent, c});
  }
  reversal.extra = [primal = std::make_shared<Program>(std::move(parts.primal)), kept](
                       const StepInputs& in, const StepOutputs&,
                       std::span<const Tensor> constants) {
    Tensors arguments{in.t, in.h};
    append(arguments, in.y);
    append(arguments, in.carry);
    arguments.insert(arguments.end(), constants.begin(), constants.end());
    const Tensors all = inline_call(*primal, arguments);
    Tensors extra;
    for (const std::size_t i : kept) extra.push_back(all[i]);
    return extra;
  };
  return reversal;
}

std::vector<ArraySpec> carry_of(const Solver& solver, const SolveOptions& options,
                                const Dynamics& dynamics) {
  const StepRecording start(dynamics, {});
  const auto rates = step_rates(dynamics, options, start.constants);
  std::vector<ArraySpec> carry;
  for (const Tensor& value : solver.start(*rates, start.in.t, start.in.y)) {
    carry.push_back(spec_of(value));
  }
  return carry;
}

}  // namespace

Reversal record_reversal(const SolveSetting& setting, Keep keep,
                         const std::vector<ArraySpec>& carry, const std::vector<bool>& wanted) {
  if (keep == Keep::steps) return {record_step_reversal(setting, carry, wanted), {}, {}};
  Reversal reversal = keep == Keep::residuals ? record_residuals(setting, carry, wanted)
                                              : record_stages(setting, carry, wanted);
  reversal.step.program = optimize(reversal.step.program);
  reversal.step.used = read_inputs(reversal.step.program);
  return reversal;
}

/// The step with its rates for inputs, called with the rates that a step in its own recording got,
/// must be that step. What a step does with derivatives of rates is lost on inputs.
bool stages_are_apart(const Solver& solver, const SolveOptions& options, const Dynamics& dynamics) {
  const std::vector<ArraySpec> carry = carry_of(solver, options, dynamics);
  StepRecording whole(dynamics, carry);
  const auto rates = step_rates(dynamics, options, whole.constants);
  NotedRates noted(*rates, [&](std::size_t, Tensor t, const State& y) { return (*rates)(t, y); });
  const StepOutputs out = solver.step(noted, whole.in);
  if (noted.in_parts || out.convergence) return false;

  const Replay replay(solver, options, dynamics, carry);
  if (replay.stored->noted.size() != noted.noted.size()) return false;
  const Program apart = replay.step.recording.program(results_of(replay.out));
  Tensors arguments{whole.in.t, whole.in.h};
  append(arguments, whole.in.y);
  append(arguments, whole.in.carry);
  append(arguments, whole.constants);
  for (const Evaluation& e : noted.noted) append(arguments, e.rates);
  const Tensors again = inline_call(apart, arguments);
  const Tensors results = results_of(out);
  for (std::size_t i = 0; i < results.size(); ++i) {
    if (again[i].id() != results[i].id()) return false;
  }
  return true;
}

}  // namespace backprop
