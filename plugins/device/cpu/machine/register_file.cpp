// SPDX-License-Identifier: Apache-2.0
#include "machine/register_file.hpp"

#include "odeum/error.hpp"

namespace odeum::cpu {

void RegisterFile::begin(std::size_t instruction) {
  now_ = instruction;
  ++stage_;
}

void RegisterFile::keep_only(int reg) {
  ++stage_;
  use(static_cast<std::size_t>(reg));
}

int RegisterFile::use(std::size_t reg) {
  used_[reg] = stage_;
  return static_cast<int>(reg);
}

int RegisterFile::find(std::uint32_t place, int count) {
  for (std::size_t r = 0; r < kRegisters; ++r) {
    const Held& h = held_[r];
    const bool enough = h.splat ? count == 1 && h.count > 0 : h.count >= count;
    if (enough && h.place == place) return use(r);
  }
  return -1;
}

int RegisterFile::find_splat(std::uint32_t place) {
  for (std::size_t r = 0; r < kRegisters; ++r) {
    if (held_[r].splat && held_[r].count > 0 && held_[r].place == place) return use(r);
  }
  return -1;
}

int RegisterFile::find_lane(std::uint32_t place, int* lane) {
  for (std::size_t r = 0; r < kRegisters; ++r) {
    const Held& h = held_[r];
    if (h.splat || place <= h.place) continue;
    const auto above = (place - h.place) / sizeof(double);
    if (above >= static_cast<std::size_t>(h.count)) continue;
    *lane = static_cast<int>(above);
    return use(r);
  }
  return -1;
}

bool RegisterFile::is_dead(const Held& h) const {
  for (int i = 0; i < (h.splat ? 1 : h.count); ++i) {
    if (last_use_[h.place / sizeof(double) + static_cast<std::size_t>(i)] >= now_) return false;
  }
  return true;
}

int RegisterFile::take(Held held) {
  std::size_t best = kRegisters;
  bool best_is_dead = false;
  for (std::size_t r = 0; r < kRegisters; ++r) {
    if (used_[r] == stage_) continue;
    const bool dead = is_dead(held_[r]);
    if (best == kRegisters || dead > best_is_dead ||
        (dead == best_is_dead && used_[r] < used_[best])) {
      best = r;
      best_is_dead = dead;
    }
  }
  if (best == kRegisters) bug("device cpu: an instruction needs more than 16 registers");
  held_[best] = held;
  return use(best);
}

}  // namespace odeum::cpu
