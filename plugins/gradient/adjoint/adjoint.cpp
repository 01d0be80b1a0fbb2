// SPDX-License-Identifier: Apache-2.0
#include <limits>

#include "continuous_solve.hpp"
#include "odeum/plugin.hpp"

namespace {

using namespace odeum;
using adjoint::Norm;

constexpr double kTightUnits = 10.0;  // as for a solver's own rtol

class Adjoint final : public GradientMethod {
 public:
  static Schema schema() {
    return Schema(
               "Optimise, then discretise: integrates the adjoint equation back in time with the "
               "solve's own solver and controller. Memory does not grow with the number of steps; "
               "the gradient is that of the continuous solution, to the tolerance")
        .text("norm", "state_and_adjoint",
              "what the backward solve's error norm covers: full (parameters' cotangents too), "
              "state_and_adjoint (the literature's seminorm), or state alone")
        .choices({"full", "state_and_adjoint", "state"})
        .number("rtol", "relative tolerance of the backward solve; default: the solver's")
        .above(0)
        .optional()
        .numbers("atol", "absolute tolerance of the backward solve; default: the solver's")
        .size(1)
        .optional()
        .cite(
            "R. T. Q. Chen, Y. Rubanova, J. Bettencourt, D. Duvenaud, Neural ordinary "
            "differential equations, NeurIPS 2018, arXiv 1806.07366")
        .cite(
            "P. Kidger, R. T. Q. Chen, T. Lyons, \"Hey, that's not an ODE\", ICML 2021, arXiv "
            "2009.09457: the seminorm");
  }

  explicit Adjoint(const Config& config) : config_(config) {
    const std::string& norm = config.text("norm");
    norm_ = norm == "full" ? Norm::full : norm == "state" ? Norm::state : Norm::state_and_adjoint;
  }

  std::string refusal(const Solver&, const SolveOptions& options, const Dynamics&) const override {
    if (options.step_size == StepSize::shared) return "";
    return "integrates the parameters' cotangents along with the samples: their rate is a sum over "
           "all samples at one time, which samples with steps of their own do not have. With "
           "step_size: per_sample use backprop, or gauss_legendre, whose nodes need no common step";
  }

  std::unique_ptr<DifferentiableSolve> prepare(std::unique_ptr<SolveSetting> setting,
                                               const std::vector<bool>& wanted) const override {
    SolveOptions backward = setting->options();
    if (config_.has("rtol")) backward.rtol = config_.number("rtol");
    if (config_.has("atol")) backward.atol = config_.numbers("atol");
    const double rounding = setting->dynamics().members.front().dtype == DType::f32
                                ? std::numeric_limits<float>::epsilon()
                                : std::numeric_limits<double>::epsilon();
    if (config_.has("rtol") && backward.rtol < kTightUnits * rounding) {
      config_.fail("rtol",
                   "is under ten units of rounding of the state: raise it or use "
                   "precision: float64");
    }
    return std::make_unique<adjoint::ContinuousSolve>(std::move(setting), wanted, norm_, backward);
  }

 private:
  Config config_;
  Norm norm_;
};

}  // namespace

ODEUM_PLUGIN(gradient, "adjoint", Adjoint, "1.0.0", "Gradients from the adjoint equation")
