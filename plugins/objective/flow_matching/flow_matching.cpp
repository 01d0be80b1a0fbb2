// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "../normal_base.hpp"
#include "coupling.hpp"
#include "odeum/objective.hpp"
#include "odeum/plugin.hpp"
#include "path.hpp"

namespace odeum::objectives {
namespace {

class FlowMatching final : public Objective {
 public:
  static Schema schema() {
    Schema s(
        "Flow matching: the field of the ode block that ends the model is fitted to the velocities "
        "of given paths between samples x of the data, at the span's start, and samples e of "
        "N(0, I), at its end; training solves nothing. With u from 0 at the data to 1 at the base "
        "(papers count t = 1 - u), the loss is the squared difference between the field at a point "
        "of the path and the path's own velocity there, the mean over elements [squares of the "
        "state's unit by that of time]. Blocks in front of the ode block map the data first. "
        "Evaluation solves the equation as ever: nll is that of the flow with its log-determinant; "
        "metric matching is the loss. Role x");
    s.cite(
        "Lipman, Chen, Ben-Hamu, Nickel, Le, Flow Matching for Generative Modeling, ICLR 2023, "
        "arXiv 2210.02747");
    s.cite(
        "Tong et al., Improving and Generalizing Flow-Based Generative Models with Minibatch "
        "Optimal Transport, TMLR 2024, arXiv 2302.00482");
    s.text("path", "optimal_transport",
           "optimal_transport: straight, (1 - u) x + (s + (1 - s) u) e with s = sigma_min; "
           "variance_preserving: cos(pi u/2) x + sin(pi u/2) e")
        .choices({"optimal_transport", "variance_preserving"});
    s.number("sigma_min",
             "deviation about x at the data's end of the optimal_transport path, in the unit of "
             "the state; left out: 0")
        .optional()
        .at_least(0)
        .below(1);
    s.text(
         "coupling", "independent",
         "how the samples of the base go with the rows of a batch. optimal: within every 256 rows "
         "by the permutation with the smallest sum of squared distances, which makes the flow's "
         "own paths straighter; found on the host, some 20 ms each, in evaluation too")
        .choices({"independent", "optimal"});
    s.text("time", "uniform",
           "distribution of u. logit_normal: u = 1 / (1 + exp(-y)) with y normal, which visits the "
           "middle of the path more often (Esser et al. 2024, arXiv 2403.03206)")
        .choices({"uniform", "logit_normal"});
    s.number("location", "mean of y where time is logit_normal; left out: 0").optional();
    s.number("scale", "deviation of y where time is logit_normal; left out: 1").optional().above(0);
    s.text("density", "nats",
           "what evaluation solves for. nats, bits_per_dim: metrics nll and, of the latter, "
           "bits_per_dim, and validation minimises nll; none: metric matching alone, no solve, and "
           "the ode block needs no divergence")
        .choices({"nats", "bits_per_dim", "none"});
    return s;
  }

  explicit FlowMatching(const Config& config)
      : straight_(config.text("path") == "optimal_transport"),
        optimal_(config.text("coupling") == "optimal"),
        uniform_(config.text("time") == "uniform"),
        density_(config.text("density")) {
    if (config.has("sigma_min")) {
      if (!straight_) {
        config.fail("sigma_min", "belongs to the path optimal_transport: this one ends in x");
      }
      sigma_min_ = config.number("sigma_min");
    }
    for (const char* key : {"location", "scale"}) {
      if (uniform_ && config.has(key)) {
        config.fail(key, "belongs to `time: logit_normal`: a uniform time has none");
      }
    }
    if (config.has("location")) location_ = config.number("location");
    if (config.has("scale")) scale_ = config.number("scale");
  }

  std::vector<std::string> roles() const override { return {"x"}; }
  bool needs_log_determinant() const override { return density_ != "none"; }
  bool matches_velocity() const override { return true; }
  std::string units() const override { return "squared error of the velocity"; }

  Losses losses(Scope& scope, Model& model,
                const std::map<std::string, Tensor>& roles) const override {
    const Tensor x = roles.at("x");
    const Tensor matching = mismatch(scope, model, model.before_solve(x));
    Losses result{matching, {}};
    if (scope.mode() == Mode::evaluation && density_ != "none") {
      const Tensor nll = negative_log_likelihood(model.forward(x));
      result.metrics.emplace_back("nll", nll);
      if (density_ == "bits_per_dim") {
        const std::int64_t elements = x.shape().elements_per_row();
        result.metrics.emplace_back("bits_per_dim", nll / nats_per_bit_per_dim(elements));
      }
    }
    result.metrics.emplace_back("matching", matching);
    return result;
  }

  Tensor base_sample(Scope& scope, const Shape& shape) const override {
    return normal_base(scope, shape);
  }

 private:
  /// [rows] float64
  Tensor mismatch(Scope& scope, Model& model, Tensor x) const {
    const Tensor drawn = normal_base(scope, x.shape());
    const Tensor base = optimal_ ? optimally_coupled(x, drawn) : drawn;
    const Tensor u = times(scope);
    const PathPoint point = straight_ ? optimal_transport_path(x, base, u, sigma_min_)
                                      : variance_preserving_path(x, base, u);
    const std::array<double, 2> span = model.span();
    const double length = span[1] - span[0];
    const Tensor rate = model.velocity(span[0] + length * u, point.state);
    return mean_features(square(cast(rate - point.rate / length, DType::f64)));
  }

  /// u of each row, [rows].
  Tensor times(Scope& scope) const {
    if (uniform_) return scope.noise("time", {kRows}, Distribution::uniform);
    const Tensor y = scope.noise("time", {kRows}, Distribution::normal);
    return sigmoid(location_ + scale_ * y);
  }

  bool straight_;
  bool optimal_;
  bool uniform_;
  std::string density_;
  double sigma_min_ = 0.0;
  double location_ = 0.0;
  double scale_ = 1.0;
};

ODEUM_PLUGIN(objective, "flow_matching", FlowMatching, "1.0.0",
             "Flow matching: a flow's field fitted to velocities, without a solve")

}  // namespace
}  // namespace odeum::objectives
