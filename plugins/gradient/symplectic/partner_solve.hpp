// SPDX-License-Identifier: Apache-2.0
// Solves by a Runge-Kutta method whose steps are reversed by its symplectic partner. Only states at
// the beginnings of steps are kept; an explicit method's stages are differentiated one at a time.
#pragma once

#include <memory>
#include <vector>

#include "odeum/checkpoints.hpp"
#include "partner.hpp"

namespace symplectic {

/// For explicit methods.
class PartnerSolve final : public DifferentiableSolve {
 public:
  PartnerSolve(std::unique_ptr<SolveSetting> setting, const std::vector<bool>& wanted);

  SolveReport forward(const SolveCall& call) override;
  SolveReport backward(const SolveCall& call, std::span<const View> result_cotangents,
                       const CotangentTargets& targets) override;
  std::size_t kept_bytes() const override;
  std::optional<std::size_t> estimate_kept_bytes(std::int64_t rows, std::int64_t results,
                                                 std::int64_t steps) const override;

 private:
  std::int64_t reverse(const ReverseSweep::Reversed& step);
  void reverse_stage(const ReverseSweep::Reversed& step, std::size_t n,
                     std::span<const View> point);
  std::vector<ArraySpec> state_specs(std::size_t times) const;

  std::unique_ptr<SolveSetting> setting_;
  ReverseSweep sweep_;
  Partner partner_;
  std::unique_ptr<Executable> run_points_;
  std::vector<std::unique_ptr<Executable>> run_stages_;  ///< as Partner::reversals
  RecordMemory records_;  ///< state members at the beginnings of steps
  Arrays points_;         ///< X_i by state member, of Partner::stages but the first
  Arrays mu_;             ///< mu_i by state member, of Partner::stages
  std::unique_ptr<Integrator> integrator_;
};

/// For implicit methods: the partner of stages that are solved for is the vjp of the whole step,
/// whose last Newton correction solves the transposed stage equations.
class ImplicitPartnerSolve final : public DifferentiableSolve {
 public:
  ImplicitPartnerSolve(std::unique_ptr<SolveSetting> setting, const std::vector<bool>& wanted);

  SolveReport forward(const SolveCall& call) override;
  SolveReport backward(const SolveCall& call, std::span<const View> result_cotangents,
                       const CotangentTargets& targets) override;
  std::size_t kept_bytes() const override;
  std::optional<std::size_t> estimate_kept_bytes(std::int64_t rows, std::int64_t results,
                                                 std::int64_t steps) const override;

 private:
  std::unique_ptr<SolveSetting> setting_;
  ReverseSweep sweep_;
  StepReversal reversal_;
  std::unique_ptr<Executable> run_;
  StepCheckpoints kept_;
  std::unique_ptr<Integrator> integrator_;
};

}  // namespace symplectic
