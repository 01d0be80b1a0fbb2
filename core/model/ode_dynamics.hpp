// SPDX-License-Identifier: Apache-2.0
// The augmented equation of an ode block: the state z, its log-density and running costs as one
// Dynamics, and what it needs as constants.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "model/scope.hpp"
#include "model/trajectory_point.hpp"
#include "odeum/field.hpp"
#include "odeum/regularizer.hpp"
#include "odeum/solve.hpp"

namespace odeum::model {

/// A regularizer of an ode block with its name in reports.
struct NamedCost {
  std::string name;
  std::shared_ptr<const Regularizer> regularizer;
};

/// What is integrated.
struct OdeTerms {
  std::shared_ptr<const VectorField> field;
  Divergence divergence = Divergence::none;
  std::vector<NamedCost> running;  ///< those with a running cost
  bool events = false;             ///< what the field's event functions ask for is a constant too
};

struct OdeDynamics {
  Dynamics dynamics;        ///< members: z, log_determinant where asked for, costs in order
  bool uses_probe = false;  ///< constants start with the probe, shaped as z
  std::vector<Item> items;  ///< the further constants: what the field asked for
  bool has_log_determinant = false;
};

/// `state`: shape of z, leading with rows. The field is recorded once to learn what it needs.
/// Throws ConfigError when the field does not fit the state.
OdeDynamics make_dynamics(const OdeTerms& terms, const Shape& state, DType precision);

/// Whether a regularizer has a running (or terminal) cost: asked by recording it once.
struct CostForms {
  bool running = false;
  bool terminal = false;
};
CostForms cost_forms(const VectorField& field, const Regularizer& regularizer, const Shape& state,
                     DType precision);

}  // namespace odeum::model
