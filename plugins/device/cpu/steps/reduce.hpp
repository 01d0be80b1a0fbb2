// SPDX-License-Identifier: Apache-2.0
// Sums and maxima over axes, outside of fused groups.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "plan/layout.hpp"
#include "steps/step.hpp"

namespace odeum::cpu {

struct ReductionSpec {
  DType type = DType::f32;
  bool maximum = false;   ///< else a sum
  int x = -1, out = -1;   ///< slots; with `over_rows` out is an accumulator (float64, int64 or, for
                          ///< maxima, `type`)
  Layout layout;          ///< of the operand
  std::vector<int> axes;  ///< sorted
  bool over_rows = false;
  double scale = 1.0;        ///< of a sum over rows: times this and
  std::vector<int> scalars;  ///< ... the first elements of these slots
};

/// Sums of float32 add up in float64. A NaN makes a maximum NaN.
std::unique_ptr<Step> make_reduction(ReductionSpec spec);

}  // namespace odeum::cpu
