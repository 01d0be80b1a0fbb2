// SPDX-License-Identifier: Apache-2.0
#include "odeum/plugin.hpp"
#include "undone_solve.hpp"

namespace {

using namespace odeum;

class Reversible final : public GradientMethod {
 public:
  static Schema schema() {
    return Schema(
               "Exact and of constant memory, for solvers whose steps are invertible: keeps the "
               "steps' times, the final state and carry, undoes the steps one by one and "
               "differentiates each where it has been led back to")
        .number("drift", 1.0,
                "what the start, reached by undoing all steps, may be off by: the RMS of a "
                "sample's entries in units of the solver's atol + rtol |z|. Rounding grows on the "
                "way back; beyond this the gradient is not given, but the status drifted")
        .above(0)
        .cite(
            "J. Zhuang, N. C. Dvornek, S. Tatikonda, J. S. Duncan, MALI: a memory efficient and "
            "reverse accurate integrator for neural ODEs, ICLR 2021, arXiv 2102.04668")
        .cite(
            "P. Kidger, J. Foster, X. Li, T. Lyons, Efficient and accurate gradients for neural "
            "SDEs, NeurIPS 2021, arXiv 2105.13493: reversible Heun");
  }

  explicit Reversible(const Config& config) : drift_(config.number("drift")) {}

  std::string refusal(const Solver& solver, const SolveOptions& options,
                      const Dynamics&) const override {
    if (!solver.reversible()) {
      return "undoes the solver's steps, and a step of this one is not an invertible map in closed "
             "form: going back with a negative step is another step and misses the start by the "
             "error of the method, not by rounding. Use leapfrog or reversible_heun, or gradient: "
             "backprop, which keeps the steps";
    }
    if (options.step_size == StepSize::per_sample) {
      return "undoes steps that all samples take together, and under step_size: per_sample each "
             "takes its own: use step_size: shared";
    }
    return "";
  }

  bool differentiates_steps() const override { return true; }

  std::unique_ptr<DifferentiableSolve> prepare(std::unique_ptr<SolveSetting> setting,
                                               const std::vector<bool>& wanted) const override {
    return std::make_unique<reversible::UndoneSolve>(std::move(setting), wanted, drift_);
  }

 private:
  double drift_;
};

}  // namespace

ODEUM_PLUGIN(gradient, "reversible", Reversible, "1.0.0",
             "Exact gradients in constant memory by undoing the steps of a reversible solver")
