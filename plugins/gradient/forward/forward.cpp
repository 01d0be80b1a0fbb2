// SPDX-License-Identifier: Apache-2.0
#include "odeum/plugin.hpp"
#include "sensitivity_solve.hpp"

namespace {

using namespace odeum;
using forward_sensitivity::Norm;

class Forward final : public GradientMethod {
 public:
  static Schema schema() {
    return Schema(
               "Forward sensitivities: the solve carries the derivatives of all members by the "
               "initial state and by every parameter. For few parameters; the backward pass costs "
               "next to nothing, and nothing is solved back in time")
        .integer("limit", 64,
                 "most derivatives carried by a row: entries of its initial state and of all "
                 "parameters together; each costs about an evaluation more")
        .at_least(1)
        .text("norm", "state_and_tangents",
              "what the error norm covers: state_and_tangents, or state alone, with the steps of a "
              "solve without derivatives")
        .choices({"state_and_tangents", "state"})
        .cite(
            "E. Hairer, S. Norsett, G. Wanner, Solving Ordinary Differential Equations I, 2nd "
            "edition, 1993, section I.14");
  }

  explicit Forward(const Config& config)
      : config_(config),
        limit_(config.integer("limit")),
        norm_(config.text("norm") == "state" ? Norm::state : Norm::state_and_tangents) {}

  bool per_sample() const override { return true; }

  std::string refusal(const Solver&, const SolveOptions&, const Dynamics& dynamics) const override {
    const std::vector<std::string> mixing = couplings(dynamics);
    if (!mixing.empty()) {
      std::string names;
      for (const std::string& name : mixing) names += (names.empty() ? "" : ", ") + name;
      return "carries each sample's derivatives by its own initial state alone, but these dynamics "
             "mix the samples of a batch (" +
             names + "): use backprop or adjoint";
    }
    for (const Member& m : dynamics.members) {
      if (m.shape.has_rows()) continue;
      return "carries derivatives by sample, but '" + m.name +
             "' is a sum over rows: use backprop or adjoint";
    }
    if (const std::string what = derivative_refusal(dynamics, Differentiation::forward);
        !what.empty()) {
      return "carries tangents through the field, which it does not have (" + what +
             "): use backprop or adjoint";
    }
    return too_many(dynamics.members.front().shape.elements_per_row(), "the initial state alone");
  }

  std::unique_ptr<DifferentiableSolve> prepare(std::unique_ptr<SolveSetting> setting,
                                               const std::vector<bool>& wanted) const override {
    const AdjointEquation indices = make_adjoint_equation(setting->dynamics(), wanted);
    const std::string reason =
        too_many(forward_sensitivity::count_tangents(setting->dynamics(), indices.states,
                                                     indices.parameters),
                 "initial state and parameters");
    if (!reason.empty()) config_.fail("limit", reason);
    const Solver& solver = setting->solver();
    auto solve =
        std::make_unique<forward_sensitivity::SensitivitySolve>(std::move(setting), wanted, norm_);
    const std::string refused = solver.refusal(solve->equation());
    if (!refused.empty()) {
      config_.fail("", "the solver cannot carry the derivatives along: it " + refused);
    }
    return solve;
  }

 private:
  std::string too_many(std::int64_t tangents, const std::string& of_what) const {
    if (tangents <= limit_) return "";
    return "carries one derivative for each variable, here " + std::to_string(tangents) + " of " +
           of_what + ", above limit: " + std::to_string(limit_) +
           "; use backprop, adjoint or gauss_legendre, whose cost does not grow with their number";
  }

  Config config_;
  std::int64_t limit_;
  Norm norm_;
};

}  // namespace

ODEUM_PLUGIN(gradient, "forward", Forward, "1.0.0", "Gradients by forward sensitivities")
