// SPDX-License-Identifier: Apache-2.0
// The derivative of one round of steps in which every row has its own t and h and counts or not.
#pragma once

#include <cstdint>
#include <vector>

#include "odeum/gradient.hpp"
#include "odeum/reversal.hpp"

namespace backprop {

using namespace odeum;

struct RoundReversal {
  enum Control { t, h, accepted, control_size };
  /// (control [rows: t, h, accepted], members, carry, constants, cotangents of members and carry)
  /// to
  /// ([rows: cotangents of t, h], members, carry, wanted constants). Rows that were not accepted
  /// hand their cotangents on; their h must be one from which the step is finite.
  Program round;
  /// (t [rows], members, constants, carry cotangents) to (cotangents of t [rows], members, wanted
  /// constants).
  Program start;
  std::vector<ArraySpec> carry;
  std::int64_t round_evaluations = 0;
  std::int64_t start_evaluations = 0;
};
RoundReversal record_round_reversal(const SolveSetting& setting, const std::vector<bool>& wanted);

}  // namespace backprop
