// SPDX-License-Identifier: Apache-2.0
// Additive Runge-Kutta methods: Kennedy, Carpenter, Appl. Numer. Math. 44 (2003) 139-181.
#include <cmath>

#include "odeum/implicit.hpp"
#include "odeum/solve.hpp"
#include "solve/stages.hpp"

namespace odeum::inline v1 {
namespace {

using solve::Weights;

/// The stages of one step: k = rest + stiff, the stiff one solved for.
class AdditiveStages {
 public:
  AdditiveStages(Rates& rates, const StepInputs& in, const Tableau& by_explicit,
                 const Tableau& by_implicit, const NewtonOptions& options)
      : rates_(rates),
        in_(in),
        options_(options),
        unknown_(rates, in.y),
        y0_(unknown_.join(in.y)),
        h_(matched(in.h, y0_)) {
    for (std::size_t i = 0; i < by_implicit.stages(); ++i) {
      const double c = by_implicit.c[i].value();
      const Tensor t = c == 0.0 ? in.t : in.t + in.h * c;
      const Weights row = solve::values(by_implicit.a[i]);
      const double diagonal = row.size() > i ? row[i] : 0.0;
      if (i == 0) {
        add(rates_.parts(t, in.y), {}, c);
        continue;
      }
      const Weights earlier(row.begin(), row.begin() + static_cast<std::ptrdiff_t>(i));
      const Tensor base = y0_ + h_ * (solve::weighted(rest_, solve::values(by_explicit.a[i])) +
                                      solve::weighted(stiff_, earlier));
      solve_stage(t, c, base, diagonal);
    }
  }

  const std::vector<State>& rates() const { return k_; }
  Tensor convergence() const { return convergence_; }

 private:
  Tensor stiff_of(const Rates::Parts& parts) const {
    State stiff = parts.stiff;
    for (std::size_t m = 0; m < stiff.size(); ++m) {
      if (!stiff[m]) stiff[m] = zeros_like(in_.y[m]);
    }
    return unknown_.join(stiff);
  }

  void solve_stage(Tensor t, double c, Tensor base, double a) {
    const auto state = [&](Tensor k) { return unknown_.put(base + (h_ * a) * k, in_.y); };
    const auto residual = [&](Tensor k) { return k - stiff_of(rates_.parts(t, state(k))); };
    const Root found = root(residual, prediction(c), options_);
    const State reached = state(found.z);
    const Tensor distance =
        unknown_.convergence(rates_, (h_ * a) * found.update, in_.y, reached, options_.share);
    convergence_ = convergence_ ? max(convergence_, distance) : distance;
    add(rates_.parts(t, reached), found.z, c);
  }

  /// Takes up a stage; of a solved one the stiff rate that solves its equation.
  void add(const Rates::Parts& parts, Tensor stiff, double c) {
    rest_.push_back(unknown_.join(parts.rest));
    stiff_.push_back(stiff ? stiff : stiff_of(parts));
    k_.push_back(unknown_.put(rest_.back() + stiff_.back(), parts.rest));
    nodes_.push_back(c);
  }

  /// Linear through the stiff rates of the first stage and of the one with the nearest node.
  Tensor prediction(double c) const {
    std::size_t nearest = 0;
    for (std::size_t j = 1; j < nodes_.size(); ++j) {
      if (nearest == 0 || std::abs(nodes_[j] - c) < std::abs(nodes_[nearest] - c)) nearest = j;
    }
    if (nearest == 0) return stiff_.front();
    const double share = c / nodes_[nearest];
    return (1.0 - share) * stiff_.front() + share * stiff_[nearest];
  }

  Rates& rates_;
  const StepInputs& in_;
  const NewtonOptions& options_;
  Unknown unknown_;
  Tensor y0_;
  Tensor h_;
  std::vector<Tensor> rest_, stiff_;  ///< joined, by stage
  std::vector<State> k_;              ///< their sums, all members
  std::vector<double> nodes_;
  Tensor convergence_;
};

}  // namespace

std::string ImplicitExplicit::refusal(const Dynamics& dynamics) const {
  if (!dynamics.parts) {
    return "treats a stiff part of the field implicitly and the rest explicitly, and this field "
           "does not say which part is stiff: use an implicit method such as kvaerno5 or radau5";
  }
  return newton_refusal(dynamics, options_);
}

int ImplicitExplicit::error_order() const { return solve::error_order(implicit_tableau()); }

StepOutputs ImplicitExplicit::step(Rates& rates, const StepInputs& in) const {
  const Tableau& method = implicit_tableau();
  const AdditiveStages stages(rates, in, explicit_tableau(), method, options_);
  const State step = solve::steps_of(rates, in);
  const Weights b = solve::values(method.b);
  StepOutputs out;
  for (std::size_t m = 0; m < in.y.size(); ++m) {
    out.y.push_back(in.y[m] + step[m] * solve::weighted(stages.rates(), b, m));
  }
  out.convergence = stages.convergence();
  out.error = solve::error_of_companion(method, step, stages.rates());
  out.dense = solve::dense_output(method, step, {}, stages.rates(), in.y, out.y);
  return out;
}

State ImplicitExplicit::interpolate(Tensor x, const StepInputs& in, const StepOutputs& out) const {
  return solve::polynomial_at(x, in.y, out.dense);
}

}  // namespace odeum::inline v1
