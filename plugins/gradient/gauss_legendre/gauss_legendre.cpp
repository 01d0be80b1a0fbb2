// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <limits>
#include <string>
#include <vector>

#include "odeum/plugin.hpp"
#include "quadrature_solve.hpp"

namespace {

using namespace odeum;
using gauss_legendre::Nodes;

constexpr double kTightUnits = 10.0;  // as for a solver's own rtol
constexpr double kMebibyte = 1024.0 * 1024.0;
constexpr std::int64_t kPanel = 4;
constexpr std::int64_t kSurplus = 3;
constexpr double kDensity = 0.1;
constexpr std::int64_t kRule = 15;

std::string kinks_refusal(const std::vector<double>& kinks) {
  char first[32];
  std::snprintf(first, sizeof first, "%.6g", kinks.front());
  return "takes the integral of the parameters' gradient by Gauss' rules, which are for smooth "
         "integrands, and this field's has kinks at " +
         std::to_string(kinks.size()) + " times (t = " + first +
         ", ...): what it interpolates between two of them is seen by the nodes there alone, often "
         "by none, and gets no gradient. Use backprop or adjoint";
}

class GaussLegendre final : public GradientMethod {
 public:
  static Schema schema() {
    return Schema(
               "Optimise, then discretise, with the parameters' cotangents as an integral: solves "
               "state and adjoint alone back in time and takes the integral by Gauss-Legendre "
               "quadrature on the dense output, all nodes as one batch. For many parameters beside "
               "a small state")
        .text("nodes", "steps",
              "where the integral's nodes lie: steps, Gauss' points on every few steps that the "
              "forward solve took; published, C evaluations of the forward solve in each stretch "
              "between two times, split by length, at most 64; adaptive, as many as an error "
              "estimate by "
              "Gauss' and Kronrod's nested rules asks for")
        .choices({"steps", "published", "adaptive"})
        .integer("panel",
                 "with steps: how many steps of the forward solve share one rule; default: 4")
        .at_least(1)
        .at_most(32)
        .optional()
        .integer(
            "surplus",
            "with steps: how many points a rule has beyond the number of its steps, so that it "
            "is exact to degree 2 (steps + surplus) - 1; default: 3")
        .at_least(0)
        .at_most(32)
        .optional()
        .number("density",
                "with published: C, nodes per evaluation of the forward solve; larger means more "
                "nodes; default: 0.1")
        .above(0)
        .optional()
        .integer("rule",
                 "with adaptive: points of the nested rule on each panel: 7, 15 or 21; default: 15")
        .at_least(7)
        .at_most(21)
        .optional()
        .number("tolerance",
                "with adaptive: allowed error of the integral over its magnitude; smaller is more "
                "exact, down to what the dense output of the backward solve holds; default: the "
                "solver's rtol")
        .above(0)
        .optional()
        .number("memory", 1024.0, "for nodes that are worked on together [MiB]")
        .above(0)
        .text("norm", "state_and_adjoint",
              "what the backward solve's error norm covers: state_and_adjoint, or state alone")
        .choices({"state_and_adjoint", "state"})
        .number("rtol", "relative tolerance of the backward solve; default: the solver's")
        .above(0)
        .optional()
        .numbers("atol", "absolute tolerance of the backward solve; default: the solver's")
        .size(1)
        .optional()
        .cite(
            "A. Norcliffe, M. Deisenroth, Faster training of neural ODEs using Gauss-Legendre "
            "quadrature, TMLR 2023, arXiv 2308.10644")
        .cite(
            "R. Piessens, E. de Doncker-Kapenga, C. Ueberhuber, D. Kahaner, QUADPACK, 1983: the "
            "nested rules");
  }

  explicit GaussLegendre(const Config& config) : config_(config) {
    const std::string& nodes = config.text("nodes");
    if (nodes == "published") policy_.nodes = Nodes::published;
    if (nodes == "adaptive") policy_.nodes = Nodes::adaptive;
    belongs("panel", "steps");
    belongs("surplus", "steps");
    belongs("density", "published");
    belongs("rule", "adaptive");
    belongs("tolerance", "adaptive");
    policy_.panel = config.has("panel") ? config.integer("panel") : kPanel;
    policy_.surplus = config.has("surplus") ? config.integer("surplus") : kSurplus;
    policy_.density = config.has("density") ? config.number("density") : kDensity;
    policy_.rule = static_cast<int>(config.has("rule") ? config.integer("rule") : kRule);
    if (policy_.rule != 7 && policy_.rule != 15 && policy_.rule != 21) {
      config.fail("rule", "there are rules of 7, 15 and 21 points");
    }
    policy_.memory = static_cast<std::size_t>(config.number("memory") * kMebibyte);
  }

  bool per_sample() const override { return true; }

  std::string refusal(const Solver& solver, const SolveOptions& options,
                      const Dynamics& dynamics) const override {
    if (policy_.nodes == Nodes::steps && solver.host_driven()) {
      return "with nodes: steps places nodes on the solver's steps, which this solver keeps to "
             "itself: use nodes: adaptive or published";
    }
    if (policy_.nodes == Nodes::steps && options.step_size == StepSize::per_sample) {
      return "with nodes: steps places nodes on the steps that all samples share, and here each "
             "has its own: use nodes: adaptive or published";
    }
    if (!dynamics.kinks.empty()) return kinks_refusal(dynamics.kinks);
    return gauss_legendre::batch_refusal(dynamics);
  }

  std::unique_ptr<DifferentiableSolve> prepare(std::unique_ptr<SolveSetting> setting,
                                               const std::vector<bool>& wanted) const override {
    SolveOptions backward = setting->options();
    if (config_.has("rtol")) backward.rtol = config_.number("rtol");
    if (config_.has("atol")) backward.atol = config_.numbers("atol");
    gauss_legendre::Policy policy = policy_;
    policy.tolerance = config_.has("tolerance") ? config_.number("tolerance") : backward.rtol;
    const double least = kTightUnits * (setting->dynamics().members.front().dtype == DType::f32
                                            ? std::numeric_limits<float>::epsilon()
                                            : std::numeric_limits<double>::epsilon());
    for (const char* key : {"rtol", "tolerance"}) {
      if (config_.has(key) && config_.number(key) < least) {
        config_.fail(key,
                     "is under ten units of rounding of the state: raise it or use "
                     "precision: float64");
      }
    }
    const AdjointTerms terms{.norm = config_.text("norm") == "state"
                                         ? AdjointNorm::state
                                         : AdjointNorm::state_and_adjoint,
                             .parameters = ParameterCotangents::left_out};
    const Solver& solver = setting->solver();
    auto solve = std::make_unique<gauss_legendre::QuadratureSolve>(std::move(setting), wanted,
                                                                   policy, terms, backward);
    const std::string refused = solver.refusal(solve->equation());
    if (!refused.empty())
      config_.fail("", "the solver cannot solve the adjoint equation: it " + refused);
    return solve;
  }

 private:
  /// A key that says something in one way of choosing nodes alone.
  void belongs(const char* key, const std::string& nodes) const {
    if (config_.has(key) && config_.text("nodes") != nodes) {
      config_.fail(key, "has a meaning with nodes: " + nodes + " alone: remove it");
    }
  }

  Config config_;
  gauss_legendre::Policy policy_;
};

}  // namespace

ODEUM_PLUGIN(gradient, "gauss_legendre", GaussLegendre, "1.0.0",
             "Adjoint gradients with the parameter integral by batched Gauss-Legendre quadrature")
