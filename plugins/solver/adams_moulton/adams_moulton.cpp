// SPDX-License-Identifier: Apache-2.0
#include "../polynomial_output.hpp"
#include "../rate_history.hpp"
#include "../step_length.hpp"

namespace {

using namespace odeum;

// The starting derivatives grow fast with the order; the region of stability shrinks with it.
constexpr int kMostPoints = 8;

class AdamsMoulton final : public Solver {
 public:
  static Schema schema() {
    return Schema(
               "Adams-Moulton methods as predictor and corrector (PECE): Adams-Bashforth of the "
               "same order predicts, the rate there corrects once, and the rate at the corrected "
               "state is remembered: two evaluations a step. Milne's error estimate; variable "
               "coefficients, so steps may change freely; adaptive, or with given steps. Starts "
               "from the rates' own derivatives along the solution; dense output of the method's "
               "order")
        .integer("order", 4, "order of the method")
        .at_least(1)
        .at_most(kMostPoints)
        .cite("F. R. Moulton, New methods in exterior ballistics (1926)")
        .cite(
            "W. E. Milne, Numerical integration of ordinary differential equations, Amer. Math. "
            "Monthly 33 (1926) 455-460: the error estimate")
        .cite(
            "Hairer, Norsett, Wanner, Solving Ordinary Differential Equations I (1993), III.1 "
            "(formulas), III.5 (variable steps), III.6 (Nordsieck's form)");
  }

  explicit AdamsMoulton(const Config& config) : order_(static_cast<int>(config.integer("order"))) {}

  int order() const override { return order_; }
  int error_order() const override { return order_ + 1; }
  std::string refusal(const Dynamics& dynamics) const override {
    return solvers::history_refusal(dynamics);
  }

  std::vector<Tensor> start(Rates& rates, Tensor t, const State& y) const override {
    return solvers::start_history(rates, t, y, static_cast<std::size_t>(order_));
  }

  StepOutputs step(Rates& rates, const StepInputs& in) const override {
    const solvers::RateHistory history = solvers::read_history(in.carry, in.h, in.y.size());
    const std::size_t points = history.terms.size();
    std::vector<Tensor> predicted;
    for (const State& power : history.increments(rates, in.y)) {
      predicted.insert(predicted.end(), power.begin(), power.end());
    }
    const State guess = solvers::polynomial_output(full(in.h, {1}, 1.0), in.y, predicted);
    const State f = rates(in.t + in.h, guess);
    const State foreseen = history.foreseen();

    // The corrector's polynomial goes through f and the last points - 1 rates; what it misses has
    // one more zero, at t + h, where s = 0.
    const solvers::Polynomial shape = history.zero_at_ends(points - 1);
    const Tensor corrected = solvers::integral(shape, -1.0, 0.0);
    solvers::Polynomial next{zeros_like(in.h)};
    next.insert(next.end(), shape.begin(), shape.end());
    const Tensor missed = history.nearness.back() * solvers::integral(next, -1.0, 0.0);
    StepOutputs out;
    std::vector<Tensor> surprises;
    for (std::size_t m = 0; m < in.y.size(); ++m) {
      const Tensor length = solvers::step_length(rates, m, in.h, in.y[m]);
      surprises.push_back(length * (f[m] - foreseen[m]));
      out.y.push_back(guess[m] + matched(corrected, in.y[m]) * surprises[m]);
      out.error.push_back(matched(missed, in.y[m]) * surprises[m]);
    }
    out.dense = solvers::corrected_increments(predicted, shape, surprises);
    out.carry = solvers::next_history(history, rates(in.t + in.h, out.y));
    return out;
  }

  State interpolate(Tensor x, const StepInputs& in, const StepOutputs& out) const override {
    return solvers::polynomial_output(x, in.y, out.dense);
  }

 private:
  int order_;
};

}  // namespace

ODEUM_PLUGIN(solver, "adams_moulton", AdamsMoulton, "1.0.0",
             "Adams-Moulton predictor-corrector, order 1 to 8")
