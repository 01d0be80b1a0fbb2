// SPDX-License-Identifier: Apache-2.0
// A solve that carries its derivatives along: the backward pass is one contraction for each time.
#pragma once

#include <memory>
#include <vector>

#include "odeum/adjoint_sweep.hpp"
#include "sensitivity_equation.hpp"

namespace forward_sensitivity {

class SensitivitySolve final : public DifferentiableSolve {
 public:
  SensitivitySolve(std::unique_ptr<SolveSetting> setting, const std::vector<bool>& wanted,
                   Norm norm);

  SolveReport forward(const SolveCall& call) override;
  SolveReport backward(const SolveCall& call, std::span<const View> result_cotangents,
                       const CotangentTargets& targets) override;
  std::size_t kept_bytes() const override { return kept_bytes_; }
  std::optional<std::size_t> estimate_kept_bytes(std::int64_t rows, std::int64_t results,
                                                 std::int64_t) const override {
    return static_cast<std::size_t>(results) * bytes_per_time(rows);
  }

  const Dynamics& equation() const { return equation_.dynamics; }

 private:
  std::vector<View> initial_tangents(std::int64_t rows);
  std::vector<View> place_results(const SolveCall& call);
  std::size_t bytes(std::size_t member, std::int64_t rows) const;
  std::vector<bool> own_members() const;
  std::size_t bytes_per_time(std::int64_t rows) const;
  std::span<const View> kept(std::size_t time) const;
  std::vector<View> states_at(const SolveCall& call, std::size_t time) const;
  std::vector<View> targets_of(const CotangentTargets& targets) const;

  std::unique_ptr<SolveSetting> setting_;
  AdjointEquation indices_;  ///< its states, quadratures and parameters alone
  SensitivityEquation equation_;
  TimeCotangent time_;
  std::unique_ptr<Integrator> integrator_;
  std::unique_ptr<Executable> contract_;

  std::vector<DeviceBuffer> starts_;   ///< tangents at the first time, by member
  DeviceBuffer results_;               ///< [time 1 .. n-1][member of the equation]
  std::vector<View> result_views_;     ///< into results_
  std::vector<DeviceBuffer> initial_;  ///< cotangents of the initial members
  std::vector<View> initial_views_;
  std::size_t kept_bytes_ = 0;
};

}  // namespace forward_sensitivity
