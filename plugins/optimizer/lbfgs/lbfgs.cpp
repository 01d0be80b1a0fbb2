// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "history.hpp"
#include "odeum/optimizer.hpp"
#include "odeum/plugin.hpp"
#include "wolfe.hpp"

namespace odeum::optimizers {
namespace {

class Lbfgs final : public LineSearchOptimizer {
 public:
  static Schema schema() {
    Schema s(
        "L-BFGS with a line search for the strong Wolfe conditions: for a loss without noise, so "
        "with all training rows in one batch. A training step is up to so many iterations on its "
        "batch. `lr` is the first step that a line search tries, in units of the quasi-Newton step "
        "(before there is a history: of the gradient, divided by its absolute sum where that is "
        "above 1)");
    s.cite(
        "Nocedal, Wright, Numerical Optimization, 2nd edition (2006), algorithms 3.5, 3.6, 7.4 and "
        "7.5");
    s.cite(
        "Liu, Nocedal, On the limited memory BFGS method for large scale optimization, Math. "
        "Programming 45 (1989) 503-528");
    s.integer("history", 10, "last moves that the inverse Hessian is made of")
        .at_least(1)
        .at_most(1000);
    s.integer("iterations", 20, "moves of a training step, at most").at_least(1);
    s.integer("max_evaluations", 25,
              "losses with gradient that a training step looks at, the one that it begins with "
              "included, at most")
        .at_least(2);
    s.integer("max_trials", 25, "points that one line search looks at, at most").at_least(1);
    s.number("gradient_tolerance", 1e-8,
             "training ends where no component of the gradient is larger [loss per unit of a "
             "parameter]; 0: never for that")
        .at_least(0);
    s.number("change_tolerance", 1e-12,
             "training ends where a move lowers the loss by no more than this share of it; 0: "
             "never for that")
        .at_least(0);
    s.number("decrease", 1e-4, "c1 of the Wolfe conditions: share of the slope that must be had")
        .above(0)
        .below(0.5);
    s.number("curvature", 0.9, "c2: how much of the slope may be left; above `decrease`")
        .above(0)
        .below(1);
    return s;
  }

  explicit Lbfgs(const Config& config)
      : history_(static_cast<std::size_t>(config.integer("history"))),
        iterations_(config.integer("iterations")),
        max_evaluations_(config.integer("max_evaluations")),
        max_trials_(config.integer("max_trials")),
        gradient_tolerance_(config.number("gradient_tolerance")),
        change_tolerance_(config.number("change_tolerance")),
        conditions_{config.number("decrease"), config.number("curvature")} {
    if (conditions_.curvature <= conditions_.decrease) {
      config.fail("curvature",
                  "must be above `decrease`, or there may be no point that meets both conditions");
    }
  }

  std::vector<std::string> slots() const override { return History::slots(history_); }

  SearchReport search(const SearchInputs& in, LossFunction& loss) const override {
    History history(in.slots);
    Trial at{0.0,
             in.loss,
             0.0,
             {in.parameters.begin(), in.parameters.end()},
             {in.gradient.begin(), in.gradient.end()}};
    SearchReport report;
    std::int64_t left = max_evaluations_ - 1;
    while (report.iterations < iterations_ && left > 0) {
      if (largest(at.gradient) <= gradient_tolerance_) {
        report.finished = "no component of the gradient is above gradient_tolerance";
        break;
      }
      const Vector direction = descent(history, at);
      const std::int64_t trials = std::min(max_trials_, left);
      const Found found = search_line(loss, at, direction, first_step(in, history, at.gradient),
                                      conditions_, trials);
      left -= found.evaluations;
      if (found.end == SearchEnd::nothing) {
        if (left == 0) break;
        if (history.empty()) {
          report.finished = "along the gradient there is no lower loss";
          break;
        }
        history.clear();  // it may mislead; the gradient does not
        continue;
      }
      ++report.iterations;
      if (move(history, at, found.trial)) {
        report.finished = "a move lowers the loss by no more than change_tolerance";
        break;
      }
    }
    history.store(in.slots);
    std::copy(at.parameters.begin(), at.parameters.end(), in.parameters.begin());
    return report;
  }

 private:
  /// The quasi-Newton direction, with its slope noted in `at`; where rounding has spoiled it,
  /// steepest descent.
  static Vector descent(History& history, Trial& at) {
    Vector direction = history.direction(at.gradient);
    at.slope = dot(direction, at.gradient);
    if (!(at.slope < 0.0) && !history.empty()) {
      history.clear();
      direction = history.direction(at.gradient);
      at.slope = dot(direction, at.gradient);
    }
    return direction;
  }

  static double first_step(const SearchInputs& in, const History& history, const Vector& gradient) {
    const double scale = history.empty() ? std::min(1.0, 1.0 / absolute_sum(gradient)) : 1.0;
    return in.learning_rate * scale;
  }

  /// Whether the loss hardly changed.
  bool move(History& history, Trial& at, const Trial& to) const {
    history.add(along(to.parameters, -1.0, at.parameters), along(to.gradient, -1.0, at.gradient));
    const double change = at.loss - to.loss;
    const double size = std::max(std::abs(at.loss), std::abs(to.loss));
    at = to;
    at.step = 0.0;
    return change_tolerance_ > 0.0 && change <= change_tolerance_ * size;
  }

  std::size_t history_;
  std::int64_t iterations_;
  std::int64_t max_evaluations_;
  std::int64_t max_trials_;
  double gradient_tolerance_;
  double change_tolerance_;
  WolfeConditions conditions_;
};

ODEUM_PLUGIN(optimizer, "lbfgs", Lbfgs, "1.0.0", "L-BFGS with a strong Wolfe line search")

}  // namespace
}  // namespace odeum::optimizers
