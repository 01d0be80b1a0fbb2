// SPDX-License-Identifier: Apache-2.0
// The Jacobian of a dynamics by sample: members that some rate depends on, side by side in one
// vector of n entries a row.
#pragma once

#include <span>
#include <vector>

#include "odeum/solver.hpp"

namespace odeum::rosenbrock {

/// Members joined and taken apart again: [rows, ...] each to [rows, n] and back.
class Joined {
 public:
  /// The members of `y` that are no quadratures.
  Joined(const Rates& rates, const State& y);

  const std::vector<std::size_t>& members() const { return members_; }
  std::int64_t size() const { return size_; }
  Tensor join(const State& values) const;                            ///< of all members
  void separate(Tensor joined, const State& like, State& to) const;  ///< into its members of `to`

 private:
  std::vector<std::size_t> members_;
  std::vector<std::int64_t> sizes_;
  std::int64_t size_ = 0;
};

/// d rates / d y at a value of `rates` that was recorded from `y`: [rows, n, n], the row of the
/// matrix first. One primal and one tangent mapped over the basis.
Tensor jacobian(const Joined& joined, const State& rates, const State& y);

}  // namespace odeum::rosenbrock
