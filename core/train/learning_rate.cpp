// SPDX-License-Identifier: Apache-2.0
#include "train/learning_rate.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace odeum::train {
namespace {

Schema warmed(const std::string& summary) {
  Schema schema(summary);
  schema.integer("warmup", 0, "steps over which the rate first grows linearly from zero")
      .at_least(0);
  return schema;
}

}  // namespace

std::vector<std::pair<std::string, Schema>> schedule_schemas() {
  Schema warmup("The rate grows linearly from zero, then stays");
  warmup.integer("steps", "length of the growth").at_least(1);
  Schema step = warmed("The rate is multiplied by a factor every so many steps, or at given ones");
  step.integer("every", "steps between two changes; this or `at`").optional().at_least(1);
  step.integers("at", "the steps of the changes, counted from the start, warm-up included")
      .optional()
      .at_least(1);
  step.number("factor", 0.1, "what the rate is multiplied by").above(0).at_most(1);
  Schema cosine = warmed("The rate falls along half a cosine until the last step");
  cosine.cite(
      "Loshchilov, Hutter, SGDR, ICLR 2017, arXiv 1608.03983, equation 5, without restarts");
  cosine.number("final", 0.0, "the rate at the end, as a fraction of `lr`").at_least(0).at_most(1);
  return {{"constant", Schema("The rate stays as it is")},
          {"warmup", std::move(warmup)},
          {"step", std::move(step)},
          {"cosine", std::move(cosine)}};
}

LearningRate::LearningRate(const Config& optimizer, std::int64_t total_steps, double usual)
    : rate_(optimizer.has("lr") ? optimizer.number("lr") : usual), total_(total_steps) {
  const Config& schedule = optimizer.component("schedule");
  shape_ = schedule.use();
  if (shape_ == "warmup") warmup_ = schedule.integer("steps");
  if (shape_ == "step" || shape_ == "cosine") warmup_ = schedule.integer("warmup");
  if (shape_ == "step") {
    if (schedule.has("every") == schedule.has("at")) {
      schedule.fail("every", "or `at` says when the rate changes: give one of them");
    }
    if (schedule.has("every")) every_ = schedule.integer("every");
    if (schedule.has("at")) at_ = schedule.integers("at");
    multiply_ = schedule.number("factor");
  }
  if (shape_ == "cosine") final_ = schedule.number("final");
}

double LearningRate::at(std::int64_t step) const {
  return rate_ * factor(std::min(step, total_ - 1));
}

double LearningRate::factor(std::int64_t step) const {
  if (step < warmup_) return static_cast<double>(step + 1) / static_cast<double>(warmup_);
  const std::int64_t since = step - warmup_;
  if (shape_ == "step") {
    const std::int64_t changes =
        at_.empty() ? since / every_
                    : std::count_if(at_.begin(), at_.end(),
                                    [step](std::int64_t change) { return step >= change; });
    return std::pow(multiply_, static_cast<double>(changes));
  }
  if (shape_ == "cosine") {
    const double progress = static_cast<double>(since) / static_cast<double>(total_ - warmup_);
    return final_ + (1.0 - final_) * 0.5 * (1.0 + std::cos(std::numbers::pi * progress));
  }
  return 1.0;
}

}  // namespace odeum::train
