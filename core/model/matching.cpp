// SPDX-License-Identifier: Apache-2.0
// The equation without its solve: the rate of an ode block for objectives that match it to a given
// one, and what such a model cannot have.
#include <algorithm>

#include "model/chain.hpp"
#include "model/ode_block.hpp"
#include "odeum/solve.hpp"
#include "odeum/tensor.hpp"

namespace odeum::model {

namespace {

constexpr const char* kNoSolve = "the objective trains by the field's rate, without a solve";

Tensor fixed_span(Recorder& recorder, const std::array<double, 2>& span) {
  const Tensor anchor = recorder.anchor();
  return concat({full(anchor, Shape{1}, span[0]), full(anchor, Shape{1}, span[1])});
}

}  // namespace

OdeBlock::Output OdeBlock::velocity(Recorder& recorder, Tensor t, Tensor z, Use use) const {
  NamedScope scope = field_scope(recorder, use, fixed_span(recorder, setting(use).span));
  const Tensor time = reshape(cast(t, precision_), Shape{kRows, 1});
  Output output{(*setting(use).field)(scope, time, z), {}, {}};
  if (!(output.value.shape() == z.shape())) {
    throw ConfigError(config_.component("field").place(),
                      "the field returns a rate of shape " + output.value.shape().text() +
                          " for a state of shape " + z.shape().text());
  }
  if (use == Use::evaluation) return output;
  for (const WeightedCost& cost : regularizers_) add_parameter_cost(recorder, cost, output.costs);
  return output;
}

void OdeBlock::require_matching() const {
  // A resolved file names the default, so that one passes.
  if (const std::string method = config_.component("gradient").use(); method != "backprop") {
    config_.fail("gradient", method + " has no effect: " + kNoSolve +
                                 ", so there is none to differentiate; leave it out");
  }
  if (learn_span_) {
    config_.fail("learn_span", std::string("cannot be learned: ") + kNoSolve +
                                   ", and the rate that it is given is per unit of a fixed span");
  }
  if (training_.span != evaluation_.span) {
    config_.for_evaluation().fail(
        "span", "the field is matched on the span of training and means nothing on another one");
  }
  if (has_times()) {
    config_.fail("times",
                 "several states of a solution have no place here: what is matched leads "
                 "from the data at the span's start to the base at its end");
  }
  for (const WeightedCost& cost : regularizers_) {
    const bool of_the_path = cost.forms.running || cost.forms.terminal || cost.forms.steps;
    if (!of_the_path && span_jitter_ == 0.0) continue;
    throw ConfigError(cost.place, std::string("has no effect: ") + kNoSolve +
                                      ", so there is no path, no step and no end that it could be "
                                      "about; costs of parameters (weight_decay) can stay");
  }
  for (const Use use : {Use::training, Use::evaluation}) {
    const OdeDynamics plain = dynamics({setting(use).field, Divergence::none, {}, {}, false, use});
    const auto drawn = std::find_if(plain.items.begin(), plain.items.end(), [](const Item& item) {
      return item.kind == Item::Kind::noise;
    });
    const Config field = config_.component("field");
    if (drawn != plain.items.end()) {
      field.fail("", "draws '" + drawn->name +
                         "' once a solve: a rate that is matched point by point is an average "
                         "over it and learns to pass it over");
    }
    if (!plain.observed.empty() || !couplings(plain.dynamics).empty()) {
      field.fail("",
                 "takes statistics over the batch at one time; here each sample has a time "
                 "of its own, so they would mix times: choose a field without batch "
                 "statistics");
    }
  }
}

void Chain::require_matching() const {
  for (std::size_t i = 0; i + 1 < links_.size(); ++i) {
    const auto* ode = std::get_if<OdeBlock>(&links_[i]);
    if (ode == nullptr) continue;
    throw ConfigError(ode->place(),
                      "block '" + ode->name() +
                          "' is followed by another one: the velocity that is matched leads from "
                          "the data to the base, so there is one ode block and it ends the model");
  }
  const OdeBlock* solve = last_solve();
  if (solve == nullptr) {
    throw ConfigError("the objective matches the rate of an ode block: end the model with one");
  }
  if (!released_.empty()) {
    throw ConfigError(solve->place(),
                      "a split in front of '" + solve->name() +
                          "' sends half of each sample to the base without a rate that could be "
                          "matched: leave it out");
  }
  solve->require_matching();
}

Tensor RecordedModel::before_solve(Tensor x) {
  const std::vector<Tensor> used = recorder_.used_parameters();
  const Chain::Output state = chain_.forward(recorder_, x, use_, chain_.size() - 1);
  if (state.first_with_cost != nullptr) first_with_cost_ = state.first_with_cost;
  const auto now = recorder_.named_parameters();
  const auto count = static_cast<std::size_t>(
      std::count_if(used.begin(), used.end(), [](Tensor one) { return static_cast<bool>(one); }));
  if (now.size() > count) {
    throw ConfigError("'" + now[count].first +
                      "' is learned in front of the ode block: a velocity is easiest to match "
                      "where all data have been mapped to one point, so these blocks have to be "
                      "fixed (standardize, whiten, logit)");
  }
  return state.value;
}

Tensor RecordedModel::velocity(Tensor t, Tensor z) {
  OdeBlock::Output output = chain_.last_solve()->velocity(recorder_, t, z, use_);
  if (costs_.empty()) costs_ = std::move(output.costs);
  return output.value;
}

std::array<double, 2> RecordedModel::span() const { return chain_.last_solve()->span(); }

}  // namespace odeum::model
