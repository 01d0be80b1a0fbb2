// SPDX-License-Identifier: Apache-2.0
// Slots: the memory of values. Steps name slots by number; a run turns numbers into addresses.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "odeum/shape.hpp"

namespace odeum::cpu {

enum class Home : std::uint8_t {
  input,        ///< the caller's memory
  output,       ///< the caller's memory
  constant,     ///< made when the program was compiled
  fixed,        ///< no rows; lives in the run's memory
  stored,       ///< has rows, all of them: crosses phases
  tile,         ///< has rows, those of one block, inside one phase
  accumulator,  ///< a shard's share of a reduction over rows
  product,      ///< the same of a matrix product, which the tasks plan computes in one piece
};

struct Slot {
  Home home = Home::fixed;
  DType type = DType::f32;
  bool rowful = false;
  std::int64_t elements = 0;  ///< of one row, or in total
  int position = -1;          ///< of the input or output; constant or accumulation
  int first = 0, last = 0;    ///< units between which it must hold its value
  std::size_t offset = 0;     ///< in its arena: bytes, or with rows bytes per row

  std::size_t bytes() const { return static_cast<std::size_t>(elements) * size_of(type); }
  bool in_arena() const { return home != Home::input && home != Home::output; }
};

/// Gives the slots of one home offsets so that slots alive together do not overlap; returns the
/// arena's size. Sizes are rounded up to `rounding` bytes.
std::size_t place_slots(std::vector<Slot>& slots, Home home, std::size_t rounding);

}  // namespace odeum::cpu
