// SPDX-License-Identifier: Apache-2.0
#include <limits>

#include "odeum/adjoint_sweep.hpp"
#include "odeum/plugin.hpp"

namespace {

using namespace odeum;

constexpr double kTightUnits = 10.0;  // as for a solver's own rtol

/// Solves forward, keeping the states at the times; then integrates states, their cotangents and
/// the parameters' back from each time to the one before. The states start each interval from what
/// the forward solve found there, not from what came out of the interval before.
class ContinuousSolve final : public DifferentiableSolve {
 public:
  ContinuousSolve(std::unique_ptr<SolveSetting> setting, const std::vector<bool>& wanted,
                  AdjointNorm norm, const SolveOptions& backward)
      : setting_(std::move(setting)),
        equation_(make_adjoint_equation(setting_->dynamics(), wanted, {.norm = norm})),
        sweep_(*setting_, equation_),
        forward_(setting_->integrator(setting_->dynamics(), setting_->options(), {})),
        backward_(setting_->integrator(equation_.dynamics, backward, {})) {}

  SolveReport forward(const SolveCall& call) override { return sweep_.forward(*forward_, call); }

  SolveReport backward(const SolveCall& call, std::span<const View> result_cotangents,
                       const CotangentTargets& targets) override {
    return sweep_.backward(call, result_cotangents, targets,
                           [&](std::size_t time) { return interval(call, time); });
  }

  std::size_t kept_bytes() const override { return sweep_.kept_bytes(); }
  std::optional<std::size_t> estimate_kept_bytes(std::int64_t rows, std::int64_t results,
                                                 std::int64_t) const override {
    return sweep_.kept_bytes(rows, results);
  }

  const Dynamics& equation() const { return equation_.dynamics; }

 private:
  SolveReport interval(const SolveCall& call, std::size_t time) {
    const double times[2] = {call.times[time], call.times[time - 1]};
    const std::vector<View> members = sweep_.members(time);
    const std::vector<View> constants = sweep_.constants(call);
    const std::vector<View> results = sweep_.results();
    return backward_->integrate({.rows = call.rows,
                                 .times = times,
                                 .initial = members,
                                 .constants = constants,
                                 .results = results,
                                 .observer = {}});
  }

  std::unique_ptr<SolveSetting> setting_;
  AdjointEquation equation_;
  AdjointSweep sweep_;
  std::unique_ptr<Integrator> forward_, backward_;
};

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
    norm_ = norm == "full"    ? AdjointNorm::full
            : norm == "state" ? AdjointNorm::state
                              : AdjointNorm::state_and_adjoint;
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
    const Solver& solver = setting->solver();
    auto solve = std::make_unique<ContinuousSolve>(std::move(setting), wanted, norm_, backward);
    const std::string refused = solver.refusal(solve->equation());
    if (!refused.empty())
      config_.fail("", "the solver cannot solve the adjoint equation: it " + refused);
    return solve;
  }

 private:
  Config config_;
  AdjointNorm norm_;
};

}  // namespace

ODEUM_PLUGIN(gradient, "adjoint", Adjoint, "1.0.0", "Gradients from the adjoint equation")
