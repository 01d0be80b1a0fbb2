// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "odeum/plugin.hpp"
#include "partner_solve.hpp"

namespace {

using namespace odeum;

class Symplectic final : public GradientMethod {
 public:
  static Schema schema() {
    return Schema(
               "Exact gradients of Runge-Kutta methods by their symplectic partner: keeps the "
               "states between steps, computes a step's stages again and differentiates one stage "
               "at a time, so that memory is that of the states and of one evaluation. 5 forward "
               "evaluations' worth of work, forward included. The stages of implicit methods are "
               "solved together and are differentiated together")
        .cite(
            "T. Matsubara, Y. Miyatake, T. Yaguchi, Symplectic adjoint method for exact gradient "
            "of neural ODE with minimal memory, NeurIPS 2021, arXiv 2102.09750")
        .cite(
            "J. M. Sanz-Serna, Symplectic Runge-Kutta schemes for adjoint equations, automatic "
            "differentiation, optimal control, and more, SIAM Review 58 (2016)");
  }

  explicit Symplectic(const Config&) {}

  std::string refusal(const Solver& solver, const SolveOptions& options,
                      const Dynamics& dynamics) const override {
    if (solver.runge_kutta() == nullptr) {
      return "integrates the adjoint equation with the partner of a Runge-Kutta method, whose "
             "weights and stages follow from the method's tableau, and this solver has none. Use "
             "gradient: backprop, or adjoint where the solver brings its own loop";
    }
    const auto of_steps = std::find_if(dynamics.members.begin(), dynamics.members.end(),
                                       [](const Member& member) { return member.of_steps; });
    if (of_steps != dynamics.members.end()) {
      return "conserves what stages carry, and '" + of_steps->name +
             "' is a cost of whole steps, not an integral over stages: use gradient: backprop";
    }
    if (options.step_size == StepSize::per_sample) {
      return "reverses steps that all samples take together, and under step_size: per_sample each "
             "takes its own: use step_size: shared, or a method that integrates a further equation";
    }
    return "";
  }

  std::unique_ptr<DifferentiableSolve> prepare(std::unique_ptr<SolveSetting> setting,
                                               const std::vector<bool>& wanted) const override {
    if (setting->solver().runge_kutta()->is_explicit()) {
      return std::make_unique<symplectic::PartnerSolve>(std::move(setting), wanted);
    }
    return std::make_unique<symplectic::ImplicitPartnerSolve>(std::move(setting), wanted);
  }
};

}  // namespace

ODEUM_PLUGIN(gradient, "symplectic", Symplectic, "1.0.0",
             "Exact gradients of Runge-Kutta methods, one stage's memory at a time")
