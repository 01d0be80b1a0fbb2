// SPDX-License-Identifier: Apache-2.0
// The values of straight-line code in machine code: which of them vector registers hold, and how
// instructions get at the others, in the arena. Elements are of float64.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "machine/lifetimes.hpp"
#include "machine/register_file.hpp"
#include "machine/vector_code.hpp"

namespace odeum::cpu {

/// Elements of a vector, and bytes of an element.
inline constexpr std::uint32_t kLanes = 4;
inline constexpr std::uint32_t kSize = sizeof(double);

/// Elements that stand one after another in the arena from `place` on, or one in every lane.
struct Held {
  std::uint32_t place = 0;
  int count = 0;  ///< 0: nothing that anybody will ask for
  bool splat = false;
};

class StraightValues {
 public:
  /// Instructions go to `to`; `arena` has the constants in their places.
  StraightValues(const StraightCode& code, const std::byte* arena, VectorCode& to);

  /// Nothing was written, or what was written is forgotten, but for what it read from memory.
  void begin_with(bool all_in_memory);
  /// What was found or taken for earlier instructions may be given away from here on. Instructions
  /// are counted from 1.
  void begin(std::size_t instruction);
  /// The same for all but one register, within an instruction.
  void keep_only(int reg);
  void forget_all() { registers_.forget_all(); }
  /// A register that nothing in this instruction uses, to be filled with `held`.
  int take(Held held = {});

  /// Of three elements and two, the lanes above take part.
  static Lanes lanes(int count) { return {DType::f64, count == 1 ? 1 : static_cast<int>(kLanes)}; }
  Source in_arena(std::uint32_t place) const;
  /// Something reads the element from memory.
  void read(std::uint32_t place) { read_[lifetimes_.element(place)] = true; }

  /// The element in the lowest lane of a register, or in memory.
  Source scalar(std::uint32_t place);
  /// The element in every lane.
  Source splat(std::uint32_t place);
  Source run(std::uint32_t place, int count);
  /// A run from its element `first` on, or a splat.
  Source operand(std::uint32_t place, bool is_splat, std::uint32_t first, int count);

  /// In a register; `what` it then holds, if anything that may be asked for again.
  int in_register(Source x, int count, Held what = {});
  int operand_in_register(std::uint32_t place, bool is_splat, std::uint32_t first, int count);
  int run_in_register(std::uint32_t place, int count);
  /// A register for a result that starts as a copy of an operand.
  int copied(Source x, int count, Held what);
  void store_if_read(int reg, std::uint32_t place, int count);

 private:
  bool is_dead(const Held& held) const;
  bool is_filled(std::uint32_t place) const;
  void read(std::uint32_t place, int count);
  int find_run(std::uint32_t place, int count);

  const std::byte* arena_;
  VectorCode& to_;
  Lifetimes lifetimes_;
  std::vector<bool> in_memory_;  ///< by element: results that must be stored
  std::vector<bool> read_;       ///< by element: those read from memory
  RegisterFile<Held> registers_{16, Held{}};
  std::size_t now_ = 0;  ///< the instruction
};

/// Where the arena's address is throughout.
inline constexpr Xbyak::Reg64 kArena(Xbyak::Operand::RBX);

}  // namespace odeum::cpu
