// SPDX-License-Identifier: Apache-2.0
#include "model/step_costs.hpp"

#include <stdexcept>
#include <string>
#include <utility>

#include "model/noted_rates.hpp"
#include "odeum/program.hpp"
#include "odeum/tensor.hpp"
#include "solve/around.hpp"
#include "solve/rates.hpp"

namespace odeum::model {

namespace {

using Evaluation = SolverStep::Evaluation;

class StepCosts final : public solve::SolverAround {
 public:
  StepCosts(std::shared_ptr<const Solver> solver, std::vector<NamedCost> costs, std::size_t first)
      : SolverAround(std::move(solver)), costs_(std::move(costs)), first_(first) {}

  StepOutputs step(Rates& rates, const StepInputs& in) const override {
    NotedRates noted(rates, in.t.graph());
    if (carries_first_rate(in)) noted.note(in.t, in.y.front(), in.carry.front());
    StepOutputs out = inner().step(noted, in);
    if (iterates()) noted.noted.clear();
    const State costs = of(in, out, std::move(noted.noted));
    for (std::size_t i = 0; i < costs.size(); ++i) {
      out.y[first_ + i] = in.y[first_ + i] + costs[i];
    }
    return out;
  }

  State interpolate(Tensor x, const StepInputs& in, const StepOutputs& out) const override {
    State y = inner().interpolate(x, in, out);
    for (std::size_t m = first_; m < first_ + costs_.size(); ++m) {
      y[m] = in.y[m] + x * (out.y[m] - in.y[m]);
    }
    return y;
  }

  StepOutputs undo(Rates& rates, const StepInputs& end) const override {
    StepOutputs begin = inner().undo(rates, end);
    const StepInputs again{end.t - end.h, end.h, begin.y, begin.carry};
    const StepOutputs taken = step(rates, again);
    for (std::size_t m = first_; m < first_ + costs_.size(); ++m) {
      begin.y[m] = end.y[m] - (taken.y[m] - again.y[m]);
    }
    return begin;
  }

 private:
  /// Whether the rates are evaluated at an iteration's guesses, which are no stages.
  bool iterates() const {
    const Tableau* tableau = inner().runge_kutta();
    return tableau != nullptr && !tableau->is_explicit();
  }

  /// Whether the carry is the step's first evaluation, which the step then does not make.
  bool carries_first_rate(const StepInputs& in) const {
    const Tableau* tableau = inner().runge_kutta();
    return tableau != nullptr && tableau->first_same_as_last() && in.carry.size() == in.y.size();
  }

  State of(const StepInputs& in, const StepOutputs& out,
           std::vector<Evaluation> evaluations) const {
    SolverStep step{in.t, in.h, in.y.front(), out.y.front(), {}, std::move(evaluations)};
    if (!out.error.empty()) step.error = out.error.front();
    State costs;
    for (const NamedCost& cost : costs_) {
      costs.push_back(cast(cost.regularizer->step_cost(step), DType::f64));
      if (costs.back().shape() != Shape{kRows}) {
        throw std::invalid_argument("its cost of a step has the shape " +
                                    costs.back().shape().text() + " instead of one number a row");
      }
    }
    return costs;
  }

  std::vector<NamedCost> costs_;
  std::size_t first_;
};

}  // namespace

std::shared_ptr<const Solver> with_step_costs(std::shared_ptr<const Solver> solver,
                                              std::vector<NamedCost> costs, std::size_t first) {
  if (costs.empty()) return solver;
  return std::make_shared<StepCosts>(std::move(solver), std::move(costs), first);
}

void rehearse_step_cost(const NamedCost& cost, std::shared_ptr<const Solver> solver,
                        const OdeTerms& terms, const Shape& state, DType precision,
                        const SolveOptions& options) {
  if (solver->host_driven()) {
    throw std::invalid_argument(
        "its cost is of the solver's steps, which this solver takes in a library of its own; use "
        "one that odeum steps, as dopri5");
  }
  const OdeDynamics with =
      make_dynamics({terms.field, Divergence::none, {}, {cost}}, state, precision);
  const Dynamics& dynamics = with.dynamics;
  Recording recording;
  StepInputs in;
  in.t = recording.input("t", {1}, DType::f64);
  in.h = recording.input("h", {1}, DType::f64);
  for (const Member& m : dynamics.members) {
    in.y.push_back(recording.input(m.name, m.shape, m.dtype));
  }
  std::vector<Tensor> constants;
  for (const InputSpec& s : dynamics.constants) {
    constants.push_back(recording.input(s.name, s.shape, s.dtype));
  }
  solve::CountedRates rates(dynamics, options, constants);
  in.carry = solver->start(rates, in.t, in.y);
  with_step_costs(std::move(solver), {cost}, with.first_of_steps())->step(rates, in);
}

}  // namespace odeum::model
