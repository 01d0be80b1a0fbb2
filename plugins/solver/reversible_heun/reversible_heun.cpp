// SPDX-License-Identifier: Apache-2.0
#include "../polynomial_output.hpp"
#include "../step_length.hpp"

namespace {

using namespace odeum;

/// Carry: the companion state zhat of every member that rates depend on, then the rates at zhat of
/// all members. Quadratures are summed by the trapezoidal rule along zhat.
class ReversibleHeun final : public Solver {
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
        .cite(
            "P. Kidger, J. Foster, X. Li, T. Lyons, Efficient and accurate gradients for neural "
            "SDEs, NeurIPS 2021, algorithms 1 and 2; the error estimate is diffrax's");
  }
  explicit ReversibleHeun(const Config&) {}

  int order() const override { return 2; }
  int error_order() const override { return 2; }
  bool reversible() const override { return true; }

  std::vector<Tensor> start(Rates& rates, Tensor t, const State& y) const override {
    return carried(rates, y, rates(t, y));
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
  static Companion companion(const Rates& rates, const StepInputs& in) {
    Companion companion;
    auto next = in.carry.begin();
    for (std::size_t m = 0; m < in.y.size(); ++m) {
      companion.state.push_back(rates.quadrature(m) ? Tensor() : *next++);
    }
    companion.rates.assign(next, in.carry.end());
    return companion;
  }
  static std::vector<Tensor> carried(const Rates& rates, const State& state, const State& f) {
    std::vector<Tensor> carry;
    for (std::size_t m = 0; m < state.size(); ++m) {
      if (!rates.quadrature(m)) carry.push_back(state[m]);
    }
    carry.insert(carry.end(), f.begin(), f.end());
    return carry;
  }
};

}  // namespace

ODEUM_PLUGIN(solver, "reversible_heun", ReversibleHeun, "1.0.0",
             "Reversible Heun, order 2, one evaluation a step")
