// SPDX-License-Identifier: Apache-2.0
#include "odeum/adjoint.hpp"

#include "odeum/transforms.hpp"

namespace odeum::inline v1 {
namespace {

std::vector<Tensor> declare_constants(Recording& recording, const Dynamics& dynamics) {
  std::vector<Tensor> inputs;
  for (const InputSpec& s : dynamics.constants) {
    inputs.push_back(recording.input(s.name, s.shape, s.dtype));
  }
  return inputs;
}

/// All forward members at the given states; quadratures, which no rate looks at, are zero.
State forward_members(const Dynamics& forward, const AdjointEquation& equation,
                      std::span<const Tensor> states) {
  State y(forward.members.size());
  for (std::size_t i = 0; i < equation.states.size(); ++i) y[equation.states[i]] = states[i];
  for (const std::size_t q : equation.quadratures) {
    y[q] = full(states[0], forward.members[q].shape, 0.0, forward.members[q].dtype);
  }
  return y;
}

void turn_to_time(const Dynamics& forward, Tensor direction, State& rates) {
  for (std::size_t m = 0; m < rates.size(); ++m) {
    if (!forward.members[m].along_absolute_time || !rates[m]) continue;
    rates[m] = cast(direction, rates[m].dtype()) * rates[m];
  }
}

/// What the members and constants of the backward solve stand for.
struct Point {
  std::vector<Tensor> states;
  State cotangents;                   ///< by forward member
  std::span<const Tensor> constants;  ///< of the forward dynamics
  Tensor direction;
};

Point point_at(const Dynamics& forward, const AdjointEquation& equation, const AdjointTerms& terms,
               Tensor t, const State& y, std::span<const Tensor> constants) {
  const std::size_t states = equation.states.size();
  const std::size_t own = forward.constants.size();
  const std::size_t direction = own + equation.quadratures.size();
  Point point;
  point.constants = constants.first(own);
  point.direction = constants[direction];
  point.states = terms.trajectory ? terms.trajectory(t, constants.subspan(direction + 1))
                                  : State(y.begin(), y.begin() + static_cast<long>(states));
  const std::size_t first = terms.trajectory ? 0 : states;
  point.cotangents.resize(forward.members.size());
  for (std::size_t i = 0; i < states; ++i) point.cotangents[equation.states[i]] = y[first + i];
  for (std::size_t i = 0; i < equation.quadratures.size(); ++i) {
    point.cotangents[equation.quadratures[i]] = constants[own + i];
  }
  return point;
}

/// The states, then, where they are integrated, the parameters.
std::vector<Tensor> variables_of(const AdjointEquation& equation, const AdjointTerms& terms,
                                 const Point& point) {
  std::vector<Tensor> variables = point.states;
  if (terms.parameters == ParameterCotangents::left_out) return variables;
  for (const std::size_t p : equation.parameters) variables.push_back(point.constants[p]);
  return variables;
}

State adjoint_rates(const Dynamics& forward, const AdjointEquation& equation,
                    const AdjointTerms& terms, Tensor t, const State& y,
                    std::span<const Tensor> constants) {
  const Point point = point_at(forward, equation, terms, t, y, constants);
  const State rates =
      rates_by_time(forward, equation, t, point.states, point.constants, point.direction);
  State result;
  if (!terms.trajectory) {
    for (const std::size_t s : equation.states) result.push_back(rates[s]);
  }
  for (const Tensor& product : vjp(rates, variables_of(equation, terms, point), point.cotangents)) {
    result.push_back(-product);
  }
  return result;
}

/// -cotangents^T d part / d variables; a part without a tensor for a member has none of it.
State pulled_back(const State& part, const State& cotangents, std::span<const Tensor> variables) {
  State outputs, seeds;
  for (std::size_t m = 0; m < part.size(); ++m) {
    if (!part[m]) continue;
    outputs.push_back(part[m]);
    seeds.push_back(cotangents[m]);
  }
  State result;
  for (const Tensor& product : vjp(outputs, variables, seeds)) result.push_back(-product);
  return result;
}

/// The stiff part of a' is -a^T dg/dz with the state's stiff part g; the parameters' cotangents
/// are quadratures and have none.
Rates::Parts adjoint_parts(const Dynamics& forward, const AdjointEquation& equation,
                           const AdjointTerms& terms, Tensor t, const State& y,
                           std::span<const Tensor> constants) {
  const Point point = point_at(forward, equation, terms, t, y, constants);
  Rates::Parts parts =
      forward.parts(t, forward_members(forward, equation, point.states), point.constants);
  turn_to_time(forward, point.direction, parts.rest);
  turn_to_time(forward, point.direction, parts.stiff);
  Rates::Parts result;
  if (!terms.trajectory) {
    for (const std::size_t s : equation.states) {
      result.rest.push_back(parts.rest[s]);
      result.stiff.push_back(parts.stiff[s]);
    }
  }
  const std::vector<Tensor> variables = variables_of(equation, terms, point);
  const State rest = pulled_back(parts.rest, point.cotangents, variables);
  const State stiff = pulled_back(parts.stiff, point.cotangents, variables);
  for (std::size_t i = 0; i < variables.size(); ++i) {
    const bool of_state = i < point.states.size();
    result.rest.push_back(of_state ? rest[i] : rest[i] + stiff[i]);
    result.stiff.push_back(of_state ? stiff[i] : Tensor());
  }
  return result;
}

void add_members(const Dynamics& forward, const AdjointTerms& terms, AdjointEquation& equation) {
  std::vector<Member>& members = equation.dynamics.members;
  for (const std::size_t s : equation.states) {
    if (terms.trajectory) break;
    members.push_back(forward.members[s]);
    members.back().along_absolute_time = false;
  }
  const bool left_out = terms.norm == AdjointNorm::state && !terms.trajectory;
  for (const std::size_t s : equation.states) {
    members.push_back(forward.members[s]);
    Member& cotangent = members.back();
    cotangent.name += " cotangent";
    cotangent.along_absolute_time = false;
    cotangent.in_error_norm = cotangent.in_error_norm && !left_out;
  }
  for (const std::size_t p : equation.parameters) {
    if (terms.parameters == ParameterCotangents::left_out) break;
    const InputSpec& constant = forward.constants[p];
    members.push_back({.name = constant.name + " cotangent",
                       .shape = constant.shape,
                       .dtype = constant.dtype,
                       .in_error_norm = terms.norm == AdjointNorm::full});
  }
}

}  // namespace

AdjointEquation make_adjoint_equation(const Dynamics& forward, const std::vector<bool>& wanted,
                                      const AdjointTerms& terms) {
  AdjointEquation equation;
  const std::vector<bool> quadrature = quadratures(forward);
  for (std::size_t m = 0; m < quadrature.size(); ++m) {
    (quadrature[m] ? equation.quadratures : equation.states).push_back(m);
  }
  for (std::size_t c = 0; c < wanted.size(); ++c) {
    if (wanted[c]) equation.parameters.push_back(c);
  }
  equation.integrates_states = !terms.trajectory;
  equation.integrates_parameters = terms.parameters == ParameterCotangents::integrated;
  add_members(forward, terms, equation);

  Dynamics& dynamics = equation.dynamics;
  dynamics.constants = forward.constants;
  for (const std::size_t q : equation.quadratures) {
    const Member& member = forward.members[q];
    dynamics.constants.push_back({member.name + " cotangent", member.shape, member.dtype});
  }
  dynamics.constants.push_back({"direction", {1}, DType::f64});
  dynamics.constants.insert(dynamics.constants.end(), terms.record.begin(), terms.record.end());

  AdjointEquation indices = equation;
  indices.dynamics = {};
  dynamics.rates = [&forward, indices, terms](Tensor t, const State& y,
                                              std::span<const Tensor> constants) {
    return adjoint_rates(forward, indices, terms, t, y, constants);
  };
  if (forward.parts) {
    dynamics.parts = [&forward, indices, terms](Tensor t, const State& y,
                                                std::span<const Tensor> constants) {
      return adjoint_parts(forward, indices, terms, t, y, constants);
    };
  }
  return equation;
}

State rates_by_time(const Dynamics& forward, const AdjointEquation& equation, Tensor t,
                    std::span<const Tensor> states, std::span<const Tensor> constants,
                    Tensor direction) {
  State rates = forward.rates(t, forward_members(forward, equation, states), constants);
  turn_to_time(forward, direction, rates);
  return rates;
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

}  // namespace odeum::inline v1
