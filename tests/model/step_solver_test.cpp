// SPDX-License-Identifier: Apache-2.0
// The solver that adds costs of its steps, beside the solver that it is made around.
#include <gtest/gtest.h>

#include <cmath>

#include "model/step_costs.hpp"
#include "pipeline_of.hpp"
#include "program/interpreter.hpp"
#include "solve/rates.hpp"
#include "solve/setting.hpp"

namespace odeum::model_tests {
namespace {

// A few units of float64.
constexpr double kRounding = 1e-14;

/// |z1 - z0| of one feature, and how many evaluations the step noted.
class Length final : public Regularizer {
 public:
  Tensor step_cost(const SolverStep& step) const override {
    evaluations = static_cast<int>(step.evaluations.size());
    at_begin = step.evaluations.front().t.id() == step.t.id() &&
               step.evaluations.front().z.id() == step.z0.id();
    return sum_features(abs(step.z1 - step.z0));
  }
  mutable int evaluations = 0;
  mutable bool at_begin = false;
};

/// y1 = y0 + h f(t): exactly invertible, for fields of time alone.
class Shift final : public Solver {
 public:
  int order() const override { return 1; }
  StepOutputs step(Rates& rates, const StepInputs& in) const override {
    return {moved(rates, in.t, in.y, in.h), {}, {}, {}, {}};
  }
  bool reversible() const override { return true; }
  StepOutputs undo(Rates& rates, const StepInputs& end) const override {
    return {moved(rates, end.t - end.h, end.y, -end.h), {}, {}, {}, {}};
  }

 private:
  static State moved(Rates& rates, Tensor t, const State& y, Tensor h) {
    const State f = rates(t, y);
    State result;
    for (std::size_t m = 0; m < y.size(); ++m) result.push_back(y[m] + h * f[m]);
    return result;
  }
};

/// z' = 2 t with the cost as second member.
Dynamics with_cost() {
  Dynamics dynamics;
  dynamics.members = {{.name = "z", .shape = {kRows, 1}, .dtype = DType::f64},
                      {.name = "cost",
                       .shape = {kRows},
                       .dtype = DType::f64,
                       .in_error_norm = false,
                       .of_steps = true}};
  dynamics.rates = [](Tensor t, const State& y, std::span<const Tensor>) {
    return State{2.0 * t + 0.0 * y[0], zeros_like(y[1])};
  };
  return dynamics;
}

/// A recorded step, or what undoes it, evaluated for one row.
struct Recorded {
  Recording recording;
  Dynamics dynamics = with_cost();
  SolveOptions options;
  StepInputs in;
  solve::CountedRates rates{dynamics, options, {}};
  std::shared_ptr<Length> length = std::make_shared<Length>();

  Recorded() {
    in.t = recording.input("t", {1}, DType::f64);
    in.h = recording.input("h", {1}, DType::f64);
    in.y = {recording.input("z", {kRows, 1}, DType::f64),
            recording.input("cost", {kRows}, DType::f64)};
  }
  std::shared_ptr<const Solver> around(std::shared_ptr<const Solver> solver) const {
    return model::with_step_costs(std::move(solver), {{"length", length}}, 1);
  }
  Values evaluate(const State& outputs, double t, double h, double z, double cost) const {
    const std::array inputs{
        program::Array::of(DType::f64, {1}, {t}), program::Array::of(DType::f64, {1}, {h}),
        program::Array::of(DType::f64, {1, 1}, {z}), program::Array::of(DType::f64, {1}, {cost})};
    Values values;
    for (const auto& array : program::interpret(recording.program(outputs), 1, inputs)) {
      values.push_back(array.values.front());
    }
    return values;
  }
};

std::shared_ptr<Solver> dopri5() {
  const Config root = configuration(
      "objective: likelihood\ndata: moons\nmodel: [{use: ode, field: {use: linear, matrix: [1]}}]");
  return plugin::registry().create<Solver>(root.components("model").front().component("solver"));
}

TEST(StepSolver, AddsTheCostToItsMember) {
  Recorded step;
  const auto solver = step.around(std::make_shared<Shift>());
  const StepOutputs out = solver->step(step.rates, step.in);
  // z grows by h 2 t = -0.5 * 6.
  const Values values = step.evaluate(out.y, 3.0, -0.5, 10.0, 7.0);
  EXPECT_NEAR(values[0], 7.0, kRounding);
  EXPECT_NEAR(values[1], 10.0, kRounding);
}

TEST(StepSolver, NotesTheEvaluationThatTheStepReuses) {
  Recorded step;
  const auto solver = step.around(dopri5());
  step.in.carry = solver->start(step.rates, step.in.t, step.in.y);
  solver->step(step.rates, step.in);
  EXPECT_EQ(step.length->evaluations, 7);
  EXPECT_TRUE(step.length->at_begin);
  EXPECT_EQ(step.rates.calls(), 7);  // one of `start`, six of the step
}

TEST(StepSolver, InterpolatesTheCostBetweenTheEnds) {
  Recorded step;
  const auto solver = step.around(dopri5());
  step.in.carry = solver->start(step.rates, step.in.t, step.in.y);
  const StepOutputs out = solver->step(step.rates, step.in);
  const Tensor quarter = full(step.in.t, {1}, 0.25);
  const Values values =
      step.evaluate(solver->interpolate(quarter, step.in, out), 1.0, 2.0, 5.0, 1.0);
  EXPECT_NEAR(values[0], 5.0 + 1.5 * 1.5 - 1.0, 10 * kRounding);  // t^2 from 1 to 1.5
  EXPECT_NEAR(values[1], 1.0 + 0.25 * 8.0, 10 * kRounding);       // a quarter of 9 - 1
}

TEST(StepSolver, UndoesAStepOfAReversibleMethod) {
  Recorded step;
  const auto solver = step.around(std::make_shared<Shift>());
  EXPECT_TRUE(solver->reversible());
  const StepOutputs out = solver->step(step.rates, step.in);
  const StepOutputs back =
      solver->undo(step.rates, {step.in.t + step.in.h, step.in.h, out.y, out.carry});
  const Values values = step.evaluate(back.y, 3.0, -0.5, 10.0, 7.0);
  EXPECT_NEAR(values[0], 10.0, kRounding);
  EXPECT_NEAR(values[1], 7.0, kRounding);
}

TEST(StepSolver, IsTheSolverItselfWithoutCosts) {
  const std::shared_ptr<const Solver> solver = std::make_shared<Shift>();
  EXPECT_EQ(model::with_step_costs(solver, {}, 1), solver);
}

}  // namespace
}  // namespace odeum::model_tests
