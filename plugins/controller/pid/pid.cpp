// SPDX-License-Identifier: Apache-2.0
#include "odeum/controller.hpp"

namespace {

using namespace odeum;

// Bounds on the error ratios that enter the product: beyond them only the clamp matters.
constexpr double kLargestRatio = 1e30;
constexpr double kSmallestRatio = 1e-10;

/// Proportional-integral-derivative control on the errors of the last three accepted steps.
class Pid final : public Controller {
 public:
  static Schema schema() {
    return Schema(
               "Next step = step * clamp(safety * e0^-(p+i+d)/k * e1^(p+2d)/k * e2^-d/k), e0, e1, "
               "e2 the error ratios of this and the last two accepted steps, k the order of the "
               "error "
               "estimate; an accepted step is never followed by a shorter one")
        .number("pcoeff", 0.4, "p: proportional coefficient")
        .number("icoeff", 0.3, "i: integral coefficient")
        .number("dcoeff", 0.0, "d: derivative coefficient")
        .number("safety", 0.9, "margin on the step that would just meet the tolerance")
        .above(0)
        .at_most(1)
        .number("factor_min", 0.2, "smallest factor after a rejected step")
        .above(0)
        .below(1)
        .renamed("factormin")
        .number("factor_max", 10.0, "largest factor")
        .at_least(1)
        .renamed("factormax")
        .cite(
            "G. Soederlind, Automatic control and adaptive time-stepping, Numer. Algorithms 31 "
            "(2002) 281-310: the defaults are its PI.3.4")
        .cite(
            "G. Soederlind, Digital filters in adaptive time-stepping, ACM Trans. Math. Softw. 29 "
            "(2003) 1-26; the form is diffrax's PIDController");
  }
  explicit Pid(const Config& config)
      : p_(config.number("pcoeff")),
        i_(config.number("icoeff")),
        d_(config.number("dcoeff")),
        safety_(config.number("safety")),
        factor_min_(config.number("factor_min")),
        factor_max_(config.number("factor_max")) {}

  std::vector<double> initial_memory() const override { return {1.0, 1.0}; }

  ControlOutputs decide(const ControlInputs& in) const override {
    const Tensor most = full(in.h, in.h.shape(), kLargestRatio);
    const Tensor known = less(in.error_ratio, most);
    const Tensor e0 = max(select(known, in.error_ratio, most), kSmallestRatio);
    const Tensor e1 = in.memory[0];
    const Tensor e2 = in.memory[1];
    const Tensor accept = 1.0 - less(ones_like(e0), e0);
    const double k = in.order;
    const Tensor raw =
        safety_ * pow(e0, -(p_ + i_ + d_) / k) * pow(e1, (p_ + 2.0 * d_) / k) * pow(e2, -d_ / k);
    const Tensor least = select(accept, ones_like(e0), full(in.h, in.h.shape(), factor_min_));
    // A repetition is never longer, whatever the history says.
    const Tensor most_now =
        select(accept, full(in.h, in.h.shape(), factor_max_), full(in.h, in.h.shape(), safety_));
    const Tensor factor = min(max(raw, least), most_now);
    return {.accept = accept,
            .next_h = in.h * factor,
            .memory = {select(accept, e0, e1), select(accept, e1, e2)}};
  }

 private:
  double p_, i_, d_, safety_, factor_min_, factor_max_;
};

}  // namespace

ODEUM_PLUGIN(controller, "pid", Pid, "1.0.0", "PID step-size control")
