// SPDX-License-Identifier: Apache-2.0
#include "adjoint_equation.hpp"

#include "odeum/transforms.hpp"

namespace adjoint {
namespace {

std::vector<Tensor> declare_constants(Recording& recording, const Dynamics& dynamics) {
  std::vector<Tensor> inputs;
  for (const InputSpec& s : dynamics.constants) {
    inputs.push_back(recording.input(s.name, s.shape, s.dtype));
  }
  return inputs;
}

/// Rates by dt: those of quadratures along |t| take the sign of the forward direction.
State rates_by_time(const Dynamics& forward, const AdjointEquation& equation, Tensor t,
                    std::span<const Tensor> states, std::span<const Tensor> constants,
                    Tensor direction) {
  State y(forward.members.size());
  for (std::size_t i = 0; i < equation.states.size(); ++i) y[equation.states[i]] = states[i];
  for (const std::size_t q : equation.quadratures) {
    y[q] = full(states[0], forward.members[q].shape, 0.0, forward.members[q].dtype);
  }
  State rates = forward.rates(t, y, constants);
  for (std::size_t m = 0; m < rates.size(); ++m) {
    if (!forward.members[m].along_absolute_time) continue;
    rates[m] = cast(direction, rates[m].dtype()) * rates[m];
  }
  return rates;
}

State adjoint_rates(const Dynamics& forward, const AdjointEquation& equation, Tensor t,
                    const State& y, std::span<const Tensor> constants) {
  const std::size_t states = equation.states.size();
  const std::size_t parameters = forward.constants.size();
  const std::span<const Tensor> z(y.data(), states);
  const State rates =
      rates_by_time(forward, equation, t, z, constants.first(parameters), constants.back());

  State cotangents(forward.members.size());
  for (std::size_t i = 0; i < states; ++i) cotangents[equation.states[i]] = y[states + i];
  for (std::size_t i = 0; i < equation.quadratures.size(); ++i) {
    cotangents[equation.quadratures[i]] = constants[parameters + i];
  }
  std::vector<Tensor> variables(z.begin(), z.end());
  for (const std::size_t p : equation.parameters) variables.push_back(constants[p]);
  const std::vector<Tensor> products = vjp(rates, variables, cotangents);

  State result;
  for (const std::size_t s : equation.states) result.push_back(rates[s]);
  for (const Tensor& product : products) result.push_back(-product);
  return result;
}

}  // namespace

AdjointEquation make_adjoint_equation(const Dynamics& forward, const std::vector<bool>& wanted,
                                      Norm norm) {
  AdjointEquation equation;
  const std::vector<bool> quadrature = quadratures(forward);
  for (std::size_t m = 0; m < quadrature.size(); ++m) {
    (quadrature[m] ? equation.quadratures : equation.states).push_back(m);
  }
  for (std::size_t c = 0; c < wanted.size(); ++c) {
    if (wanted[c]) equation.parameters.push_back(c);
  }

  Dynamics& dynamics = equation.dynamics;
  for (const std::size_t s : equation.states) {
    Member state = forward.members[s];
    state.along_absolute_time = false;
    dynamics.members.push_back(state);
  }
  for (const std::size_t s : equation.states) {
    Member cotangent = forward.members[s];
    cotangent.name += " cotangent";
    cotangent.along_absolute_time = false;
    cotangent.in_error_norm = cotangent.in_error_norm && norm != Norm::state;
    dynamics.members.push_back(cotangent);
  }
  for (const std::size_t p : equation.parameters) {
    const InputSpec& constant = forward.constants[p];
    dynamics.members.push_back({.name = constant.name + " cotangent",
                                .shape = constant.shape,
                                .dtype = constant.dtype,
                                .in_error_norm = norm == Norm::full});
  }
  dynamics.constants = forward.constants;
  for (const std::size_t q : equation.quadratures) {
    const Member& member = forward.members[q];
    dynamics.constants.push_back({member.name + " cotangent", member.shape, member.dtype});
  }
  dynamics.constants.push_back({"direction", {1}, DType::f64});

  AdjointEquation parts = equation;
  parts.dynamics = {};
  dynamics.rates = [&forward, parts](Tensor t, const State& y, std::span<const Tensor> constants) {
    return adjoint_rates(forward, parts, t, y, constants);
  };
  return equation;
}

Program record_time_cotangent(const Dynamics& forward, const AdjointEquation& equation) {
  Recording recording;
  const Tensor t = recording.input("t", {1}, DType::f64);
  std::vector<Tensor> states;
  for (const std::size_t s : equation.states) {
    const Member& m = forward.members[s];
    states.push_back(recording.input(m.name, m.shape, m.dtype));
  }
  const std::vector<Tensor> constants = declare_constants(recording, forward);
  const Tensor direction = recording.input("direction", {1}, DType::f64);
  const State rates = rates_by_time(forward, equation, t, states, constants, direction);
  Tensor total = full(t, {1}, 0.0);
  for (std::size_t m = 0; m < rates.size(); ++m) {
    const Member& member = forward.members[m];
    const Tensor cotangent =
        recording.input(member.name + " cotangent", member.shape, member.dtype);
    const Tensor product = cast(rates[m], DType::f64) * cast(cotangent, DType::f64);
    std::vector<int> axes;
    for (int axis = 0; axis < product.rank(); ++axis) axes.push_back(axis);
    total = total + reshape(sum(product, axes), {1});
  }
  return recording.program(std::span(&total, 1));
}

}  // namespace adjoint
