// SPDX-License-Identifier: Apache-2.0
// Steps that move or make elements: copies between layouts, padding, counters, random numbers.
#pragma once

#include <cstdint>
#include <memory>

#include "odeum/tensor.hpp"
#include "plan/layout.hpp"
#include "steps/step.hpp"

namespace odeum::cpu {

/// `elements` a row (or in total) from slot `from` through `read` to slot `to` through `write`.
/// With `zero_elements` the destination's so many elements a row are zeroed before.
struct MoveSpec {
  bool rowful = false;
  std::int64_t elements = 0;
  std::size_t element_size = 4;
  int from = -1, to = -1;
  Access read, write;
  std::int64_t zero_elements = 0;
};
std::unique_ptr<Step> make_move(const MoveSpec& spec);

/// One row's elements of slot `from` through `read`, once more after another up to `length` (or
/// what the run's rows need): what a periodic operand of a group reads.
struct RepeatSpec {
  std::int64_t elements = 0, length = 0;
  std::size_t element_size = 4;
  int from = -1, to = -1;
  Access read;
};
std::unique_ptr<Step> make_repeat(const RepeatSpec& spec);

/// The index along `axis`.
std::unique_ptr<Step> make_iota(const Shape& shape, DType type, int axis, int to);
std::unique_ptr<Step> make_row_count(DType type, int to);
std::unique_ptr<Step> make_random(Distribution distribution, const Shape& shape, DType type,
                                  int key, int sample_index, int to);

}  // namespace odeum::cpu
