// SPDX-License-Identifier: Apache-2.0
// Given steps on trust: where nothing that a step computes moves the next one, the host queues them
// all and looks at their decisions together, so that a device works while the host goes ahead. A
// solve whose trust fails is done again step by step, for the failure's place and cause.
#include <cmath>

#include "solve/integrator.hpp"

namespace odeum::solve {

/// Whether each step's place is known before the one before it has run. Who wants what a failed
/// solve leaves behind gets steps that were looked at.
bool StepLoop::knows_steps() const {
  const bool steady = controller_->adaptive() || controller_->initial_memory().empty();
  return !method_.adaptive() && steady && !watch_ && !run_steady_ &&
         options_.on_failure != OnFailure::partial;
}

/// The step just queued, as one that is accepted and after which the next is as long.
bool StepLoop::trust(Progress& solve, const Pace::Step& step) {
  trusted_.push_back(step.h);
  solve.pace.accepted(step, step.h);
  if (!accept(solve, step)) return false;
  return static_cast<std::int64_t>(trusted_.size()) < kMostTrusted || was_right(solve);
}

/// Looks at what became of the steps taken on trust.
bool StepLoop::was_right(Progress& solve) {
  const std::size_t size = decision_values_.size();
  if (!solve.betrayed && !trusted_.empty()) {
    trusted_decisions_.resize(trusted_.size() * size);
    device_->download(trusted_decisions_.data(), decision_view(0),
                      trusted_decisions_.size() * sizeof(double));
    for (std::size_t i = 0; i < trusted_.size(); ++i) {
      const double* decision = trusted_decisions_.data() + i * size;
      const bool as_long = options_.steps > 0 || decision[AttemptProgram::next_h] == trusted_[i];
      const bool taken = decision[AttemptProgram::accept] != 0.0 &&
                         decision[AttemptProgram::non_finite] == 0.0 &&
                         decision[AttemptProgram::convergence] <= 1.0 &&
                         std::isfinite(decision[AttemptProgram::error_ratio]);
      solve.betrayed |= !as_long || !taken;
    }
    const std::size_t last = (trusted_.size() - 1) * size;
    solve.report.error_ratio = trusted_decisions_[last + AttemptProgram::error_ratio];
  }
  trusted_.clear();
  return !solve.betrayed;
}

}  // namespace odeum::solve
