// SPDX-License-Identifier: Apache-2.0
// Why a solve that succeeds is slow: watches some of its steps.
#pragma once

#include <memory>
#include <vector>

#include "odeum/solve.hpp"
#include "solve/spectral_radius.hpp"

namespace odeum::solve {

/// Measures |h| times the spectral radius of df/dz at ever rarer accepted steps, the first after
/// 64 of them: a quick solve costs nothing.
class SlowSolve {
 public:
  /// References must outlive this.
  SlowSolve(const Dynamics& dynamics, const Solver& solver, std::shared_ptr<Device> device);

  /// To be called for each accepted step.
  void see(const AcceptedStep& step, std::int64_t rows, std::span<const View> constants);
  /// Fills stiffness and stability of a successful solve's report, and cause where it was slow:
  /// held by stability, or by more rejected steps than accepted ones.
  void conclude(SolveReport& report) const;

 private:
  struct Seen {
    double stiffness = 0.0;  ///< of the worst sample
    double direction = 0.0;  ///< in the solve's direction
  };
  const Dynamics& dynamics_;
  std::shared_ptr<Device> device_;
  double stability_;
  std::unique_ptr<SpectralRadius> spectral_radius_;
  std::vector<Seen> seen_;
};

}  // namespace odeum::solve
