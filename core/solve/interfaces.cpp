// SPDX-License-Identifier: Apache-2.0
// Out-of-line parts of the SDK's interfaces around a solve: their key functions live in libodeum,
// so that every plugin shares one type information.
#include "odeum/controller.hpp"
#include "odeum/error.hpp"
#include "odeum/gradient.hpp"
#include "odeum/increments.hpp"
#include "odeum/solve.hpp"
#include "odeum/solver.hpp"

namespace odeum::inline v1 {

Rates::~Rates() = default;
Solver::~Solver() = default;
Controller::~Controller() = default;
Integrator::~Integrator() = default;
SolveSetting::~SolveSetting() = default;
DifferentiableSolve::~DifferentiableSolve() = default;
GradientMethod::~GradientMethod() = default;
WienerIncrements::~WienerIncrements() = default;
StochasticScheme::~StochasticScheme() = default;

Tensor matched(Tensor scalar, Tensor y) {
  const Tensor value = cast(scalar, y.dtype());
  if (!value.shape().has_rows() || y.rank() < 2) return value;
  std::vector<std::int64_t> extents(static_cast<std::size_t>(y.rank()), 1);
  extents[0] = kRows;
  return reshape(value, Shape(extents));
}

std::vector<Tensor> Solver::start(Rates&, Tensor, const State&) const { return {}; }

State Solver::interpolate(Tensor x, const StepInputs& in, const StepOutputs& out) const {
  State y;
  for (std::size_t m = 0; m < in.y.size(); ++m) {
    y.push_back(in.y[m] + matched(x, in.y[m]) * (out.y[m] - in.y[m]));
  }
  return y;
}

std::string Solver::refusal(const Dynamics&) const { return ""; }

StepOutputs Solver::undo(Rates&, const StepInputs&) const {
  bug("Solver::undo was called on a method that is not reversible");
}

std::unique_ptr<Integrator> Solver::integrator(
    const Dynamics&, const SolveOptions&,
    std::shared_ptr<Device>,  // NOLINT: kept by overriders
    const IntegratorRequest&) const {
  bug("Solver::integrator was called on a method that is not driven by its host");
}

std::optional<std::size_t> DifferentiableSolve::estimate_kept_bytes(std::int64_t, std::int64_t,
                                                                    std::int64_t) const {
  return std::nullopt;
}

std::string GradientMethod::refusal(const Solver&, const SolveOptions&, const Dynamics&) const {
  return "";
}

}  // namespace odeum::inline v1
