// SPDX-License-Identifier: Apache-2.0
// Linear combinations in straight-line code, y + h (w1 k1 + w2 k2 + ...): one call each, whose
// partial sums stay in a register.
#pragma once

#include "plan/straight.hpp"

namespace odeum::cpu {

/// Joins multiply-adds by numbers whose sums nothing else reads. The arithmetic stays the same.
void join_chains(StraightCode& code, const Kernels& kernels);

}  // namespace odeum::cpu
