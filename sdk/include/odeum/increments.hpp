// SPDX-License-Identifier: Apache-2.0
// Stochastic equations with an increment of the Wiener process a step: what a field and a solver
// are as well, if they know of such steps. Core asks for it by dynamic_cast.
#pragma once

#include <cstdint>
#include <optional>

namespace odeum::inline v1 {

/// What an equation dx = f dt + g dW means: with g at the beginning of each increment, or the limit
/// of the ordinary equations of smooth paths.
enum class Calculus : std::uint8_t { ito, stratonovich };

/// Of a field: its rate is that of a path which is linear on so many equal pieces of the solve's
/// span and jumps where they meet. Core sees to it that each step is one piece and that the field
/// is evaluated within the step: a time at which two pieces meet means the piece above it, and a
/// stage at the upper end of its step comes at kBeforeJoint of a piece below it. The field takes
/// times that near to a joint for the joint, seen from below.
class WienerIncrements {
 public:
  virtual ~WienerIncrements();
  virtual std::int64_t increments() const = 0;
  virtual Calculus calculus() const = 0;
};

/// Far more than the rounding of times in float32, and above all nodes of methods below 1.
inline constexpr double kBeforeJoint = 1.0 / 32.0;

/// Of a solver that is no explicit Runge-Kutta method (odeum tells those by their tableaus).
class StochasticScheme {
 public:
  virtual ~StochasticScheme();
  /// Whose solutions its steps of one increment each tend to; nothing: no one's.
  virtual std::optional<Calculus> calculus() const = 0;
};

}  // namespace odeum::inline v1
