// SPDX-License-Identifier: Apache-2.0
// The rates of a dynamics inside one recording, with every evaluation counted.
#pragma once

#include <vector>

#include "odeum/solve.hpp"

namespace odeum::solve {

class CountedRates final : public Rates {
 public:
  /// `dynamics` must outlive this; `constants` belong to the recording that the calls go to.
  CountedRates(const Dynamics& dynamics, std::span<const Tensor> constants);

  State operator()(Tensor t, const State& y) override;
  bool along_absolute_time(std::size_t member) const override;
  std::int64_t calls() const override { return static_cast<std::int64_t>(known_.size()); }

 private:
  struct Known {
    std::vector<ValueId> arguments;
    State rates;
  };
  const Dynamics& dynamics_;
  std::vector<Tensor> constants_;
  std::vector<Known> known_;
};

}  // namespace odeum::solve
