// SPDX-License-Identifier: Apache-2.0
#include "round_reversal.hpp"

#include "odeum/transforms.hpp"

namespace backprop {
namespace {

using Tensors = std::vector<Tensor>;

void append(Tensors& to, const Tensors& from) { to.insert(to.end(), from.begin(), from.end()); }

Tensor column(Tensor packed, int index) {
  return reshape(slice(packed, 1, index, index + 1), {kRows});
}

void append_chosen(Tensors& to, const Tensors& values, const std::vector<bool>& wanted) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (wanted[i]) to.push_back(values[i]);
  }
}

Tensor where(Tensor accepted, Tensor yes, Tensor no) {
  return select(broadcast(matched(accepted, yes), yes.shape()), yes, no);
}

void record_start(const SolveSetting& setting, const std::vector<bool>& wanted,
                  RoundReversal& reversal) {
  Recording recording;
  const Dynamics& dynamics = setting.dynamics();
  const Tensor t = recording.input("t", {kRows}, DType::f64);
  const State y = declare(recording, "y", member_specs_of(dynamics));
  const Tensors constants = declare_constants(recording, dynamics);
  const auto rates = setting.rates(dynamics, constants);
  const Tensors carry = setting.solver().start(*rates, t, y);
  reversal.start_evaluations = rates->calls();
  for (const Tensor& c : carry) reversal.carry.push_back({c.shape(), c.dtype(), c.row_class()});
  const Tensors cotangents = declare(recording, "cotangent", reversal.carry);
  Tensors variables{t};
  append(variables, y);
  append_chosen(variables, constants, wanted);
  reversal.start = recording.program(vjp(carry, variables, cotangents));
}

}  // namespace

RoundReversal record_round_reversal(const SolveSetting& setting, const std::vector<bool>& wanted) {
  RoundReversal reversal;
  record_start(setting, wanted, reversal);

  const Dynamics& dynamics = setting.dynamics();
  Recording recording;
  const Tensor control =
      recording.input("control", {kRows, RoundReversal::control_size}, DType::f64);
  const Tensor accepted = column(control, RoundReversal::accepted);
  StepInputs in;
  in.t = column(control, RoundReversal::t);
  in.h = column(control, RoundReversal::h);
  in.y = declare(recording, "y", member_specs_of(dynamics));
  in.carry = declare(recording, "carry", reversal.carry);
  in.dense_output = DenseOutput::not_wanted;
  const Tensors constants = declare_constants(recording, dynamics);
  Tensors after = declare(recording, "cotangent_y", member_specs_of(dynamics));
  append(after, declare(recording, "cotangent_carry", reversal.carry));
  Tensors seeds;
  for (const Tensor& cotangent : after) {
    seeds.push_back(where(accepted, cotangent, zeros_like(cotangent)));
  }

  const auto rates = setting.rates(dynamics, constants);
  const StepOutputs out = setting.solver().step(*rates, in);
  reversal.round_evaluations = rates->calls();
  Tensors results = out.y;
  append(results, out.carry);
  Tensors variables{in.t, in.h};
  append(variables, in.y);
  append(variables, in.carry);
  append_chosen(variables, constants, wanted);
  const Tensors found = vjp(results, variables, seeds);

  Tensors outputs{concat({reshape(found[0], {kRows, 1}), reshape(found[1], {kRows, 1})}, 1)};
  for (std::size_t i = 2; i < found.size(); ++i) {
    const bool state = i - 2 < after.size();
    outputs.push_back(state ? where(accepted, found[i], after[i - 2]) : found[i]);
  }
  reversal.round = recording.program(outputs);
  return reversal;
}

}  // namespace backprop
