// SPDX-License-Identifier: Apache-2.0
#include "machine/straight_values.hpp"

#include <cstring>

namespace odeum::cpu {
namespace {

using Xbyak::Xmm;
using Xbyak::Ymm;

/// The lane above the lowest that has the element, or 0.
int lane_above(const Held& held, std::uint32_t element) {
  if (held.splat || element <= held.place) return 0;
  const std::uint32_t above = (element - held.place) / kSize;
  return above < static_cast<std::uint32_t>(held.count) ? static_cast<int>(above) : 0;
}

}  // namespace

StraightValues::StraightValues(const StraightCode& code, const std::byte* arena, VectorCode& to)
    : arena_(arena), to_(to), lifetimes_(lifetimes(code)) {}

void StraightValues::begin_with(bool all_in_memory) {
  in_memory_ = all_in_memory ? std::vector<bool>(lifetimes_.last_use.size(), true) : read_;
  read_.assign(lifetimes_.last_use.size(), false);
  registers_.forget_all();
}

void StraightValues::begin(std::size_t instruction) {
  now_ = instruction;
  registers_.begin();
}
void StraightValues::keep_only(int reg) {
  registers_.begin();
  registers_.use(reg);
}
int StraightValues::take(Held held) {
  const int reg = registers_.choose([this](const Held& x) { return is_dead(x) ? 1U : 0U; });
  return registers_.fill(reg, held);
}
bool StraightValues::is_dead(const Held& x) const {
  for (int i = 0; i < (x.splat ? 1 : x.count); ++i) {
    if (lifetimes_.last_use[x.place / kSize + static_cast<std::size_t>(i)] >= now_) return false;
  }
  return true;
}

Source StraightValues::in_arena(std::uint32_t place) const {
  return Source::at(to_.ptr[kArena + static_cast<int>(place)]);
}

void StraightValues::read(std::uint32_t place, int count) {
  for (int k = 0; k < count; ++k) read(place + static_cast<std::uint32_t>(k) * kSize);
}

/// A register that holds these elements in its lowest lanes, or -1.
int StraightValues::find_run(std::uint32_t place, int count) {
  return registers_.find([=](const Held& x) {
    const bool enough = x.splat ? count == 1 && x.count > 0 : x.count >= count;
    return enough && x.place == place;
  });
}

/// A number that nothing writes and that fills a vector.
bool StraightValues::is_filled(std::uint32_t place) const {
  if (place % kPadding + kLanes * kSize > kPadding || lifetimes_.written[place / kPadding])
    return false;
  const std::byte* at = arena_ + place;
  return std::memcmp(at, at + kSize, (kLanes - 1) * kSize) == 0;
}

Source StraightValues::scalar(std::uint32_t place) {
  if (const int reg = find_run(place, 1); reg >= 0) return Source::in(reg);
  const int from = registers_.find([place](const Held& x) { return lane_above(x, place) > 0; });
  if (from < 0) {
    read(place, 1);
    return in_arena(place);
  }
  const int lane = lane_above(registers_[from], place);
  const int reg = take({place, 1, false});
  if (lane == 1) {
    to_.vunpckhpd(Xmm(reg), Xmm(from), Xmm(from));
  } else {
    to_.vextractf128(Xmm(reg), Ymm(from), 1);
    if (lane == 3) to_.vunpckhpd(Xmm(reg), Xmm(reg), Xmm(reg));
  }
  return Source::in(reg);
}

Source StraightValues::splat(std::uint32_t place) {
  const int known = registers_.find(
      [place](const Held& x) { return x.splat && x.count > 0 && x.place == place; });
  if (known >= 0) return Source::in(known);
  if (is_filled(place)) return in_arena(place);
  const Source one = scalar(place);
  const int reg = take({place, 1, true});
  to_.broadcast(lanes(kLanes), reg, one);
  return Source::in(reg);
}

Source StraightValues::run(std::uint32_t place, int count) {
  if (count == 1) return scalar(place);
  if (const int reg = find_run(place, count); reg >= 0) return Source::in(reg);
  read(place, count);
  return in_arena(place);
}

Source StraightValues::operand(std::uint32_t place, bool is_splat, std::uint32_t first, int count) {
  if (is_splat) return count == 1 ? scalar(place) : splat(place);
  return run(place + first * kSize, count);
}

int StraightValues::in_register(Source x, int count, Held what) {
  if (x.reg >= 0) return x.reg;
  const int reg = take(what);
  to_.load(lanes(count), reg, x.memory);
  return reg;
}
int StraightValues::operand_in_register(std::uint32_t place, bool is_splat, std::uint32_t first,
                                        int count) {
  if (is_splat && count > 1) return in_register(splat(place), count);
  return run_in_register(is_splat ? place : place + first * kSize, count);
}
int StraightValues::run_in_register(std::uint32_t place, int count) {
  return in_register(run(place, count), count, {place, count, false});
}
int StraightValues::copied(Source x, int count, Held what) {
  const int reg = take(what);
  if (x.reg >= 0) {
    to_.copy(lanes(kLanes), reg, x.reg);
  } else {
    to_.load(lanes(count), reg, x.memory);
  }
  return reg;
}

void StraightValues::store_if_read(int reg, std::uint32_t place, int count) {
  for (int k = 0; k < count; ++k) {
    if (!in_memory_[lifetimes_.element(place + static_cast<std::uint32_t>(k) * kSize)]) continue;
    to_.store(lanes(count), in_arena(place).memory, reg);
    return;
  }
}

}  // namespace odeum::cpu
