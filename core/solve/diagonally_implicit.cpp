// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "odeum/implicit.hpp"
#include "solve/stages.hpp"

namespace odeum::inline v1 {
namespace {

using solve::Weights;

/// The stages of one step, solved one after another.
class Stages {
 public:
  Stages(Rates& rates, const StepInputs& in, const Tableau& method, const NewtonOptions& options,
         const State& before)
      : rates_(rates),
        in_(in),
        method_(method),
        options_(options),
        before_(before),
        unknown_(rates, in.y),
        step_(solve::steps_of(rates, in)),
        y0_(unknown_.join(in.y)),
        h_(matched(in.h, y0_)),
        sums_(in.y) {
    for (std::size_t i = 0; i < method.stages(); ++i) take(i);
  }

  const std::vector<State>& rates() const { return k_; }
  const State& steps() const { return step_; }
  Tensor convergence() const { return convergence_; }

  /// y1. The last stage of a stiffly accurate method is y1 itself.
  State end() const {
    const Weights b = solve::values(method_.b);
    State y1 = sums_;
    for (std::size_t m = 0; m < y1.size(); ++m) {
      if (y1[m].shape().has_rows()) {
        y1[m] = in_.y[m] + step_[m] * solve::weighted(k_, b, m);
      }
    }
    return method_.stiffly_accurate() ? unknown_.put(at_, y1) : y1;
  }

  /// Solved members' entries multiplied by (I - h gamma J)^-1 of the last stage.
  State filtered(const State& error) const {
    return unknown_.put(solve_rows(matrix_, unknown_.join(error)), error);
  }

 private:
  void take(std::size_t i) {
    const Weights row = solve::values(method_.a[i]);
    const double c = method_.c[i].value();
    const Tensor t = c == 0.0 ? in_.t : in_.t + in_.h * c;
    const Weights earlier(row.begin(), row.begin() + static_cast<std::ptrdiff_t>(i));
    const Tensor base = i == 0 ? y0_ : y0_ + h_ * solve::weighted(solved_, earlier);
    if (row.size() > i && row[i] != 0.0) {
      solve_stage(t, c, base, row[i]);
    } else if (i == 0) {
      at_ = y0_;
      k_.push_back(before_);
    } else {
      at_ = base;
      k_.push_back(rates_(t, unknown_.put(base, in_.y)));
    }
    solved_.push_back(unknown_.join(k_.back()));
    nodes_.push_back(c);
    add_up(method_.b[i].value());
  }

  /// k = f(t, base + h a k).
  void solve_stage(Tensor t, double c, Tensor base, double a) {
    const auto state = [&](Tensor k) { return unknown_.put(base + (h_ * a) * k, in_.y); };
    const auto residual = [&](Tensor k) { return k - unknown_.join(rates_(t, state(k))); };
    const Root found = root(residual, prediction(c), options_);
    matrix_ = found.matrix;
    at_ = base + (h_ * a) * found.z;
    const State reached = state(found.z);
    const Tensor distance =
        unknown_.convergence(rates_, (h_ * a) * found.update, in_.y, reached, options_.share);
    convergence_ = convergence_ ? max(convergence_, distance) : distance;
    const bool quadratures = unknown_.members().size() < in_.y.size();
    k_.push_back(unknown_.put(found.z, quadratures ? rates_(t, reached) : in_.y));
  }

  /// Linear through the rates at the step's beginning and at the nearest other node.
  Tensor prediction(double c) const {
    const Tensor first = unknown_.join(before_);
    std::size_t nearest = nodes_.size();
    for (std::size_t j = 0; j < nodes_.size(); ++j) {
      if (nodes_[j] == 0.0) continue;
      if (nearest == nodes_.size() || std::abs(nodes_[j] - c) < std::abs(nodes_[nearest] - c)) {
        nearest = j;
      }
    }
    if (nearest == nodes_.size()) return first;
    const double share = c / nodes_[nearest];
    return (1.0 - share) * first + share * solved_[nearest];
  }

  /// Members without rows (parameter gradients) are summed up as the stages come, so that a device
  /// need not keep their stage rates.
  void add_up(double weight) {
    if (weight == 0.0) return;
    for (std::size_t m = 0; m < sums_.size(); ++m) {
      if (sums_[m].shape().has_rows()) continue;
      sums_[m] = sums_[m] + (step_[m] * weight) * k_.back()[m];
    }
  }

  Rates& rates_;
  const StepInputs& in_;
  const Tableau& method_;
  const NewtonOptions& options_;
  const State& before_;
  Unknown unknown_;
  State step_;
  Tensor y0_;
  Tensor h_;
  State sums_;
  std::vector<State> k_;        ///< stage rates, all members
  std::vector<Tensor> solved_;  ///< the same, joined
  std::vector<double> nodes_;
  Tensor at_;  ///< the last stage's state, joined
  Tensor matrix_;
  Tensor convergence_;
};

}  // namespace

std::string DiagonallyImplicit::refusal(const Dynamics& dynamics) const {
  return newton_refusal(dynamics, options_);
}

int DiagonallyImplicit::error_order() const { return solve::error_order(tableau()); }

std::vector<Tensor> DiagonallyImplicit::start(Rates& rates, Tensor t, const State& y) const {
  return tableau().stiffly_accurate() ? rates(t, y) : std::vector<Tensor>{};
}

StepOutputs DiagonallyImplicit::step(Rates& rates, const StepInputs& in) const {
  return step_from(rates, in, tableau().stiffly_accurate() ? in.carry : rates(in.t, in.y)).out;
}

DiagonallyImplicit::Taken DiagonallyImplicit::step_from(Rates& rates, const StepInputs& in,
                                                        const State& before) const {
  const Tableau& method = tableau();
  const Stages stages(rates, in, method, options_, before);
  Taken taken{{}, stages.rates()};
  StepOutputs& out = taken.out;
  out.y = stages.end();
  if (method.stiffly_accurate()) out.carry = taken.rates.back();
  out.convergence = stages.convergence();
  if (!method.b_embedded.empty()) {
    out.error = solve::error_of_companion(method, stages.steps(), taken.rates);
    if (filters_error()) out.error = stages.filtered(out.error);
  }
  out.dense = solve::dense_output(method, stages.steps(), before, taken.rates, in.y, out.y);
  return taken;
}

State DiagonallyImplicit::interpolate(Tensor x, const StepInputs& in,
                                      const StepOutputs& out) const {
  return solve::polynomial_at(x, in.y, out.dense);
}

}  // namespace odeum::inline v1
