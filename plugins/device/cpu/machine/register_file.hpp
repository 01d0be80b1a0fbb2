// SPDX-License-Identifier: Apache-2.0
// Which values the vector registers hold while machine code is written.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace odeum::cpu {

/// Elements of float64 that stand one after another in the arena from `place` on, or one in every
/// lane.
struct Held {
  std::uint32_t place = 0;
  int count = 0;  ///< 0: nothing that anybody will ask for
  bool splat = false;
};

class RegisterFile {
 public:
  /// `last_use`: by element of the arena, the last instruction that reads it.
  explicit RegisterFile(const std::vector<std::size_t>& last_use) : last_use_(last_use) {}

  /// What was found or taken for earlier instructions may be given away from here on.
  void begin(std::size_t instruction);
  /// The same for all but one register, within an instruction.
  void keep_only(int reg);
  void forget_all() { held_ = {}, used_ = {}; }

  /// A register that holds these elements in its lowest lanes, or -1.
  int find(std::uint32_t place, int count);
  int find_splat(std::uint32_t place);
  /// A register that holds the element in a lane above the lowest, or -1.
  int find_lane(std::uint32_t place, int* lane);
  /// A register that nothing in this instruction uses, to be filled with `held`.
  int take(Held held = {});

 private:
  static constexpr std::size_t kRegisters = 16;
  bool is_dead(const Held& held) const;
  int use(std::size_t reg);

  const std::vector<std::size_t>& last_use_;
  std::size_t now_ = 0;
  std::array<Held, kRegisters> held_{};
  std::size_t stage_ = 1;                       ///< counts what `begin` and `keep_only` separate
  std::array<std::size_t, kRegisters> used_{};  ///< the last such stage
};

}  // namespace odeum::cpu
