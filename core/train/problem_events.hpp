// SPDX-License-Identifier: Apache-2.0
// The `events:` of a problem as functions of its equation's time and state.
#pragma once

#include <string>
#include <vector>

#include "model/ode_dynamics.hpp"
#include "odeum/config.hpp"
#include "odeum/field.hpp"
#include "odeum/solve.hpp"

namespace odeum::train {

/// Whether an event names a function of the field's own.
bool names_event_functions(const Config& problem);

/// What `events:` describes, for a state of `features` components. ConfigErrors where an event
/// names a component or function that is not there, or both.
EventFunctions events_of(const Config& problem, const std::shared_ptr<const VectorField>& field,
                         const model::OdeDynamics& dynamics, std::size_t features);

}  // namespace odeum::train
