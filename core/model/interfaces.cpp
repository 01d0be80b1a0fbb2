// SPDX-License-Identifier: Apache-2.0
// Out-of-line parts of the SDK's interfaces that the model assembles: their key functions live in
// libodeum, so that every plugin shares one type information.
#include "odeum/block.hpp"
#include "odeum/dataset.hpp"
#include "odeum/field.hpp"
#include "odeum/objective.hpp"
#include "odeum/optimizer.hpp"
#include "odeum/regularizer.hpp"

namespace odeum::inline v1 {

Scope::~Scope() = default;
VectorField::~VectorField() = default;
Path::~Path() = default;
Regularizer::~Regularizer() = default;
Block::~Block() = default;
Model::~Model() = default;
Objective::~Objective() = default;
Dataset::~Dataset() = default;
Optimizer::~Optimizer() = default;
LossFunction::~LossFunction() = default;
LineSearchOptimizer::~LineSearchOptimizer() = default;

UpdateOutputs LineSearchOptimizer::update(const UpdateInputs&) const {
  bug("LineSearchOptimizer::update was called: such an optimizer searches");
}

Tensor VectorField::stiff_part(Scope&, Tensor, Tensor) const {
  bug("VectorField::stiff_part was called on a field that has none");
}

Tensor VectorField::rest(Scope& scope, Tensor t, Tensor z) const {
  return (*this)(scope, t, z) - stiff_part(scope, t, z);
}

Tensor VectorField::event_functions(Scope&, Tensor, Tensor) const {
  bug("VectorField::event_functions was called on a field without events");
}

Tensor Model::before_solve(Tensor) {
  bug("Model::before_solve was called on a model without an equation to match");
}

Tensor Model::velocity(Tensor, Tensor) {
  bug("Model::velocity was called on a model without an equation to match");
}

std::array<double, 2> Model::span() const {
  bug("Model::span was called on a model without an equation to match");
}

Tensor Block::inverse(Scope&, Tensor) const {
  bug("Block::inverse was called on a block that has none: " + why_no_inverse());
}

std::map<std::string, std::vector<double>> Block::fit(const Moments&) const {
  bug("Block::fit was called on a block that needs no moments");
}

}  // namespace odeum::inline v1
