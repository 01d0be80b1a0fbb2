// SPDX-License-Identifier: Apache-2.0
#include "odeum/regularizer.hpp"

#include "model/trajectory_point.hpp"
#include "verify/function.hpp"
#include "verify/resources.hpp"
#include "verify/verify.hpp"

namespace odeum::verify {
namespace {

constexpr std::int64_t kRowsTested = 4;
constexpr std::int64_t kFeatures = 3;

using CostOf = std::function<Tensor(Path& path)>;

/// A cost at a point of a small network's trajectory.
Function record_cost(const VectorField& field, const CostOf& cost, DType type) {
  FunctionRecording recording(type, kRowsTested, 1);
  const Tensor t = recording.input("t", {1});
  const Tensor z = recording.input("z", {kRows, kFeatures});
  const Tensor probe = recording.input("probe", {kRows, kFeatures});
  model::NamedScope scope = recording.scope(z);
  model::TrajectoryPoint point(field, scope, t, z, {probe}, model::Divergence::hutchinson);
  return recording.function({cost(point)});
}

void check_cost(const Workbench& bench, Checks& checks, const VectorField& field,
                const CostOf& cost) {
  const auto record = [&](DType type) { return record_cost(field, cost, type); };
  checks.that("gives one cost a sample", [&] {
    const Function f = record(DType::f64);
    const Shape shape = f.program[f.program.outputs[0]].shape;
    require(shape == Shape{kRows}, "wanted is [rows], this is " + shape.text());
    return std::string();
  });
  check_tensor_code(bench, checks, record);
  checks.that("leaves other samples alone where one is not a number",
              [&] { return rows_stay_apart(record(DType::f64)); });
}

/// The cost of a made-up step of three evaluations; empty: the regularizer has none.
Tensor made_up_step_cost(const Regularizer& regularizer, FunctionRecording& recording) {
  const Shape state{kRows, kFeatures};
  SolverStep step;
  step.z0 = recording.input("z0", state);
  step.z1 = recording.input("z1", state);
  step.error = recording.input("error", state);
  step.t = cast(recording.input("t", {1}), DType::f64);
  step.h = cast(recording.input("h", {1}), DType::f64);
  const Tensor end = step.t + step.h;
  step.evaluations.push_back({step.t, step.z0, recording.input("rate 0", state)});
  step.evaluations.push_back(
      {end, recording.input("stage 1", state), recording.input("rate 1", state)});
  step.evaluations.push_back({end, step.z1, recording.input("rate 2", state)});
  return regularizer.step_cost(step);
}

}  // namespace

void check_regularizer(const Workbench& bench, Checks& checks) {
  const auto regularizer = bench.tested<Regularizer>();
  const auto field =
      bench.make<VectorField>("{use: mlp, hidden: [6], activation: tanh, time: concat}");
  bool any = false;
  const auto has = [&](const CostOf& cost) {
    bool found = false;
    record_cost(
        *field,
        [&](Path& path) {
          const Tensor value = cost(path);
          found = static_cast<bool>(value);
          return found ? value : path.velocity();
        },
        DType::f64);
    any = any || found;
    return found;
  };
  const CostOf running = [&](Path& path) { return regularizer->running_cost(path); };
  const CostOf terminal = [&](Path& path) { return regularizer->terminal_cost(path); };
  if (has(running)) check_cost(bench, checks, *field, running);
  if (has(terminal)) check_cost(bench, checks, *field, terminal);

  bool of_steps = false;
  checks.that("gives one cost a sample, or none, for a step of the solver", [&] {
    FunctionRecording recording(DType::f64, kRowsTested, 1);
    const Tensor cost = made_up_step_cost(*regularizer, recording);
    of_steps = static_cast<bool>(cost);
    if (!of_steps) return std::string("none");
    require(cost.shape() == Shape{kRows}, "wanted is [rows], this is " + cost.shape().text());
    return std::string();
  });
  if (of_steps) {
    check_tensor_code(bench, checks, [&](DType type) {
      FunctionRecording recording(type, kRowsTested, 1);
      return recording.function({made_up_step_cost(*regularizer, recording)});
    });
  }
  bool of_parameters = false;
  checks.that("gives one number, or none, for a parameter", [&] {
    FunctionRecording recording(DType::f64, 1, 1);
    const Tensor parameter = recording.input("weights", {4, 3});
    // As fields name theirs.
    for (const char* name : {"layer.weight", "layer.bias", "norm.gamma", "norm.alpha"}) {
      const Tensor cost = regularizer->named_parameter_cost(name, parameter);
      if (!cost) continue;
      of_parameters = true;
      require(cost.shape() == Shape{1}, "wanted is [1], this is " + cost.shape().text());
    }
    return std::string(of_parameters ? "" : "none");
  });
  checks.that("says some cost, or a random span", [&] {
    require(regularizer->span_jitter() >= 0.0, "span_jitter() is negative");
    require(any || of_steps || of_parameters || regularizer->span_jitter() > 0.0,
            "none of running, terminal, step, parameter cost and span_jitter is there");
    return std::string();
  });
  check_resources(checks, [&] {
    bench.tested<Regularizer>();
    has(running);
    has(terminal);
  });
}

}  // namespace odeum::verify
