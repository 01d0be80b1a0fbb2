// SPDX-License-Identifier: Apache-2.0
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
               "something "
               "of every accepted step until the backward pass")
        .text(
            "keep", "auto",
            "what is kept of a step: residuals of its linearization (3 forward evaluations' worth "
            "of work, forward included), its stage rates (4), its beginning alone (4, with the "
            "step's whole work in scratch memory), or the first of these that fits `memory`")
        .choices({"auto", "residuals", "stages", "steps"})
        .number("memory", 1024.0, "what auto may keep of one solve [MiB]")
        .above(0)
        .cite("A. Griewank, A. Walther, Evaluating Derivatives (2008)");
  }

  explicit Backprop(const Config& config) {
    const std::string& keep = config.text("keep");
    if (keep == "residuals") policy_.keep = Keep::residuals;
    if (keep == "stages") policy_.keep = Keep::stages;
    if (keep == "steps") policy_.keep = Keep::steps;
    policy_.memory_limit = static_cast<std::size_t>(config.number("memory") * 1024.0 * 1024.0);
  }

  bool per_sample() const override { return true; }

  std::string refusal(const Solver&, const SolveOptions& options, const Dynamics&) const override {
    const bool leaves_steps = policy_.keep && *policy_.keep != Keep::steps;
    if (options.step_size == StepSize::shared || !leaves_steps) return "";
    return "keeps what a step computed, but with step_size: per_sample a round of steps holds "
           "rejected ones beside accepted ones, and theirs need not be finite: use keep: steps, or "
           "auto, which is the same there";
  }

  bool differentiates_steps() const override { return true; }
  std::unique_ptr<DifferentiableSolve> prepare(std::unique_ptr<SolveSetting> setting,
                                               const std::vector<bool>& wanted) const override {
    if (setting->options().step_size == StepSize::per_sample) {
      return std::make_unique<backprop::RoundSolve>(std::move(setting), wanted);
    }
    return std::make_unique<backprop::DiscreteSolve>(std::move(setting), wanted, policy_);
  }

 private:
  backprop::Policy policy_;
};

}  // namespace

ODEUM_PLUGIN(gradient, "backprop", Backprop, "1.0.0",
             "Exact gradients by reversing the steps taken")
