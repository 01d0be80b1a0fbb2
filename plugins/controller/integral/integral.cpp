// SPDX-License-Identifier: Apache-2.0
#include "odeum/controller.hpp"

namespace {

using namespace odeum;

// Stands for a ratio that is not a number: shortens the step by as much as allowed.
constexpr double kHopeless = 1e30;
constexpr double kPerfect = 1e-30;

/// The elementary controller: the next step is what would have met the tolerance, less a margin.
class Integral final : public Controller {
 public:
  static Schema schema() {
    return Schema(
               "Next step = step * clamp(safety * ratio^(-1/k)), k the order of the error "
               "estimate; "
               "an accepted step is never followed by a shorter one")
        .number("safety", 0.9, "margin on the step that would just meet the tolerance")
        .above(0)
        .at_most(1)
        .number("factor_min", 0.2, "smallest factor after a rejected step")
        .above(0)
        .below(1)
        .number("factor_max", 10.0, "largest factor")
        .at_least(1)
        .cite(
            "Hairer, Norsett, Wanner, Solving Ordinary Differential Equations I (1993), II.4, "
            "eq. 4.13; the factors are torchdiffeq's");
  }
  explicit Integral(const Config& config)
      : safety_(config.number("safety")),
        factor_min_(config.number("factor_min")),
        factor_max_(config.number("factor_max")) {}

  ControlOutputs decide(const ControlInputs& in) const override {
    const Tensor known = less(in.error_ratio, full(in.h, in.h.shape(), kHopeless));
    const Tensor ratio =
        max(select(known, in.error_ratio, full(in.h, in.h.shape(), kHopeless)), kPerfect);
    const Tensor accept = 1.0 - less(ones_like(ratio), ratio);
    const Tensor least = select(accept, ones_like(ratio), full(in.h, in.h.shape(), factor_min_));
    const Tensor factor = min(max(safety_ * pow(ratio, -1.0 / in.order), least), factor_max_);
    return {.accept = accept, .next_h = in.h * factor, .memory = {}};
  }

 private:
  double safety_, factor_min_, factor_max_;
};

}  // namespace

ODEUM_PLUGIN(controller, "integral", Integral, "1.0.0", "Elementary step-size control")
