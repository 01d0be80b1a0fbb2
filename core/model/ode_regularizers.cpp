// SPDX-License-Identifier: Apache-2.0
// What an ode block makes of its regularizers when it is assembled: the forms of their costs, and
// what is refused.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <stdexcept>

#include "model/ode_block.hpp"
#include "model/step_costs.hpp"
#include "plugin/registry.hpp"

namespace odeum::model {

namespace {

std::string shown(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", value);
  return text;
}

/// `wanted`, with a number from 2 on where that is taken: each cost has a place of its own in logs.
template <typename Costs>
std::string free_name(const std::string& wanted, const Costs& taken) {
  std::string name = wanted;
  const auto is_taken = [&](const auto& cost) { return cost.cost.name == name; };
  for (int i = 2; std::any_of(taken.begin(), taken.end(), is_taken); ++i) {
    name = wanted + std::to_string(i);
  }
  return name;
}

}  // namespace

void OdeBlock::read_regularizers(const plugin::Registry& registry) {
  for (const Config& component : config_.components("regularizers")) {
    WeightedCost cost;
    cost.cost.name =
        free_name(name_ + "." + (component.name().empty() ? component.use() : component.name()),
                  regularizers_);
    cost.cost.regularizer = registry.create<Regularizer>(component);
    cost.weight = component.schedule("weight");
    try {
      cost.forms = cost_forms(*training_.field, *cost.cost.regularizer, state_, precision_);
      if (cost.forms.steps) {
        rehearse_step_cost(cost.cost, training_.solver, terms(Use::training), state_, precision_,
                           training_.options);
      }
    } catch (const std::invalid_argument& error) {
      component.fail("", component.use() + " cannot be recorded: " + error.what());
    }
    read_span_jitter(component, *cost.cost.regularizer, cost.forms);
    cost.place = component.place();
    cost.about_names = cost.forms.none() && cost.cost.regularizer->span_jitter() == 0.0;
    regularizers_.push_back(std::move(cost));
  }
}

void OdeBlock::read_span_jitter(const Config& component, const Regularizer& regularizer,
                                const CostForms& forms) {
  const double jitter = regularizer.span_jitter();
  if (jitter == 0.0) return;
  const auto refuse = [&](const std::string& key, const std::string& reason) {
    component.fail(key, reason);
  };
  if (span_jitter_ != 0.0)
    refuse("", "the end of this span is drawn already: one of them is enough");
  if (learn_span_) {
    refuse("",
           "the span is learned, so its length may become shorter than what its end is drawn "
           "from: use one or the other");
  }
  if (has_times()) {
    refuse("", "draws the end of the span, and `times` say where it is: leave one of them out");
  }
  if (training_.options.steps == 0 &&
      dynamic_cast<const WienerIncrements*>(training_.field.get()) != nullptr) {
    refuse("",
           "draws the end of the span, and the field's increments are so many a span: give the "
           "solver steps instead of step");
  }
  const double length = std::abs(training_.span[1] - training_.span[0]);
  if (!(jitter < length)) {
    refuse("b", "an end drawn from end +- " + shown(jitter) + " may lie at or before the start " +
                    "of a span of length " + shown(length) + ": choose less than that");
  }
  const bool costs = forms.running || forms.terminal || forms.steps || forms.parameters;
  const Schedule weight = component.schedule("weight");
  if (!costs && (weight.warmup != 0 || weight.then != 1.0)) {
    refuse("weight", "has no effect: this regularizer draws the end of the span and adds no cost");
  }
  span_jitter_ = jitter;
}

}  // namespace odeum::model
