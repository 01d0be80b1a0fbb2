// SPDX-License-Identifier: Apache-2.0
// The augmented equation of an ode block: the state z, its log-density and running costs as one
// Dynamics, and what it needs as constants.
#pragma once

#include <functional>
#include <memory>
#include <span>
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
  std::vector<NamedCost> running;     ///< those with a running cost
  std::vector<NamedCost> steps = {};  ///< those with a cost of the solver's steps
  bool events = false;  ///< what the field's event functions ask for is a constant too
  Mode mode = Mode::evaluation;
};

struct OdeDynamics {
  /// Members: z, log_determinant where asked for, running costs in order, costs of steps in order.
  /// The last have Member::of_steps: with_step_costs (model/step_costs.hpp) makes them grow.
  Dynamics dynamics;
  bool uses_probe = false;  ///< constants start with the probe, shaped as z
  std::vector<Item> items;  ///< the further constants: what the field asked for
  bool has_log_determinant = false;

  /// What an evaluation of the field at (t, z) lets a buffer move towards, in the field's order.
  struct Seen {
    std::size_t item = 0;  ///< the buffer, of `items`
    Tensor weight;
    Tensor value;
  };
  std::function<std::vector<Seen>(Tensor t, Tensor z, std::span<const Tensor> constants)> seen;
  std::vector<std::size_t> observed;  ///< items that `seen` speaks of, ascending; mostly none

  /// The first member that is a cost of steps.
  std::size_t first_of_steps() const {
    std::size_t m = 0;
    while (m < dynamics.members.size() && !dynamics.members[m].of_steps) ++m;
    return m;
  }
};

/// `state`: shape of z, leading with rows. The field is recorded once to learn what it needs.
/// Throws ConfigError when the field does not fit the state.
OdeDynamics make_dynamics(const OdeTerms& terms, const Shape& state, DType precision);

/// Which costs a regularizer has: asked by recording each once.
struct CostForms {
  bool running = false;
  bool terminal = false;
  bool steps = false;
  bool parameters = false;  ///< of any parameter, whatever its name

  bool none() const { return !running && !terminal && !steps && !parameters; }
};
CostForms cost_forms(const VectorField& field, const Regularizer& regularizer, const Shape& state,
                     DType precision);

}  // namespace odeum::model
