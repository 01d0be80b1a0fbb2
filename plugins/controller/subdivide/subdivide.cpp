// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "odeum/controller.hpp"

namespace {

using namespace odeum;

// Stands for a ratio that is not a number.
constexpr double kHopeless = 1e30;
constexpr double kPerfect = 1e-30;

/// Memory: how many of the equal steps are still to be taken, and the step that was divided.
class Subdivide final : public Controller {
 public:
  static Schema schema() {
    return Schema(
               "A step within the tolerance is accepted; another is done again as n = "
               "ceil(1 / (safety * ratio^(-1/k))) equal steps, which are accepted whatever their "
               "error, k the order of the error estimate's law. Behind an accepted step the next "
               "is as long as its error allows. Meant for short intervals that one step may do: "
               "give the solver the interval's length as `first_step`, and `step_size: per_sample` "
               "for a division of each sample's own. The error is no longer under control behind a "
               "division: choose integral, pi or pid where it must be")
        .number("safety", 0.9, "margin on the step that would just meet the tolerance")
        .above(0)
        .at_most(1)
        .integer("most", 10, "largest n: then the error may stay above the tolerance")
        .at_least(2)
        .at_most(1000000)
        .number("factor_max", 10.0, "largest factor from an accepted step to the next")
        .at_least(1)
        .text("criterion", "step",
              "what is held to the tolerance: the error of a step, or, of a unit_step, it over the "
              "step's length [1/s], with k less by one")
        .choices({"step", "unit_step"})
        .cite(
            "Allauzen, Petrilli Maffei Dardis, Plath, Experimental study of neural ODE training "
            "with adaptive solver for dynamical systems modeling, arXiv 2211.06972 (2022), "
            "algorithm 1, by unit_step; its norm is a sum of absolute values");
  }
  explicit Subdivide(const Config& config)
      : safety_(config.number("safety")),
        most_(static_cast<double>(config.integer("most"))),
        factor_max_(config.number("factor_max")),
        by_unit_(config.text("criterion") == "unit_step") {}

  std::vector<double> initial_memory() const override { return {0.0, 0.0}; }

  ControlOutputs decide(const ControlInputs& in) const override {
    const auto number = [&](double value) { return full(in.h, in.h.shape(), value); };
    const Tensor one = ones_like(in.h);
    const Tensor known = less(in.error_ratio, number(kHopeless));
    Tensor ratio = max(select(known, in.error_ratio, number(kHopeless)), kPerfect);
    if (by_unit_) ratio = ratio / abs(in.h);
    const double k = by_unit_ ? std::max(1, in.order - 1) : in.order;
    const Tensor fits = safety_ * pow(ratio, -1.0 / k);  // in units of h

    const Tensor divided = less(number(0.5), in.memory[0]);
    const Tensor within = 1.0 - less(one, ratio);
    const Tensor accept = select(divided, one, within) * known;
    const Tensor n = min(max(-floor(-(one / fits)), 2.0), most_);

    const Tensor left = max(in.memory[0] - 1.0, 0.0);
    const Tensor more = less(number(0.5), left);
    const Tensor behind_division = select(more, in.h, in.memory[1]);
    const Tensor behind_step = in.h * min(max(fits, 1.0), factor_max_);
    const Tensor onwards = select(divided, behind_division, behind_step);
    return {.accept = accept,
            .next_h = select(accept, onwards, in.h / n),
            .memory = {select(accept, left, n), select(accept, in.memory[1], in.h)}};
  }

 private:
  double safety_, most_, factor_max_;
  bool by_unit_;
};

}  // namespace

ODEUM_PLUGIN(controller, "subdivide", Subdivide, "1.0.0", "Accept, or redo in equal steps")
