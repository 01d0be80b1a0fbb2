// SPDX-License-Identifier: Apache-2.0
#include <optional>

#include "../polynomial_output.hpp"
#include "../step_length.hpp"
#include "odeum/increments.hpp"

namespace {

using namespace odeum;

/// Carry: the companion state zhat of every member that rates depend on, then the rates at zhat of
/// all members. Quadratures are summed by the trapezoidal rule along zhat. Of a stochastic
/// equation, whose rate at one time is another one on either side of it, zhat alone is carried.
class ReversibleHeun final : public Solver, public StochasticScheme {
 public:
  static Schema schema() {
    return Schema(
               "Reversible Heun, order 2: an algebraically reversible method with one evaluation a "
               "step. Its companion state and the state leapfrog over each other; the step can be "
               "undone exactly, so gradients need no memory. Error estimate: half the difference "
               "of the rates at both ends, as of Heun's method against Euler's; adaptive, or with "
               "given steps. On y' = a y it is stable only for a h between -i and i, so solutions "
               "that decay fast make it oscillate; parabolic "
               "dense output of order 2")
        .flag("stochastic", false,
              "for the field sde: the rate at the companion state is evaluated anew at the "
              "beginning of each step, with that step's increment; two evaluations a step. "
              "Stratonovich's equation, as heun")
        .cite(
            "P. Kidger, J. Foster, X. Li, T. Lyons, Efficient and accurate gradients for neural "
            "SDEs, NeurIPS 2021, algorithms 1 and 2; the error estimate is diffrax's");
  }
  explicit ReversibleHeun(const Config& config) : stochastic_(config.flag("stochastic")) {}

  std::optional<Calculus> calculus() const override {
    return stochastic_ ? std::optional(Calculus::stratonovich) : std::nullopt;
  }

  int order() const override { return 2; }
  int error_order() const override { return 2; }
  bool reversible() const override { return true; }

  std::vector<Tensor> start(Rates& rates, Tensor t, const State& y) const override {
    return carried(rates, y, stochastic_ ? State() : rates(t, y));
  }

  StepOutputs step(Rates& rates, const StepInputs& in) const override {
    const Companion from = companion(rates, in);
    State ahead = in.y;
    std::vector<Tensor> lengths;
    for (std::size_t m = 0; m < in.y.size(); ++m) {
      lengths.push_back(solvers::step_length(rates, m, in.h, in.y[m]));
      if (rates.quadrature(m)) continue;
      ahead[m] = 2.0 * in.y[m] - from.state[m] + lengths[m] * from.rates[m];
    }
    const State f = rates(in.t + in.h, ahead);
    StepOutputs out;
    for (std::size_t m = 0; m < in.y.size(); ++m) {
      out.y.push_back(in.y[m] + 0.5 * lengths[m] * (from.rates[m] + f[m]));
      out.error.push_back(0.5 * lengths[m] * (f[m] - from.rates[m]));
      out.dense.push_back(lengths[m] * from.rates[m]);
    }
    // y1 - y0 = h (f0 + f1) / 2 lets a parabola have both rates, and its square term is the error.
    out.dense.insert(out.dense.end(), out.error.begin(), out.error.end());
    out.carry = carried(rates, ahead, f);
    return out;
  }

  State interpolate(Tensor x, const StepInputs& in, const StepOutputs& out) const override {
    return solvers::polynomial_output(x, in.y, out.dense);
  }

  StepOutputs undo(Rates& rates, const StepInputs& end) const override {
    const Companion from = companion(rates, end);
    State behind = end.y;
    std::vector<Tensor> lengths;
    for (std::size_t m = 0; m < end.y.size(); ++m) {
      lengths.push_back(solvers::step_length(rates, m, end.h, end.y[m]));
      if (rates.quadrature(m)) continue;
      behind[m] = 2.0 * end.y[m] - from.state[m] - lengths[m] * from.rates[m];
    }
    const State f = rates(end.t - end.h, behind);
    StepOutputs out;
    for (std::size_t m = 0; m < end.y.size(); ++m) {
      out.y.push_back(end.y[m] - 0.5 * lengths[m] * (from.rates[m] + f[m]));
    }
    out.carry = carried(rates, behind, f);
    return out;
  }

 private:
  struct Companion {
    State state;  ///< of quadratures, empty
    State rates;
  };
  Companion companion(Rates& rates, const StepInputs& in) const {
    Companion companion;
    auto next = in.carry.begin();
    for (std::size_t m = 0; m < in.y.size(); ++m) {
      companion.state.push_back(rates.quadrature(m) ? Tensor() : *next++);
    }
    if (stochastic_) {
      State at = in.y;
      for (std::size_t m = 0; m < in.y.size(); ++m) {
        if (companion.state[m]) at[m] = companion.state[m];
      }
      companion.rates = rates(in.t, at);
    } else {
      companion.rates.assign(next, in.carry.end());
    }
    return companion;
  }
  std::vector<Tensor> carried(const Rates& rates, const State& state, const State& f) const {
    std::vector<Tensor> carry;
    for (std::size_t m = 0; m < state.size(); ++m) {
      if (!rates.quadrature(m)) carry.push_back(state[m]);
    }
    if (!stochastic_) carry.insert(carry.end(), f.begin(), f.end());
    return carry;
  }

  bool stochastic_;
};

}  // namespace

ODEUM_PLUGIN(solver, "reversible_heun", ReversibleHeun, "1.0.0",
             "Reversible Heun, order 2, one evaluation a step")
