// SPDX-License-Identifier: Apache-2.0
// EventSolve: a differentiable solve that ends at its first terminal event.
#pragma once

#include <memory>
#include <vector>

#include "odeum/gradient.hpp"
#include "odeum/solve.hpp"
#include "solve/piecewise.hpp"
#include "solve/workspace.hpp"

namespace odeum::solve {

/// The state y* = y(t*) and the time t* at which an event function g(t, y, constants) of one sample
/// is zero, as functions of the initial state, the initial time and the constants, with any
/// gradient method. By the implicit function theorem (R. T. Q. Chen, B. Amos, M. Nickel, Learning
/// neural event functions for ordinary differential equations, ICLR 2021, arXiv 2011.03902, eq. 8)
///
///   dt* = -(g_y dy + g_c dc) / (g_t + g_y f),   dy the variation of y at fixed time t*,
///
/// so cotangents (a, b) of (y*, t*) become a - g_y s of y at the fixed time t* and -g_c s of the
/// constants, s = (a f + b) / (g_t + g_y f).
///
/// Events are looked for by a solve of its own; the one that is differentiated then ends there.
/// Samples share the time of the first event.
class EventSolve {
 public:
  EventSolve(std::shared_ptr<const GradientMethod> method, const MakeSetting& make,
             const SolveOptions& options, std::vector<bool> wanted, EventFunctions events);

  /// `call` has two times: where the solve begins, and where it ends at the latest. `results`: by
  /// member, at the event. The report counts both solves; without an event before the last time its
  /// status is `success` and there is no backward.
  SolveReport forward(const SolveCall& call);
  const EventHit& event() const { return hit_; }

  /// From cotangents of the members at the event (null: zero) and of its time. targets.times[1] is
  /// 0: the last time allowed does not matter. A RunError where the event function
  /// has no rate along the solution (a surface touched, not crossed): t* has no derivative there.
  SolveReport backward(const SolveCall& call, std::span<const View> result_cotangents,
                       double time_cotangent, const CotangentTargets& targets);
  std::size_t kept_bytes() const { return solve_->kept_bytes(); }

 private:
  void compile();
  SolveCall until_event(const SolveCall& call);

  std::unique_ptr<SolveSetting> setting_;
  std::vector<bool> wanted_;
  EventFunctions events_;
  std::unique_ptr<Integrator> search_;
  std::unique_ptr<DifferentiableSolve> solve_;
  std::unique_ptr<Executable> correct_;

  std::unique_ptr<Workspace> workspace_;
  std::vector<View> scalars_;  ///< t, direction, cotangent of the time, g's rate, which event
  std::vector<View> mask_, zeros_, corrected_;
  EventHit hit_;
  std::vector<double> times_;
};

}  // namespace odeum::solve
