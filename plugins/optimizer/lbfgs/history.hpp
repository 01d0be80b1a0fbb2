// SPDX-License-Identifier: Apache-2.0
// The inverse Hessian of L-BFGS: the last moves and what they did to the gradient (Nocedal, Wright,
// Numerical Optimization, 2nd edition, 2006, section 7.2).
#pragma once

#include <cstddef>
#include <deque>
#include <span>
#include <string>
#include <vector>

#include "vectors.hpp"

namespace odeum::optimizers {

class History {
 public:
  /// Names of the slots that hold it: `length` moves, the newest first, then as many changes of the
  /// gradient.
  static std::vector<std::string> slots(std::size_t length);

  /// As `store` left it there; zeros are an empty one.
  explicit History(std::span<const std::span<double>> slots);
  void store(std::span<const std::span<double>> slots) const;

  /// A pair along which the gradient does not grow measurably says nothing of a minimum and is
  /// left out: the matrix stays positive definite.
  void add(Vector move, Vector change);
  void clear() { pairs_.clear(); }
  bool empty() const { return pairs_.empty(); }

  /// -H gradient by the two-loop recursion (algorithm 7.4), from (s.y / y.y) I of the newest pair
  /// (equation 7.20).
  Vector direction(std::span<const double> gradient) const;

 private:
  struct Pair {
    Vector move;
    Vector change;
    double curvature;  ///< their product, > 0
  };
  static bool curved(const Vector& move, const Vector& change);

  std::size_t length_;
  std::deque<Pair> pairs_;  ///< the newest first
};

}  // namespace odeum::optimizers
