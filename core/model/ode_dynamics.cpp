// SPDX-License-Identifier: Apache-2.0
#include "model/ode_dynamics.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <utility>

#include "odeum/program.hpp"
#include "odeum/tensor.hpp"

namespace odeum::model {

namespace {

/// A recording of one evaluation, to learn what the parts ask for.
struct Rehearsal {
  Recording recording;
  Tensor t;
  Tensor z;
  std::vector<Observation> observations;
  NamedScope scope;
  std::vector<Tensor> probes;

  Rehearsal(const Shape& state, DType precision, Mode mode = Mode::evaluation)
      : t(recording.input("t", Shape{1}, precision)),
        z(recording.input("z", state, precision)),
        scope(
            z,
            [this, precision](const Item& item) {
              return recording.input(item.name, item.shape, precision);
            },
            mode, [this](const Observation& one) { observations.push_back(one); }),
        probes{recording.input("probe", state, precision)} {}
};

/// The rates of all members at a point.
State record_rates(TrajectoryPoint& point, const OdeTerms& terms) {
  State rates{point.velocity()};
  if (terms.divergence != Divergence::none) rates.push_back(cast(point.divergence(), DType::f64));
  for (const NamedCost& cost : terms.running) {
    rates.push_back(cast(cost.regularizer->running_cost(point), DType::f64));
  }
  for (std::size_t i = 0; i < terms.steps.size(); ++i) {
    rates.push_back(full(point.state(), Shape{kRows}, 0.0, DType::f64));
  }
  return rates;
}

/// The same in two parts. Divergence and costs, which no rate depends on, belong to the rest.
Rates::Parts record_parts(TrajectoryPoint& point, const OdeTerms& terms, Scope& scope) {
  Rates::Parts parts{record_rates(point, terms), {}};
  parts.rest[0] = terms.field->rest(scope, point.time(), point.state());
  parts.stiff.resize(parts.rest.size());
  parts.stiff[0] = terms.field->stiff_part(scope, point.time(), point.state());
  return parts;
}

std::size_t index_of(const std::vector<Item>& items, const std::string& name) {
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (items[i].name == name) return i;
  }
  bug("the field asked for '" + name + "' only on a later call");
}

/// Time as fields see it: the state's type; one axis more where every sample has its own.
Tensor field_time(Tensor t, DType precision) {
  const Tensor time = cast(t, precision);
  return time.shape().has_rows() ? reshape(time, Shape{kRows, 1}) : time;
}

void require_features(const VectorField& field, const Shape& state) {
  const std::int64_t wanted = field.features();
  const std::int64_t have = state[state.rank() - 1];
  if (wanted >= 0 && wanted != have) {
    throw ConfigError("the field takes a state of " + std::to_string(wanted) +
                      " components, the data have " + std::to_string(have));
  }
}

/// What the field asks for and observes, found out by recording it once.
void rehearse(const OdeTerms& terms, const Shape& state, DType precision, OdeDynamics& result) {
  try {
    Rehearsal rehearsal(state, precision, terms.mode);
    TrajectoryPoint point(*terms.field, rehearsal.scope, rehearsal.t, rehearsal.z, rehearsal.probes,
                          terms.divergence);
    record_rates(point, terms);
    if (terms.events) terms.field->event_functions(rehearsal.scope, rehearsal.t, rehearsal.z);
    result.uses_probe = point.used_probe();
    result.items = rehearsal.scope.items();
    for (const Observation& one : rehearsal.observations) {
      result.observed.push_back(index_of(result.items, one.buffer));
    }
    std::sort(result.observed.begin(), result.observed.end());
    result.observed.erase(std::unique(result.observed.begin(), result.observed.end()),
                          result.observed.end());
  } catch (const std::invalid_argument& error) {
    throw ConfigError("the dynamics cannot be recorded for a state of shape " + state.text() +
                      ": " + error.what());
  }
}

/// A quadrature of the length of time, which the error norm leaves out.
Member cost_member(const std::string& name, bool of_steps) {
  return {.name = name,
          .shape = {kRows},
          .dtype = DType::f64,
          .in_error_norm = false,
          .along_absolute_time = true,
          .of_steps = of_steps};
}

std::vector<Member> members_of(const OdeTerms& terms, const Shape& state, DType precision) {
  std::vector<Member> members{{.name = "z", .shape = state, .dtype = precision}};
  if (terms.divergence != Divergence::none) {
    members.push_back({.name = "log_determinant", .shape = {kRows}, .dtype = DType::f64});
  }
  for (const NamedCost& cost : terms.running) members.push_back(cost_member(cost.name, false));
  for (const NamedCost& cost : terms.steps) members.push_back(cost_member(cost.name, true));
  return members;
}

}  // namespace

OdeDynamics make_dynamics(const OdeTerms& terms, const Shape& state, DType precision) {
  require_features(*terms.field, state);
  OdeDynamics result;
  rehearse(terms, state, precision, result);
  result.has_log_determinant = terms.divergence != Divergence::none;

  Dynamics& dynamics = result.dynamics;
  dynamics.members = members_of(terms, state, precision);
  if (result.uses_probe) dynamics.constants.push_back({"probe", state, precision});
  for (const Item& item : result.items)
    dynamics.constants.push_back({item.name, item.shape, precision});

  dynamics.kinks = terms.field->kinks();
  const auto at = [terms, items = result.items, uses_probe = result.uses_probe, precision](
                      Tensor t, Tensor z, std::span<const Tensor> constants, const auto& record,
                      const NamedScope::Observe& observe = {}) {
    const std::size_t first_item = uses_probe ? 1 : 0;
    const auto provide = [&](const Item& asked) {
      return constants[first_item + index_of(items, asked.name)];
    };
    NamedScope scope(z, provide, terms.mode, observe);
    std::vector<Tensor> probes;
    if (uses_probe) probes.push_back(constants.front());
    TrajectoryPoint point(*terms.field, scope, field_time(t, precision), z, probes,
                          terms.divergence);
    return record(point, scope);
  };
  dynamics.rates = [at, terms](Tensor t, const State& y, std::span<const Tensor> constants) {
    return at(t, y.front(), constants,
              [&](TrajectoryPoint& point, Scope&) { return record_rates(point, terms); });
  };
  result.seen = [at, items = result.items](Tensor t, Tensor z, std::span<const Tensor> constants) {
    std::vector<OdeDynamics::Seen> seen;
    at(
        t, z, constants, [](TrajectoryPoint& point, Scope&) { return point.velocity(); },
        [&](const Observation& one) {
          seen.push_back({index_of(items, one.buffer), one.weight, one.value});
        });
    return seen;
  };
  if (terms.field->has_stiff_part()) {
    dynamics.parts = [at, terms](Tensor t, const State& y, std::span<const Tensor> constants) {
      return at(t, y.front(), constants, [&](TrajectoryPoint& point, Scope& scope) {
        return record_parts(point, terms, scope);
      });
    };
  }
  return result;
}

CostForms cost_forms(const VectorField& field, const Regularizer& regularizer, const Shape& state,
                     DType precision) {
  Rehearsal rehearsal(state, precision);
  TrajectoryPoint point(field, rehearsal.scope, rehearsal.t, rehearsal.z, rehearsal.probes,
                        Divergence::hutchinson);
  // A step that has all that a step can have.
  const Tensor z = rehearsal.z;
  const Tensor time = cast(rehearsal.t, DType::f64);
  const Tensor other = rehearsal.probes.front();
  const SolverStep step{time, time, z, other, other, {{time, z, other}, {time, other, z}}};
  return {static_cast<bool>(regularizer.running_cost(point)),
          static_cast<bool>(regularizer.terminal_cost(point)),
          static_cast<bool>(regularizer.step_cost(step)),
          static_cast<bool>(regularizer.parameter_cost(z))};
}

}  // namespace odeum::model
