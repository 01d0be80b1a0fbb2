// SPDX-License-Identifier: Apache-2.0
#include "between_solve.hpp"
#include "discrete_solve.hpp"
#include "odeum/plugin.hpp"
#include "round_solve.hpp"

namespace {

using namespace odeum;
using backprop::Keep;

class Backprop final : public GradientMethod {
 public:
  static Schema schema() {
    return Schema(
               "Discretise, then optimise: the exact derivative of the steps taken. Keeps "
               "something of every accepted step until the backward pass")
        .text("keep", "auto",
              "what is kept of a step: residuals of its linearization (3 forward evaluations' "
              "worth of work, forward included), its stage rates (4), its beginning alone (4, with "
              "the step's whole work in scratch memory), or the first of these that fits "
              "`memory`. Where not even the beginnings fit, as many as do, spaced binomially; "
              "those between are computed again")
        .choices({"auto", "residuals", "stages", "steps"})
        .number("memory", 1024.0, "what auto may keep of one solve on the device [MiB]")
        .above(0)
        .integer("every", 1,
                 "the beginning of every n-th step is kept; those between are computed again, "
                 "which costs one more forward evaluation. For keep: steps, which auto becomes")
        .at_least(1)
        .text("times", "exact",
              "where the solution is wanted at times between start and end. exact: a step ends at "
              "each; interpolated: steps are as long as the tolerance allows, and states between "
              "their ends come from the method's dense output, through which the derivative goes. "
              "Keeps steps' beginnings")
        .choices({"exact", "interpolated"})
        .cite("A. Griewank, A. Walther, Evaluating Derivatives (2008)")
        .cite(
            "A. Griewank, A. Walther, Algorithm 799: revolve, ACM Transactions on Mathematical "
            "Software 26 (2000): binomial checkpoints");
  }

  explicit Backprop(const Config& config) {
    const std::string& keep = config.text("keep");
    if (keep == "residuals") policy_.keep = Keep::residuals;
    if (keep == "stages") policy_.keep = Keep::stages;
    if (keep == "steps") policy_.keep = Keep::steps;
    policy_.memory_limit = static_cast<std::size_t>(config.number("memory") * 1024.0 * 1024.0);
    policy_.every = config.integer("every");
    interpolates_ = config.text("times") == "interpolated";
    if (interpolates_ && policy_.keep && *policy_.keep != Keep::steps) {
      config.fail("keep",
                  "with times: interpolated the beginnings of steps are kept, and more only "
                  "where a step ends at each time: use auto or steps");
    }
    if (policy_.every > 1 && policy_.keep && *policy_.keep != Keep::steps) {
      config.fail("every", "is for keep: steps; " + keep + " are kept of each step or of none");
    }
  }

  std::string refusal(const Solver& solver, const SolveOptions& options,
                      const Dynamics& dynamics) const override {
    if (solver.host_driven()) {
      return "differentiates the steps of a solve, and this solver takes its steps inside a "
             "library, where there is nothing to differentiate: use adjoint, which integrates a "
             "further equation";
    }
    if (interpolates_ && (options.step > 0.0 || options.steps > 0)) {
      return "has times: interpolated, and steps are given: these end at each time, `steps` being "
             "between two of them. Use times: exact, or a tolerance";
    }
    if (interpolates_ && options.step_size == StepSize::per_sample) {
      return "has times: interpolated, and with step_size: per_sample times between lie in another "
             "step of each sample, while its rounds are reversed together. Use times: exact";
    }
    const bool leaves_steps = policy_.every > 1 || (policy_.keep && *policy_.keep != Keep::steps);
    if (options.step_size == StepSize::per_sample && leaves_steps) {
      return "keeps something else of the steps than where each began, but with step_size: "
             "per_sample a round of steps holds rejected ones beside accepted ones: what those "
             "computed need not be finite, and there is no step to go on from. Use keep: steps, or "
             "auto, which is the same there";
    }
    if (policy_.keep == Keep::stages && !backprop::stages_are_apart(solver, options, dynamics)) {
      return "cannot keep the stages of this solver: its step iterates on the rates or takes their "
             "derivatives, so that it is no function of the stages' rates alone. Use keep: auto, "
             "residuals or steps";
    }
    return "";
  }

  bool per_sample() const override { return true; }

  bool differentiates_steps() const override { return true; }

  std::unique_ptr<DifferentiableSolve> prepare(std::unique_ptr<SolveSetting> setting,
                                               const std::vector<bool>& wanted) const override {
    if (setting->options().step_size == StepSize::per_sample) {
      return std::make_unique<backprop::RoundSolve>(std::move(setting), wanted);
    }
    if (interpolates_) {
      return std::make_unique<backprop::BetweenSolve>(std::move(setting), wanted, policy_);
    }
    return std::make_unique<backprop::DiscreteSolve>(std::move(setting), wanted, policy_);
  }

 private:
  backprop::Policy policy_;
  bool interpolates_ = false;
};

}  // namespace

ODEUM_PLUGIN(gradient, "backprop", Backprop, "1.0.0",
             "Exact gradients by reversing the steps taken")
