// SPDX-License-Identifier: Apache-2.0
// A solve differentiated by integrating its adjoint equation from the last time to the first, one
// interval between two times after the other. The state starts each interval from what the forward
// solve found there, not from what came out of the interval before.
#pragma once

#include <memory>
#include <vector>

#include "adjoint_equation.hpp"

namespace adjoint {

class ContinuousSolve final : public DifferentiableSolve {
 public:
  /// `backward` are the options of the backward solves.
  ContinuousSolve(std::unique_ptr<SolveSetting> setting, const std::vector<bool>& wanted, Norm norm,
                  const SolveOptions& backward);

  SolveReport forward(const SolveCall& call) override;
  SolveReport backward(const SolveCall& call, std::span<const View> result_cotangents,
                       const CotangentTargets& targets) override;
  std::size_t kept_bytes() const override { return kept_bytes_; }

 private:
  /// Device memory that only grows.
  struct Buffer {
    std::shared_ptr<void> memory;
    std::size_t capacity = 0;
  };
  View reserve(Buffer& buffer, std::size_t bytes);
  std::size_t bytes(std::size_t member, std::int64_t rows) const;
  View kept_state(std::size_t time, std::size_t state) const;

  void clear(std::int64_t rows);
  void add_result_cotangents(const SolveCall& call, std::size_t time, std::span<const View> all);
  SolveReport interval(const SolveCall& call, std::size_t time);
  double time_cotangent(const SolveCall& call, std::size_t time, std::span<const View> cotangents);
  void deliver(const SolveCall& call, const CotangentTargets& targets);

  std::unique_ptr<SolveSetting> setting_;
  AdjointEquation equation_;
  std::unique_ptr<Integrator> forward_, backward_;
  std::vector<std::unique_ptr<Executable>> add_members_, add_parameters_;
  std::unique_ptr<Executable> run_time_cotangent_;

  Buffer states_;                   ///< [time 1 .. n-1][state]
  std::vector<View> kept_;          ///< into states_
  std::vector<Buffer> cotangents_;  ///< by member
  std::vector<Buffer> zeros_;       ///< by member
  std::vector<Buffer> parameters_;  ///< by wanted constant
  Buffer scalars_;                  ///< t, direction, the derivative by a time
  std::vector<View> member_views_, zero_views_, parameter_views_;
  View t_, direction_, by_time_;
  std::size_t kept_bytes_ = 0;
};

}  // namespace adjoint
