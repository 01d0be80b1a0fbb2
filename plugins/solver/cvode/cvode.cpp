// SPDX-License-Identifier: Apache-2.0
#include "bridge.hpp"
#include "odeum/plugin.hpp"

namespace odeum::cvode {
namespace {

constexpr std::int64_t kMostBdf = 5, kMostAdams = 12;

class Cvode final : public Solver {
 public:
  static Schema schema() {
    return Schema(
               "SUNDIALS CVODE: formulas of variable order and step, with its own step control. "
               "All "
               "samples advance as one system with one step. Rates and derivatives run on the "
               "device, the linear algebra in float64 on the host")
        .text("method", "bdf",
              "bdf: backward differentiation with Newton's iteration, for stiff equations; adams: "
              "Adams-Moulton, for others")
        .choices({"bdf", "adams"})
        .text("linear_solver",
              "of Newton's iteration; default: dense (bdf), or no Newton but fixed-point iteration "
              "(adams). dense: LU of one block a sample, exact Jacobian; krylov: GMRES without "
              "preconditioner, products with the exact Jacobian")
        .choices({"dense", "krylov"})
        .optional()
        .integer("max_order", "highest order of the formula; default: 5 (bdf) or 12 (adams)")
        .at_least(1)
        .at_most(static_cast<double>(kMostAdams))
        .optional()
        .integer("krylov_dimension", "most directions of GMRES in one linear solve; default: 5")
        .at_least(1)
        .optional()
        .integer("jacobian_limit", 256,
                 "most entries of a sample's state with linear_solver: dense; larger ones are "
                 "refused")
        .at_least(1)
        .cite(
            "A. C. Hindmarsh, P. N. Brown, K. E. Grant, S. L. Lee, R. Serban, D. E. Shumaker, C. "
            "S. "
            "Woodward, SUNDIALS: suite of nonlinear and differential/algebraic equation solvers, "
            "ACM Trans. Math. Softw. 31 (2005) 363-396")
        .cite(
            "S. D. Cohen, A. C. Hindmarsh, CVODE, a stiff/nonstiff ODE solver in C, Computers in "
            "Physics 10 (1996) 138-143");
  }

  explicit Cvode(const Config& config);

  int order() const override { return choices_.max_order; }
  int error_order() const override { return choices_.max_order + 1; }
  bool host_driven() const override { return true; }
  std::string refusal(const Dynamics& dynamics) const override;
  StepOutputs step(Rates&, const StepInputs&) const override {
    bug("Solver::step was called on a method that is driven by its host");
  }
  std::unique_ptr<Integrator> integrator(const Dynamics& dynamics, const SolveOptions& options,
                                         std::shared_ptr<Device> device,
                                         const IntegratorRequest& request) const override;

 private:
  std::string dense_refusal(const Dynamics& dynamics) const;

  Choices choices_;
  std::int64_t limit_;
};

Cvode::Cvode(const Config& config) : limit_(config.integer("jacobian_limit")) {
  const bool bdf = config.text("method") == "bdf";
  choices_.formula = bdf ? Formula::bdf : Formula::adams;
  const bool newton = bdf || config.has("linear_solver");
  const bool krylov = config.has("linear_solver") && config.text("linear_solver") == "krylov";
  choices_.linear_solver = !newton  ? LinearSolver::none
                           : krylov ? LinearSolver::krylov
                                    : LinearSolver::dense;
  if (config.has("krylov_dimension") && !krylov) {
    config.fail("krylov_dimension", "belongs to linear_solver: krylov");
  }
  if (krylov && config.has("krylov_dimension")) {
    choices_.krylov_dimension = static_cast<int>(config.integer("krylov_dimension"));
  }
  const std::int64_t most = bdf ? kMostBdf : kMostAdams;
  choices_.max_order =
      static_cast<int>(config.has("max_order") ? config.integer("max_order") : most);
  if (choices_.max_order > most) {
    config.fail("max_order",
                "is at most 5 with method: bdf: formulas of higher order are unstable "
                "or not stable enough");
  }
}

std::string Cvode::refusal(const Dynamics& dynamics) const {
  for (const Member& member : dynamics.members) {
    if (!member.of_steps) continue;
    return "has steps of its own, to which '" + member.name +
           "', a cost of the solver's steps, has no access: use one of odeum's own methods";
  }
  if (choices_.linear_solver == LinearSolver::none) return "";
  if (const std::string what = derivative_refusal(dynamics, Differentiation::forward);
      !what.empty()) {
    return "needs products with the Jacobian of the rates, which these do not have (" + what +
           "): use method: adams without a linear_solver";
  }
  return choices_.linear_solver == LinearSolver::dense ? dense_refusal(dynamics) : "";
}

std::string Cvode::dense_refusal(const Dynamics& dynamics) const {
  std::string operations;
  for (const std::string& name : couplings(dynamics)) {
    operations += (operations.empty() ? "" : ", ") + name;
  }
  if (!operations.empty()) {
    return "factorises one Jacobian block a sample, but the field mixes samples (" + operations +
           "): use linear_solver: krylov";
  }
  const std::vector<bool> quadrature = quadratures(dynamics);
  std::int64_t size = 0;
  for (std::size_t m = 0; m < quadrature.size(); ++m) {
    if (quadrature[m]) continue;
    const Member& member = dynamics.members[m];
    if (!member.shape.has_rows()) {
      return "factorises one Jacobian block a sample, but all samples' rates depend on '" +
             member.name + "', which has no rows: use linear_solver: krylov";
    }
    size += member.shape.elements_per_row();
  }
  if (size <= limit_) return "";
  return "factorises a dense Jacobian of each sample's " + std::to_string(size) +
         " entries, more than jacobian_limit = " + std::to_string(limit_) +
         ": raise it, or use linear_solver: krylov";
}

std::unique_ptr<Integrator> Cvode::integrator(const Dynamics& dynamics, const SolveOptions& options,
                                              std::shared_ptr<Device> device,
                                              const IntegratorRequest& request) const {
  if (request.extra) bug("outputs of a step were asked of CVODE, which has none of odeum's steps");
  if (const std::string reason = refusal(dynamics); !reason.empty()) {
    throw ConfigError("cvode " + reason);
  }
  if (options.step > 0.0 || options.steps > 0) {
    throw ConfigError(
        "cvode chooses its own steps: remove step and steps, or bound them by "
        "max_step");
  }
  if (options.step_size == StepSize::per_sample) {
    throw ConfigError("cvode advances all samples as one system: step_size: shared");
  }
  if (options.at_min_step == AtMinStep::clip) {
    throw ConfigError("cvode takes no step against its error test: at_min_step: fail");
  }
  return std::make_unique<Bridge>(dynamics, choices_, options, std::move(device), request.save);
}

}  // namespace
}  // namespace odeum::cvode

ODEUM_PLUGIN(solver, "cvode", odeum::cvode::Cvode, "1.0.0",
             "SUNDIALS CVODE: BDF and Adams of variable order")
