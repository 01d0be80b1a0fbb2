// SPDX-License-Identifier: Apache-2.0
#include "odeum/controller.hpp"

namespace {

using namespace odeum;

// Stands for a ratio that is not a number: shortens the step by as much as allowed.
constexpr double kHopeless = 1e30;
constexpr double kPerfect = 1e-30;
// What DOPRI5 begins with as the last ratio, and the least that it remembers.
constexpr double kLeastRemembered = 1e-4;

/// The stabilised controller of Hairer's DOPRI5. Memory: the last accepted step's error ratio, and
/// 1 where the last attempt was rejected.
class Pi final : public Controller {
 public:
  static Schema schema() {
    return Schema(
               "Next step = step * clamp(safety * e0^-a * e1^b), b = beta/k, a = 1/k - 3/4 b, e0 "
               "and e1 the error ratios of this and the last accepted step, k the order of the "
               "error estimate; a rejected step is repeated by e0^-a alone, and the step after it "
               "does not grow: Hairer's PI control, for steps that are limited by stability")
        .number("beta", 0.4,
                "share of the last step's error: 0 is elementary control, 0.2 what DOPRI5 has, "
                "0.4 Gustafsson's choice (a = 0.7/k)")
        .at_least(0)
        .below(1)
        .number("safety", 0.9, "margin on the step that would just meet the tolerance")
        .above(0)
        .at_most(1)
        .number("factor_min", 0.2, "smallest factor")
        .above(0)
        .below(1)
        .number("factor_max", 10.0, "largest factor")
        .at_least(1)
        .cite(
            "Hairer, Wanner, Solving Ordinary Differential Equations II (1996), IV.2, eq. 2.43c; "
            "the rules around it are DOPRI5's")
        .cite(
            "K. Gustafsson, Control theoretic techniques for stepsize selection in explicit "
            "Runge-Kutta methods, ACM Trans. Math. Softw. 17 (1991) 533-554");
  }
  explicit Pi(const Config& config)
      : beta_(config.number("beta")),
        safety_(config.number("safety")),
        factor_min_(config.number("factor_min")),
        factor_max_(config.number("factor_max")) {}

  std::vector<double> initial_memory() const override { return {kLeastRemembered, 0.0}; }

  ControlOutputs decide(const ControlInputs& in) const override {
    const auto number = [&](double value) { return full(in.h, in.h.shape(), value); };
    const Tensor known = less(in.error_ratio, number(kHopeless));
    const Tensor ratio = max(select(known, in.error_ratio, number(kHopeless)), kPerfect);
    const Tensor accept = 1.0 - less(ones_like(ratio), ratio);

    const double b = beta_ / in.order;
    const Tensor alone = safety_ * pow(ratio, -(1.0 / in.order - 0.75 * b));
    const Tensor most = select(in.memory[1], number(1.0), number(factor_max_));
    const Tensor onwards = min(max(alone * pow(in.memory[0], b), factor_min_), most);
    const Tensor again = min(max(alone, factor_min_), 1.0);
    return {.accept = accept,
            .next_h = in.h * select(accept, onwards, again),
            .memory = {select(accept, max(ratio, kLeastRemembered), in.memory[0]), 1.0 - accept}};
  }

 private:
  double beta_, safety_, factor_min_, factor_max_;
};

}  // namespace

ODEUM_PLUGIN(controller, "pi", Pi, "1.0.0", "PI step-size control, as in DOPRI5")
