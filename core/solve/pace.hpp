// SPDX-License-Identifier: Apache-2.0
// How long the next attempted step is: the controller's proposal, kept between the limits and cut
// so that steps land exactly where they must.
#pragma once

#include <cstdint>

#include "odeum/solve.hpp"

namespace odeum::solve {

/// Hairer's DOPRI5 stretches the last step by up to a hundredth rather than leave a sliver.
inline constexpr double kStretch = 1.01;
/// A step into the non-finite is shortened tenfold.
inline constexpr double kShrink = 0.1;

enum class Stepping : std::uint8_t { adaptive, given };

class Pace {
 public:
  Pace(const SolveOptions& options, Stepping stepping) : options_(options), stepping_(stepping) {}

  /// A new stretch of the solve begins at `from` and must end exactly at `to`; `t + h` in double
  /// precision does not pass it.
  void aim(double from, double to);
  /// The proposal, signed or not; its magnitude counts.
  void propose(double h);

  struct Step {
    double h = 0.0;    ///< signed
    double end = 0.0;  ///< t + h, or the target itself
    bool lands = false;
    bool too_small = false;  ///< below the resolution of t
  };
  Step next(double t) const;
  double proposal() const { return proposal_; }

  void accepted(const Step& step, double next_h);
  void rejected(double next_h) { propose(next_h); }
  /// Whether a rejected step of this size can still be shortened.
  bool can_shrink(double t, double h) const;
  /// Whether a step of this size is accepted whatever its error, being the shortest allowed.
  bool clips(double h) const;

 private:
  double shortest(double t) const;

  const SolveOptions& options_;
  Stepping stepping_;
  double proposal_ = 0.0;  ///< magnitude
  double from_ = 0.0;
  double target_ = 0.0;
  std::int64_t taken_ = 0;  ///< steps since `aim`
};

}  // namespace odeum::solve
