// SPDX-License-Identifier: Apache-2.0
// The rates of a dynamics inside one recording, with every evaluation counted.
#pragma once

#include <vector>

#include "odeum/solve.hpp"

namespace odeum::solve {

class CountedRates final : public Rates {
 public:
  /// `dynamics` and `options` must outlive this; `constants` belong to the recording that the calls
  /// go to.
  CountedRates(const Dynamics& dynamics, const SolveOptions& options,
               std::span<const Tensor> constants);

  State operator()(Tensor t, const State& y) override;
  Parts parts(Tensor t, const State& y) override;
  bool quadrature(std::size_t member) const override;
  Tensor tolerance(std::size_t member, Tensor magnitude) const override;
  bool along_absolute_time(std::size_t member) const override;
  std::int64_t calls() const override {
    return static_cast<std::int64_t>(known_.size() + known_parts_.size());
  }

 private:
  Parts all_stiff(Tensor t, const State& y) const;

  struct Known {
    std::vector<ValueId> arguments;
    State rates;
  };
  struct KnownParts {
    std::vector<ValueId> arguments;
    Parts parts;
  };
  const Dynamics& dynamics_;
  const SolveOptions& options_;
  std::vector<Tensor> constants_;
  std::vector<Known> known_;
  std::vector<KnownParts> known_parts_;
  mutable std::vector<bool> quadratures_;  ///< empty until asked for
};

}  // namespace odeum::solve
