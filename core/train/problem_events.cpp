// SPDX-License-Identifier: Apache-2.0
#include "train/problem_events.hpp"

#include <algorithm>
#include <cstdio>
#include <memory>

#include "model/scope.hpp"
#include "odeum/tensor.hpp"

namespace odeum::train {
namespace {

/// What an event passes `value`: a component of the state, or a function of the field's.
struct Source {
  bool component = true;
  std::int64_t index = 0;
  double value = 0.0;
};

std::string joined(const std::vector<std::string>& names) {
  std::string all;
  for (const std::string& name : names) all += (all.empty() ? "" : ", ") + name;
  return all;
}

Source source_of(const Config& event, const VectorField& field, std::size_t features) {
  if (event.has("component") == event.has("function")) {
    event.fail("",
               "an event is of a component or of a function: give one of `component`, "
               "`function`");
  }
  const double value = event.number("value");
  if (event.has("component")) {
    const std::int64_t component = event.integer("component");
    if (component >= static_cast<std::int64_t>(features)) {
      event.fail("component",
                 "the state has " + std::to_string(features) + " components, counted from 0");
    }
    return {true, component, value};
  }
  const std::vector<std::string> names = field.events();
  const std::string& name = event.text("function");
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) {
    event.fail("function", names.empty() ? "this field has no event functions: name a component"
                                         : "this field has no event function '" + name +
                                               "', but: " + joined(names));
  }
  return {false, found - names.begin(), value};
}

std::string name_of(const Config& event, const Source& source, const VectorField& field) {
  std::string name;
  if (source.component) {
    const std::vector<std::string> components = field.components();
    const auto index = static_cast<std::size_t>(source.index);
    name = index < components.size() ? components[index] : "y" + std::to_string(index);
  } else {
    name = event.text("function");
    if (source.value == 0.0) return name;
  }
  char value[32];
  std::snprintf(value, sizeof value, " = %g", source.value);
  return name + value;
}

Crossing crossing_of(const std::string& direction) {
  if (direction == "rising") return Crossing::rising;
  return direction == "falling" ? Crossing::falling : Crossing::any;
}

/// The field's own functions, [rows, number of names].
Tensor own_functions(const VectorField& field, const std::vector<model::Item>& items, Tensor t,
                     Tensor z, std::span<const Tensor> constants) {
  model::NamedScope scope(z, [&](const model::Item& asked) -> Tensor {
    for (std::size_t i = 0; i < items.size(); ++i) {
      if (items[i].name == asked.name) return constants[i];
    }
    bug("the field's event functions asked for '" + asked.name + "' only on a later call");
  });
  return field.event_functions(scope, cast(t, z.dtype()), z);
}

}  // namespace

bool names_event_functions(const Config& problem) {
  const std::vector<Config>& events = problem.sections("events");
  return std::any_of(events.begin(), events.end(),
                     [](const Config& event) { return event.has("function"); });
}

EventFunctions events_of(const Config& problem, const std::shared_ptr<const VectorField>& field,
                         const model::OdeDynamics& dynamics, std::size_t features) {
  EventFunctions result;
  std::vector<Source> sources;
  for (const Config& event : problem.sections("events")) {
    const Source source = source_of(event, *field, features);
    result.events.push_back({name_of(event, source, *field), crossing_of(event.text("direction")),
                             event.flag("terminal")});
    sources.push_back(source);
  }
  result.values = [field, sources, items = dynamics.items](Tensor t, const State& y,
                                                           std::span<const Tensor> constants) {
    const Tensor z = y.front();
    Tensor own;
    std::vector<Tensor> columns;
    for (const Source& source : sources) {
      if (!source.component && !own) own = own_functions(*field, items, t, z, constants);
      const Tensor from = source.component ? z : own;
      columns.push_back(slice(from, 1, source.index, source.index + 1) - source.value);
    }
    return concat(columns);
  };
  return result;
}

}  // namespace odeum::train
