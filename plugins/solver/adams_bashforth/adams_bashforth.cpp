// SPDX-License-Identifier: Apache-2.0
#include "../polynomial_output.hpp"
#include "../rate_history.hpp"
#include "../step_length.hpp"

namespace {

using namespace odeum;

// The starting derivatives grow fast with the order; the region of stability shrinks with it.
constexpr int kMostPoints = 8;

class AdamsBashforth final : public Solver {
 public:
  static Schema schema() {
    return Schema(
               "Adams-Bashforth methods: explicit, one evaluation a step, which integrate the "
               "polynomial through the rates at the last ends of steps. Variable coefficients, so "
               "steps may change freely; adaptive, or with given steps. Starts from the rates' own "
               "derivatives along the solution instead of by another method; dense output of the "
               "method's order")
        .integer("order", 4, "order of the method, the number of past rates it goes through")
        .at_least(1)
        .at_most(kMostPoints)
        .cite(
            "F. Bashforth, J. C. Adams, An attempt to test the theories of capillary action "
            "(1883)")
        .cite(
            "Hairer, Norsett, Wanner, Solving Ordinary Differential Equations I (1993), III.1 "
            "(formulas), III.5 (variable steps), III.6 (Nordsieck's form)");
  }

  explicit AdamsBashforth(const Config& config)
      : order_(static_cast<int>(config.integer("order"))) {}

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
    StepOutputs out;
    for (const State& power : history.increments(rates, in.y)) {
      out.dense.insert(out.dense.end(), power.begin(), power.end());
    }
    out.y = solvers::polynomial_output(full(in.h, {1}, 1.0), in.y, out.dense);
    const State f = rates(in.t + in.h, out.y);
    out.carry = solvers::next_history(history, f);

    // The next term of the interpolation, f - q(t + h) times a polynomial that is zero at the ends.
    const State foreseen = history.foreseen();
    const Tensor missed = solvers::integral(history.zero_at_ends(history.terms.size()), -1.0, 0.0);
    for (std::size_t m = 0; m < in.y.size(); ++m) {
      const Tensor length = solvers::step_length(rates, m, in.h, in.y[m]);
      out.error.push_back(length * (matched(missed, in.y[m]) * (f[m] - foreseen[m])));
    }
    return out;
  }

  State interpolate(Tensor x, const StepInputs& in, const StepOutputs& out) const override {
    return solvers::polynomial_output(x, in.y, out.dense);
  }

 private:
  int order_;
};

}  // namespace

ODEUM_PLUGIN(solver, "adams_bashforth", AdamsBashforth, "1.0.0",
             "Adams-Bashforth, explicit multistep, order 1 to 8")
