// SPDX-License-Identifier: Apache-2.0
// The derivative of a host function between its two halves: linear in tangents that nobody can
// compute, there to be transposed into a call of HostFunction::vjp().
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "odeum/program.hpp"

namespace odeum::program {

/// (arguments..., tangents of the arguments at `positions`) to tangents of the floating-point
/// outputs. Running it throws RunError.
class LinearizedHost final : public HostFunction {
 public:
  LinearizedHost(std::shared_ptr<HostFunction> function, std::vector<int> positions);

  const std::shared_ptr<HostFunction>& function() const { return function_; }
  const std::vector<int>& positions() const { return positions_; }

  std::string name() const override;
  std::vector<Value> outputs() const override;
  void run(std::int64_t rows, std::span<const void* const> inputs,
           std::span<void* const> outputs) override;

 private:
  std::shared_ptr<HostFunction> function_;
  std::vector<int> positions_;
};

}  // namespace odeum::program
