// SPDX-License-Identifier: Apache-2.0
// Buffers that a field observes along a forward solve (Scope::observe). Each evaluation that an
// accepted step has made is folded in, in order; rejected steps, backward solves and whatever is
// computed anew leave no trace. The caller's buffers stay as they are: the folded ones are results.
#pragma once

#include <memory>
#include <vector>

#include "model/ode_dynamics.hpp"
#include "odeum/device.hpp"
#include "odeum/solve.hpp"

namespace odeum::model {

/// Why statistics cannot be folded in such a solve; empty: they can.
std::string observation_refusal(const Solver& solver, const SolveOptions& options);

class Observer {
 public:
  Observer(OdeDynamics dynamics, DType precision, std::shared_ptr<Device> device);

  /// The setting, whose forward integrators of the observed dynamics fold as they go.
  std::unique_ptr<SolveSetting> observed(std::unique_ptr<SolveSetting> setting);

  /// The buffers behind the last forward solve, in the order of OdeDynamics::observed.
  const std::vector<View>& buffers() const { return now(); }
  /// Accepted steps that the last forward solve folded.
  std::int64_t steps() const { return steps_; }

 private:
  friend class ObservedSolve;
  const std::vector<View>& now() const { return halves_[current_]; }
  void begin(std::span<const View> constants);
  /// What `run`, a program (buffers, values...) to buffers, makes of them.
  void fold(Executable& run, std::span<const View> values);
  Tensor declare(Recording& recording, std::size_t observed) const;
  const InputSpec& spec(std::size_t observed) const;
  std::size_t bytes(std::size_t observed) const;
  std::size_t constant_of(std::size_t item) const { return item + (dynamics_.uses_probe ? 1 : 0); }

  OdeDynamics dynamics_;
  DType precision_;
  std::shared_ptr<Device> device_;
  std::vector<std::shared_ptr<void>> memory_;
  std::vector<View> halves_[2];
  int current_ = 0;
  std::int64_t steps_ = 0;
};

}  // namespace odeum::model
