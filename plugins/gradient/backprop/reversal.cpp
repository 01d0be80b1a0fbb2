// SPDX-License-Identifier: Apache-2.0
#include "reversal.hpp"

#include "odeum/error.hpp"
#include "odeum/transforms.hpp"

namespace backprop {
namespace {

using Tensors = std::vector<Tensor>;

void append(Tensors& to, const Tensors& from) { to.insert(to.end(), from.begin(), from.end()); }

Spec spec_of(Tensor value) { return {value.shape(), value.dtype(), value.row_class()}; }

Tensors declare(Recording& recording, const std::string& name, const std::vector<Spec>& specs) {
  Tensors values;
  for (std::size_t i = 0; i < specs.size(); ++i) {
    values.push_back(recording.input(name + std::to_string(i), specs[i].shape, specs[i].dtype,
                                     specs[i].row_class));
  }
  return values;
}

Tensors declare_constants(Recording& recording, const Dynamics& dynamics) {
  Tensors values;
  for (const InputSpec& s : dynamics.constants) {
    values.push_back(recording.input(s.name, s.shape, s.dtype));
  }
  return values;
}

Tensors chosen(const Tensors& values, const std::vector<bool>& wanted) {
  Tensors result;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (wanted[i]) result.push_back(values[i]);
  }
  return result;
}

/// The inputs of a step in a recording of its own.
struct Declared {
  StepInputs in;
  Tensors constants;

  Declared(Recording& recording, const Dynamics& dynamics, const std::vector<Spec>& carry) {
    in.t = recording.input("t", {1}, DType::f64);
    in.h = recording.input("h", {1}, DType::f64);
    in.y = declare(recording, "y", member_specs(dynamics));
    in.carry = declare(recording, "carry", carry);
    in.dense_output = DenseOutput::not_wanted;
    constants = declare_constants(recording, dynamics);
  }
  /// t, h, members, carry, wanted constants: what cotangents are for.
  Tensors variables(const std::vector<bool>& wanted) const {
    Tensors result{in.t, in.h};
    append(result, in.y);
    append(result, in.carry);
    append(result, chosen(constants, wanted));
    return result;
  }
  std::vector<Source> sources() const {
    std::vector<Source> result{{Source::Kind::time}, {Source::Kind::step}};
    for (std::size_t m = 0; m < in.y.size(); ++m) result.push_back({Source::Kind::member, m});
    for (std::size_t c = 0; c < in.carry.size(); ++c) result.push_back({Source::Kind::carry, c});
    for (std::size_t c = 0; c < constants.size(); ++c) {
      result.push_back({Source::Kind::constant, c});
    }
    return result;
  }
};

Tensors results_of(const StepOutputs& out) {
  Tensors results = out.y;
  append(results, out.carry);
  return results;
}

/// Declares the cotangents of a step's results and says where they come from.
Tensors declare_cotangents(Recording& recording, const Dynamics& dynamics,
                           const std::vector<Spec>& carry, std::vector<Source>& sources) {
  Tensors cotangents = declare(recording, "cotangent_y", member_specs(dynamics));
  for (std::size_t m = 0; m < cotangents.size(); ++m) {
    sources.push_back({Source::Kind::member_cotangent, m});
  }
  append(cotangents, declare(recording, "cotangent_carry", carry));
  for (std::size_t c = 0; c < carry.size(); ++c) {
    sources.push_back({Source::Kind::carry_cotangent, c});
  }
  return cotangents;
}

std::vector<bool> used_inputs(const Program& program) {
  std::vector<bool> read(program.nodes.size(), false);
  for (const Node& node : program.nodes) {
    for (const ValueId operand : node.operands) read[static_cast<std::size_t>(operand)] = true;
  }
  for (const ValueId output : program.outputs) read[static_cast<std::size_t>(output)] = true;
  std::vector<bool> used;
  for (const ValueId input : program.inputs) used.push_back(read[static_cast<std::size_t>(input)]);
  return used;
}

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
  NotedRates(const Rates& inner, Answer answer) : inner_(inner), answer_(std::move(answer)) {}

  State operator()(Tensor t, const State& y) override {
    for (const Evaluation& e : noted) {
      if (same(e, t, y)) return e.rates;
    }
    noted.push_back({t, y, answer_(noted.size(), t, y)});
    return noted.back().rates;
  }
  Parts parts(Tensor, const State&) override {
    bug("stages of an implicit-explicit method cannot be kept apart");
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

 private:
  static bool same(const Evaluation& e, Tensor t, const State& y) {
    bool equal = e.t.id() == t.id();
    for (std::size_t m = 0; m < y.size(); ++m) equal = equal && e.y[m].id() == y[m].id();
    return equal;
  }
  const Rates& inner_;
  Answer answer_;
};

Reversal record_steps(const SolveSetting& setting, const std::vector<Spec>& carry,
                      const std::vector<bool>& wanted) {
  const Dynamics& dynamics = setting.dynamics();
  Reversal reversal;
  Recording recording;
  const Declared declared(recording, dynamics, carry);
  reversal.arguments = declared.sources();
  const Tensors cotangents = declare_cotangents(recording, dynamics, carry, reversal.arguments);
  const auto rates = setting.rates(dynamics, declared.constants);
  const StepOutputs out = setting.solver().step(*rates, declared.in);
  reversal.evaluations = rates->calls();
  reversal.program =
      recording.program(vjp(results_of(out), declared.variables(wanted), cotangents));
  return reversal;
}

/// With the stage rates at hand the stages no longer wait for each other: the step is a small
/// linear map of them, and each stage is differentiated alone, from the last to the first.
Reversal record_stages(const SolveSetting& setting, const std::vector<Spec>& carry,
                       const std::vector<bool>& wanted) {
  const Dynamics& dynamics = setting.dynamics();
  Reversal reversal;
  Recording recording;
  const Declared declared(recording, dynamics, carry);
  reversal.arguments = declared.sources();
  const Tensors seeds = declare_cotangents(recording, dynamics, carry, reversal.arguments);

  const auto rates = setting.rates(dynamics, declared.constants);
  NotedRates replay(*rates, [&](std::size_t call, Tensor, const State& y) {
    State stored;
    for (std::size_t m = 0; m < y.size(); ++m) {
      const std::string name = "rate" + std::to_string(call) + "_" + std::to_string(m);
      stored.push_back(recording.input(name, y[m].shape(), y[m].dtype(), y[m].row_class()));
      reversal.arguments.push_back({Source::Kind::extra, reversal.extras.size()});
      reversal.extras.push_back(spec_of(stored.back()));
    }
    return stored;
  });
  const StepOutputs out = setting.solver().step(replay, declared.in);
  reversal.evaluations = replay.calls();

  Tensors outputs = results_of(out);
  Tensors cotangents = seeds;
  const Tensors parameters = chosen(declared.constants, wanted);
  Tensors gradients(parameters.size());
  for (auto stage = replay.noted.rbegin(); stage != replay.noted.rend(); ++stage) {
    const Tensors of_rates = vjp(outputs, stage->rates, cotangents);
    Tensors point{stage->t};
    append(point, stage->y);
    Tensors variables = point;
    append(variables, parameters);
    const Tensors found = vjp((*rates)(stage->t, stage->y), variables, of_rates);
    append(outputs, point);
    cotangents.insert(cotangents.end(), found.begin(),
                      found.begin() + static_cast<std::ptrdiff_t>(point.size()));
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      const Tensor more = found[point.size() + i];
      gradients[i] = gradients[i] ? gradients[i] + more : more;
    }
  }
  Tensors ends{declared.in.t, declared.in.h};
  append(ends, declared.in.y);
  append(ends, declared.in.carry);
  Tensors results = vjp(outputs, ends, cotangents);
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    results.push_back(gradients[i] ? gradients[i] : zeros_like(parameters[i]));
  }
  reversal.program = recording.program(results);

  // The same step once more: equal nodes merge with the step's own.
  reversal.extra = [&setting, &dynamics](const StepInputs& in, const StepOutputs&,
                                         std::span<const Tensor> constants) {
    const auto inner = setting.rates(dynamics, constants);
    NotedRates noted(*inner, [&](std::size_t, Tensor t, const State& y) { return (*inner)(t, y); });
    setting.solver().step(noted, in);
    Tensors extra;
    for (const Evaluation& e : noted.noted) append(extra, e.rates);
    return extra;
  };
  return reversal;
}

/// What the linearization of the step needs, kept by the forward solve.
Reversal record_residuals(const SolveSetting& setting, const std::vector<Spec>& carry,
                          const std::vector<bool>& wanted) {
  const Dynamics& dynamics = setting.dynamics();
  Reversal reversal;
  Recording recording;
  const Declared declared(recording, dynamics, carry);
  const std::vector<Source> sources = declared.sources();
  const auto rates = setting.rates(dynamics, declared.constants);
  const StepOutputs out = setting.solver().step(*rates, declared.in);
  reversal.evaluations = rates->calls();
  const Tensors results = results_of(out);
  const Program step = recording.program(results);

  InputPositions positions;
  for (std::size_t i = 0; i < sources.size(); ++i) {
    if (sources[i].kind != Source::Kind::constant || wanted[sources[i].index]) {
      positions.push_back(static_cast<int>(i));
    }
  }
  Linearization parts = linearize(step, positions, Residuals::products);
  reversal.program = transpose(parts.linear, parts.residuals);

  // A residual that is an input of the step is at hand already, or kept as such.
  std::vector<std::size_t> kept;
  for (int r = 0; r < parts.residuals; ++r) {
    const ValueId id = parts.primal.outputs[results.size() + static_cast<std::size_t>(r)];
    std::size_t input = 0;
    while (input < sources.size() && parts.primal.inputs[input] != id) ++input;
    if (input < sources.size()) {
      reversal.arguments.push_back(sources[input]);
      continue;
    }
    const Node& node = parts.primal[id];
    reversal.arguments.push_back({Source::Kind::extra, reversal.extras.size()});
    reversal.extras.push_back({node.shape, node.dtype, node.row_class});
    kept.push_back(results.size() + static_cast<std::size_t>(r));
  }
  for (std::size_t m = 0; m < declared.in.y.size(); ++m) {
    reversal.arguments.push_back({Source::Kind::member_cotangent, m});
  }
  for (std::size_t c = 0; c < carry.size(); ++c) {
    reversal.arguments.push_back({Source::Kind::carry_cotangent, c});
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

}  // namespace

std::size_t bytes_of(const Spec& spec, std::int64_t rows) {
  return static_cast<std::size_t>(spec.shape.elements(rows)) * size_of(spec.dtype);
}

std::vector<Spec> member_specs(const Dynamics& dynamics) {
  std::vector<Spec> specs;
  for (const Member& m : dynamics.members) {
    specs.push_back({m.shape, m.dtype, m.shape.has_rows() ? RowClass::per_row : RowClass::row_sum});
  }
  return specs;
}

StartReversal record_start_reversal(const SolveSetting& setting, const std::vector<bool>& wanted) {
  const Dynamics& dynamics = setting.dynamics();
  StartReversal reversal;
  Recording recording;
  const Tensor t = recording.input("t", {1}, DType::f64);
  const State y = declare(recording, "y", member_specs(dynamics));
  const Tensors constants = declare_constants(recording, dynamics);
  const auto rates = setting.rates(dynamics, constants);
  const Tensors carry = setting.solver().start(*rates, t, y);
  for (const Tensor& value : carry) reversal.carry.push_back(spec_of(value));
  const Tensors cotangents = declare(recording, "cotangent", reversal.carry);
  Tensors variables{t};
  append(variables, y);
  append(variables, chosen(constants, wanted));
  reversal.program = recording.program(vjp(carry, variables, cotangents));
  reversal.evaluations = rates->calls();
  return reversal;
}

Reversal record_reversal(const SolveSetting& setting, Keep keep, const std::vector<bool>& wanted) {
  const std::vector<Spec> carry = record_start_reversal(setting, wanted).carry;
  Reversal reversal = keep == Keep::residuals ? record_residuals(setting, carry, wanted)
                      : keep == Keep::stages  ? record_stages(setting, carry, wanted)
                                              : record_steps(setting, carry, wanted);
  reversal.program = optimize(reversal.program);
  reversal.used = used_inputs(reversal.program);
  return reversal;
}

}  // namespace backprop
